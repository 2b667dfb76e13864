package config

import (
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"
)

// Pagination says how the pages of an answer follow each other. One member is
// set, or none where an answer has one page.
type Pagination struct {
	HeaderLink *HeaderLink
	JSONLink   *JSONLink
	Cursor     *Cursor
	PageNumber *PageNumber
	Offset     *Offset
}

// Pages bounds how many pages one poll asks for.
type Pages struct {
	MaxPages int `yaml:"max_pages" default:"10" min:"1" max:"100000" doc:"The most pages that one poll asks for. With more to come, the poll of a complete window fails, and that of a newest one ends." aka:"limit_pages|page_limit|max"`
}

// HeaderLink follows the Link header.
type HeaderLink struct {
	Type string `yaml:"type" required:"true" enum:"header_link" doc:"How the pages follow each other."`
	Pages
}

// JSONLink follows an address in the body.
type JSONLink struct {
	Type        string `yaml:"type" required:"true" enum:"json_link" doc:"How the pages follow each other."`
	NextURLPath string `yaml:"next_url_path" required:"true" doc:"The gjson path, in a page, of the address of the next one; nothing, null and an empty text are the end." example:"paging.next" aka:"path|next_path|next_url|next"`
	Pages
}

// Cursor asks for what follows a cursor.
type Cursor struct {
	Type        string `yaml:"type" required:"true" enum:"cursor" doc:"How the pages follow each other."`
	CursorPath  string `yaml:"cursor_path" required:"true" doc:"The gjson path of the cursor in a page, or in its last item; nothing, null and an empty text are the end." example:"meta.next_cursor" aka:"path|next_cursor_path|cursor"`
	CursorParam string `yaml:"cursor_param" required:"true" doc:"The parameter that takes the cursor; in a body its path, such as variables.after, or filters.0.value for an element of a list." example:"cursor" aka:"param|parameter"`
	CursorFrom  string `yaml:"cursor_from" default:"response" enum:"response|last_item" doc:"Whether cursor_path leads into the page, or into its last item." aka:"from"`
	HasMorePath string `yaml:"has_more_path" doc:"The gjson path, in a page, of whether there is more; false is the end, whatever the cursor." example:"has_more" aka:"more_path|has_next_path"`
	In          string `yaml:"in" enum:"query|body" doc:"Where the parameter goes; without it into the body where request.json or request.graphql is set, else into the query." example:"query" aka:"location"`
	Pages
}

// PageNumber asks for page after page.
type PageNumber struct {
	Type      string `yaml:"type" required:"true" enum:"page_number" doc:"How the pages follow each other."`
	PageParam string `yaml:"page_param" required:"true" doc:"The parameter that takes the number of the page." example:"page" aka:"param|parameter"`
	BasePage  int    `yaml:"base_page" default:"1" min:"0" doc:"The number of the first page." aka:"first_page|start_page"`
	TotalPath string `yaml:"total_path" doc:"The gjson path, in a page, of how many pages there are. Without it the list ends with an empty page, which takes one request more." example:"pages" aka:"total_pages_path|total"`
	In        string `yaml:"in" enum:"query|body" doc:"Where the parameter goes; without it into the body where request.json or request.graphql is set, else into the query." example:"query" aka:"location"`
	Pages
}

// Offset asks for what follows so many items.
type Offset struct {
	Type        string `yaml:"type" required:"true" enum:"offset" doc:"How the pages follow each other."`
	OffsetParam string `yaml:"offset_param" required:"true" doc:"The parameter that takes how many items to pass over." example:"offset" aka:"param|parameter|skip_param"`
	LimitParam  string `yaml:"limit_param" doc:"The parameter that takes limit." example:"limit" aka:"size_param|page_size_param"`
	Limit       int    `yaml:"limit" min:"1" doc:"How many items to ask for at a time. A server may give fewer: the next page begins behind those that came." example:"100" aka:"page_size|size|per_page"`
	TotalPath   string `yaml:"total_path" doc:"The gjson path, in a page, of how many items there are. Without it the list ends with an empty page, which takes one request more." example:"total" aka:"total|count_path"`
	In          string `yaml:"in" enum:"query|body" doc:"Where the parameters go; without it into the body where request.json or request.graphql is set, else into the query." example:"query" aka:"location"`
	Pages
}

func (p *Pagination) decode(d *decoder, at place, f field) {
	decodeKind(d, at, p, f, "{type: header_link}")
}

func (p *Pagination) schema(s schemer, _ field, _ shape) (*jsonschema.Schema, error) {
	return kindSchema(s, reflect.TypeFor[Pagination]())
}

// IsZero says whether an answer has one page.
func (p *Pagination) IsZero() bool { return *p == Pagination{} }

// Most is the most pages that one poll asks for: 1 without pagination.
func (p *Pagination) Most() int {
	switch {
	case p.HeaderLink != nil:
		return p.HeaderLink.MaxPages
	case p.JSONLink != nil:
		return p.JSONLink.MaxPages
	case p.Cursor != nil:
		return p.Cursor.MaxPages
	case p.PageNumber != nil:
		return p.PageNumber.MaxPages
	case p.Offset != nil:
		return p.Offset.MaxPages
	}
	return 1
}
