package poller

// PaginationKind is how the pages of an answer follow each other.
type PaginationKind string

// The kinds of pagination.
const (
	// HeaderLink follows the Link header with rel="next" (RFC 8288).
	HeaderLink PaginationKind = "header_link"
	// JSONLink follows an address in the body.
	JSONLink PaginationKind = "json_link"
	// CursorParam asks for what follows a cursor, which the page gives.
	CursorParam PaginationKind = "cursor"
	// PageNumber asks for page after page.
	PageNumber PaginationKind = "page_number"
	// Offset asks for what follows so many items.
	Offset PaginationKind = "offset"
)

// defaultMaxPages is how many pages a poll asks for where nothing else is said.
const defaultMaxPages = 10

// Pagination says how the pages of an answer follow each other, and where they
// end. Paths are gjson paths in a page; what leads to nothing, to null, to false
// or to an empty text is not there.
//
// A page that is no list, or that cannot be read, fails the poll: it is never
// taken for the end. Nor is a short page, since servers cap what they are asked
// for. So without TotalPath the pages of PageNumber and Offset end with one that
// is empty, which takes one request more.
type Pagination struct {
	Kind PaginationKind
	// MaxPages is the most that a poll asks for; 0 means 10.
	MaxPages int
	// Newest says that MaxPages ends the poll; else, with more to come, it fails.
	Newest bool

	// NextURLPath leads to the address of the next page.
	NextURLPath string

	// CursorPath leads to the cursor, in the page, or in its last item where
	// FromLastItem is set.
	CursorPath   string
	FromLastItem bool
	// CursorParam takes the cursor, in a body by its path.
	CursorParam string
	// HasMorePath leads to whether there is more; empty where only the cursor says.
	HasMorePath string

	// PageParam takes the number of the page, of which BasePage is the first.
	PageParam string
	BasePage  int

	// OffsetParam takes how many items to pass over, and LimitParam how many to
	// give, which is Limit; it may be empty where the URL says it.
	OffsetParam string
	LimitParam  string
	Limit       int

	// TotalPath leads to how many pages there are (PageNumber), or items
	// (Offset); empty where the API does not say.
	TotalPath string

	// In is where parameters go: InQuery where empty, or InBody.
	In Place
}

func (p *Pagination) maxPages() int {
	if p.MaxPages <= 0 {
		return defaultMaxPages
	}
	return p.MaxPages
}

// byNumber says whether pages are counted, not named by the page before them.
func (p *Pagination) byNumber() bool { return p.Kind == PageNumber || p.Kind == Offset }
