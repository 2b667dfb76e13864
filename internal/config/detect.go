package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Items says where the list is and what names an item in it.
type Items struct {
	Path   string `yaml:"path" default:"'@this'" doc:"The gjson path of the list; @this is the whole answer, of a feed in XML its entries." aka:"list|select"`
	Key    Key    `yaml:"key" required:"true" example:"id" doc:"The gjson path, within an item, of what identifies it; a list of paths where it takes several together." aka:"id|id_path|primary_key|keys"`
	Filter string `yaml:"filter" example:"\"!item.draft\"" doc:"Which items belong to the list: an expression of item that gives true or false. One that leaves it so is told as deleted, with the reason filtered." aka:"where|only|when"`
	Window string `yaml:"window" default:"complete" enum:"complete|newest" doc:"Whether the list is complete, or shows the newest items only; then what leaves it is not deleted."`
}

// Detect says what counts as a change.
type Detect struct {
	Select            string         `yaml:"select" default:"'@this'" doc:"The gjson path of what is compared and told, in the answer or in each item." aka:"path"`
	Ignore            []string       `yaml:"ignore" doc:"Paths of members that make no change; * is any one member, # any element of a list." example:"[updated_at, \"reactions.*\"]" aka:"exclude|ignore_fields"`
	Keys              map[string]Key `yaml:"keys" doc:"Lists inside whose elements are told apart by a member, or by several together, instead of by where they stand; the paths of the lists are written as in ignore, and @this is what is compared. A patch moves such an element." example:"{\"order.lines\": sku}" aka:"array_keys|list_keys|match_by"`
	IgnoreOrder       bool           `yaml:"ignore_order" default:"false" doc:"Whether the order of the elements of lists is no change." aka:"unordered|any_order|as_set|as_sets"`
	SignificantDigits int            `yaml:"significant_digits" default:"0" min:"0" max:"1000" doc:"Numbers are compared rounded to so many significant digits; 0 compares them exactly." aka:"precision|digits|round|significant_figures"`
	Events            []string       `yaml:"events" default:"[created, updated, deleted]" enum:"created|updated|deleted" doc:"The changes that are told. The log keeps all of them."`
	CompareWith       string         `yaml:"compare_with" default:"previous" enum:"previous|seen" doc:"What an answer is compared with: the previous one, or all items that were ever seen, so that one that comes back is not new. Nothing is deleted then."`
	FirstPoll         string         `yaml:"first_poll" default:"baseline" enum:"baseline|emit" doc:"Whether the first answer is a silent baseline, or all of it is told as created."`
}

// Expect says what an answer must be like.
type Expect struct {
	ContentType string     `yaml:"content_type" is:"media_type" example:"application/json" doc:"The content type that the answer must have."`
	MinItems    int        `yaml:"min_items" default:"0" min:"0" doc:"How many items the list must have at least, before items.filter." aka:"min|min_count"`
	MaxRemoved  MaxRemoved `yaml:"max_removed" default:"50%" doc:"How much of a list may vanish at once, as a share (50%) or a number of items (10). More fails the poll until it is accepted." aka:"max_deleted"`
	When        string     `yaml:"when" example:"\"len(document.data) > 0\"" doc:"What must hold of the answer: an expression of document that gives true or false. Of an answer of several pages it must hold of each." aka:"condition|if"`
}

// MaxRemoved is how much of a list may vanish at once.
type MaxRemoved struct {
	// Percent is from 0 to 100, where IsPercent is set.
	Percent float64
	// Count is a number of items, where IsPercent is not set.
	Count     int
	IsPercent bool
}

var errMaxRemoved = errors.New("write a share from 0% to 100%, or a number of items such as 10")

// UnmarshalText reads a share such as 50%, or a count such as 10.
func (m *MaxRemoved) UnmarshalText(text []byte) error {
	percent, count, isPercent, ok := parseShare(string(text))
	if !ok {
		return errMaxRemoved
	}
	*m = MaxRemoved{Percent: percent, Count: count, IsPercent: isPercent}
	return nil
}

// parseShare reads a share from 0% to 100%, or a count.
func parseShare(text string) (percent float64, count int, isPercent, ok bool) {
	if share, isPercent := strings.CutSuffix(text, "%"); isPercent {
		n, err := strconv.ParseFloat(share, 64)
		return n, 0, true, err == nil && n >= 0 && n <= 100
	}
	n, err := strconv.ParseUint(text, 10, 31)
	return 0, int(n), false, err == nil
}

// formatShare writes what parseShare reads.
func formatShare(percent float64, count int, isPercent bool) string {
	if isPercent {
		return strconv.FormatFloat(percent, 'g', -1, 64) + "%"
	}
	return strconv.Itoa(count)
}

// sharePattern is that of what parseShare reads.
const sharePattern = `^((100|\d{1,2}(\.\d+)?)%|\d+)$`

// String writes it as a configuration does.
func (m MaxRemoved) String() string { return formatShare(m.Percent, m.Count, m.IsPercent) }

func (MaxRemoved) pattern() string { return sharePattern }

// look checks how an answer is read and compared.
func (v *validator) look(at place, s *Source) {
	if s.Items != nil {
		v.writtenGJSON(at, "items.path", s.Items.Path)
		if p, ok := v.writtenPath(at, "items.key"); ok {
			v.key(p, s.Items.Key, v.gjsonPath)
		}
	}
	v.writtenGJSON(at, "detect.select", s.Detect.Select)
	if p, ok := v.writtenPath(at, "detect.ignore"); ok {
		v.each(p, s.Detect.Ignore, v.gjsonPath)
	}
	if p, ok := v.writtenPath(at, "detect.keys"); ok {
		v.keys(p, s.Detect.Keys)
	}
	switch s.Format {
	case "text":
		v.text(at)
	case "csv":
		v.csv(at, s)
	case "ndjson":
		v.rowsAreItems(at, s, "NDJSON", "lines")
	case "xml":
		v.unrounded(at, s, "XML")
	}
	v.events(at, s)
	v.onlyOfItems(at, s)
	v.conditions(at, s)
}

// onlyOfItems refuses what is for lists where there is none.
func (v *validator) onlyOfItems(at place, s *Source) {
	if p, ok := v.writtenPath(at, "detect.compare_with"); ok && s.Items == nil && s.Detect.CompareWith == "seen" {
		v.add(p, "without items there is nothing that comes back: add items, or set compare_with: previous")
	}
	if p, ok := v.writtenPath(at, "expect.min_items"); ok && s.Items == nil && s.Expect.MinItems > 0 {
		v.add(p, "there are no items to count: add items, or write when: in expect, such as when: \"len(document) > 0\"")
	}
}

// text refuses what needs an answer with parts.
func (v *validator) text(at place) {
	refuse := func(format string, paths ...string) {
		for _, path := range paths {
			if p, ok := v.writtenPath(at, path); ok {
				v.add(p, "a text has no %s: remove it, or set format: %s", path, format)
			}
		}
	}
	refuse("json or csv", "items", "detect.select", "detect.ignore", "detect.ignore_order")
	refuse("json", "detect.keys", "detect.significant_digits")
}

func (v *validator) events(at place, s *Source) {
	newest := s.Items != nil && s.Items.Window == "newest"
	seen := s.Items != nil && s.Detect.CompareWith == "seen"
	p, ok := v.writtenPath(at, "detect.events")
	if !ok {
		if newest || seen {
			s.Detect.Events = []string{"created", "updated"}
		}
		return
	}
	if len(s.Detect.Events) == 0 {
		v.add(p, "name at least one of created, updated and deleted; to tell nobody, set notify: []")
	}
	v.each(p, s.Detect.Events, func(p place, event string) {
		switch {
		case event != "deleted":
		case newest && s.Incremental != nil:
			v.add(p, "an incremental source is given only what is new, which tells no deletions: remove deleted")
		case newest && s.Acknowledge != nil:
			v.add(p, "a queue gives each item once, which tells no deletions: remove deleted")
		case newest:
			v.add(p, "a list with window: newest tells no deletions: what leaves it may still exist; remove deleted, or set window: complete")
		case seen:
			v.add(p, "with compare_with: seen there are no deletions: what leaves the list stays known; remove deleted, or set compare_with: previous")
		}
	})
}

func (v *validator) writtenGJSON(at place, keys, path string) {
	if p, ok := v.writtenPath(at, keys); ok {
		v.gjsonPath(p, path)
	}
}

// gjsonPath refuses paths in the languages that are mistaken for gjson's.
func (v *validator) gjsonPath(at place, path string) {
	switch {
	case path == "":
		v.add(at, "the path is empty; @this is all of it")
	case strings.HasPrefix(path, "$"):
		v.add(at, "%s: this looks like JSONPath; a gjson path has no $, such as data.items", at.quote(path))
	case strings.HasPrefix(path, "/"):
		v.add(at, "%s: this looks like a JSON pointer; a gjson path has dots, such as data.items", at.quote(path))
	case strings.HasPrefix(path, "."):
		v.add(at, "%s: a gjson path does not begin with a dot; write %s", at.quote(path), strings.TrimLeft(path, "."))
	case strings.Contains(path, "[]"), strings.Contains(path, "[*]"):
		v.add(at, "%s: in a gjson path every element of a list is #, such as items.#.name", at.quote(path))
	}
}

// eventType sets the type that goes without saying, and checks a written one.
func (v *validator) eventType(at place, s *Source) {
	p, ok := v.written(at, "event_type")
	if !ok {
		s.EventType = "pollwire.document"
		if s.Items != nil {
			s.EventType = "pollwire.item"
		}
		return
	}
	base, last := s.EventType, s.EventType[strings.LastIndexByte(s.EventType, '.')+1:]
	switch {
	case slices.Contains([]string{"created", "updated", "deleted"}, last) && base != last:
		v.add(p, "%s: the kind of change is added to the type; write %s", p.quote(base), strings.TrimSuffix(base, "."+last))
	case strings.HasPrefix(base, "pollwire.") && base != "pollwire.item" && base != "pollwire.document":
		v.add(p, "%s: types that begin with pollwire. are its own; choose another first word", p.quote(base))
	}
}
