// Package diff finds what changed between two answers of an API.
//
// It takes bytes and rules and gives changes: a [Change] for the whole
// document, or one for each item of a list that was created, updated or
// deleted. JSON numbers are exact decimals here, never float64: 1 and 1.0 are
// equal, 9007199254740992 and 9007199254740993 are not.
//
// Members have no order, and whitespace and escapes no meaning; the elements of
// an array have an order. JSON is read strictly: what is not JSON, or not UTF-8,
// is refused. A byte order mark at the start is passed over. Where an object
// repeats a name its last member counts, and the others are as if not sent.
//
// A change tells where two values differ in three ways: [Change.Differences]
// with the values before and after, for people; [Change.Patch], a JSON patch
// (RFC 6902), which [Apply] applies; and [MergePatch] makes a JSON merge patch
// (RFC 7396). Patches are short: lists are aligned so that what stays is left
// alone, and an object in a list that has changed is found again by the members
// that only it has, such as an id, or by those that [Options.Keys] names.
//
// A body is read in one pass over its bytes, and an older one only where it is
// not written as the newer one; gjson paths of more than names take a second
// pass. Time and memory grow with the size of the bodies, n log n for lists
// whose order has changed, whatever is in them.
// Values are told apart by 64-bit hashes under a secret that is drawn for each
// set of rules, so that two that differ are taken for equal once in 2^64.
//
// A list that comes in several pages is compared by [ComparePages], page by page:
// memory holds one page of each answer, a little for each item, and the changes.
//
// # XML as JSON
//
// A document is an object with one member, the outermost element. An element
// that has neither attributes nor elements in it is a string, its text. Any
// other is an object: an attribute is a member "@name", a text "#text", and an
// element a member of its name. Elements of one name beside each other are an
// array, in their order; how elements of different names are mixed does not
// count. Where elements stand between parts of a text, "#text" is an array of
// those. White space around a text is dropped, so that layout is no change.
// CDATA sections are text; comments and processing instructions are passed over.
// All values are strings.
//
// Names in no namespace, or in that of the outermost element, stand alone.
// Those of well-known namespaces have a fixed prefix, whatever the document
// calls them: "atom:link", "content:encoded", "dc:creator", "itunes:duration",
// "media:content", "podcast:transcript" and so on; those of RSS 1.0 have none.
// Others have the prefix of the document, or none where it uses none, or one
// that programs count, such as "ns2".
//
// In feeds and site maps what may be repeated is an array however often it is
// there: "rss.channel.item" with its "category", "feed.entry" with its "link",
// "category", "author" and "contributor", "RDF.item" (RSS 1.0), "urlset.url",
// and "sitemapindex.sitemap"; and the "guid" of an item is always an object.
// In list mode with [Items.Path] left empty they are the list. A path of names
// leads to a list in any other document too: one element there is a list of
// one, and none is an empty list where the element around it is there and holds
// nothing that may speak of an error.
//
// Documents that define entities of their own are refused.
//
// The package is pure. It does no I/O, keeps nothing between calls but memory
// for the next ones, and knows nothing of schedules, storage or webhooks.
package diff

import "encoding/json"

// Format is how a body is read.
type Format string

// mapped says whether bodies of a format are compared as JSON.
func (f Format) mapped() bool { return f == JSON || f == NDJSON || f == XML || f == CSV }

// The formats.
const (
	JSON Format = "json"
	Text Format = "text"
	// NDJSON is read as a list of JSON values, one a line, or one after each
	// record separator (RFC 7464).
	NDJSON Format = "ndjson"
	// XML is read as JSON by a mapping that the documentation of the package
	// tells.
	XML Format = "xml"
	// CSV is read as a list of objects, one a row: the members are named by the
	// header, the first row, and the values are strings.
	CSV Format = "csv"
)

// Options are the rules of a comparison as a user writes them.
type Options struct {
	// Format is how both bodies are read; empty means JSON. Text takes none of
	// the other options: it is compared byte by byte.
	Format Format
	// Items turns on list mode. With nil the document is one thing.
	Items *Items
	// Select is the gjson path of what is compared and told, within the
	// document or within each item. Empty and "@this" mean all of it.
	Select string
	// Ignore are the paths, within what Select gives, of members that make no
	// change. Steps are separated by dots; * stands for any one member, # for
	// any element of an array, a number for the element at that index or the
	// member of that name, and a backslash takes a dot, *, # or a backslash
	// literally. A path that ends in # ignores whatever an array holds, but not
	// that it is an array.
	Ignore []string
	// Keys say which members identify the elements of arrays, by the path of
	// the array, which is written as in Ignore; "@this" is what Select gives.
	// Elements of one key are the same one before and after, wherever they
	// stand, so that a patch moves them. Members are paths of names, joined by
	// dots; several make up one key. Where an element has no such string or
	// number, or two have the same, the array is aligned as any other. Of paths
	// that lead to one array that with the fewest wildcards counts.
	Keys map[string][]string
	// IgnoreOrder takes arrays as bags: how often a value is in them counts,
	// but not where. It says what makes a change; a patch still tells the order.
	IgnoreOrder bool
	// SignificantDigits is how many significant digits of a number count, the
	// rest being rounded, a half away from zero. With 0 all of them do.
	SignificantDigits int
}

// Items says where the list is and what names an item in it.
type Items struct {
	// Path is the gjson path of the array. Empty and "@this" mean the document.
	Path string
	// Key are the gjson paths, within an item, of what identifies it: a string
	// that is not empty, or a number. "@this" is the item itself. With several
	// the key of an item is a JSON array of them, in canonical form.
	Key []string
	// Filter says which items belong to the list, by the whole item as it stands
	// there; nil takes all. It must say the same of an item each time, and not
	// keep its argument. Where it has an error the item belongs to the list, and
	// nothing fails; see [Result.FilterErr]. The keys of all items must tell them
	// apart, whether they belong to it or not.
	Filter func(item []byte) (bool, error)
	// FilterKey stands for Filter in [Rules.Key]: filters that may say different
	// things must have different keys.
	FilterKey string
}

// Kind is what happened to a document or an item.
type Kind string

// The kinds of change.
const (
	Created Kind = "created"
	Updated Kind = "updated"
	Deleted Kind = "deleted"
)

// Change is one difference between two answers.
//
// Its byte slices are never modified by this package and may share memory with
// the bodies that were compared.
type Change struct {
	Kind Kind
	// Key identifies the item; it is empty in document mode. A number is in
	// canonical form, so that 1.0 and 1 are one key.
	Key string
	// Before and After are the values after Select, whole, ignored members
	// included: JSON text as it was written, in text mode a JSON string (where
	// bytes that are not UTF-8 are replaced, though they are compared). In list
	// mode null stands for what Select did not find. Before is nil when
	// created, After when deleted.
	Before, After json.RawMessage
	// ItemBefore and ItemAfter are the item as it stands in its list, before
	// Select; nil in document mode.
	ItemBefore, ItemAfter json.RawMessage
	// Differences are what made it an update, in document order; what is gone
	// from an object comes before what it has now. Ignored members are left
	// out. It is empty for created and deleted.
	Differences []Difference
	// Patch turns Before into After (RFC 6902), ignored members included. It
	// is empty for created and deleted, and in text mode.
	Patch []Operation
	// Unified is the unified diff of an updated text, with three lines around
	// each difference.
	Unified string
	// Filtered says of an item that is deleted that it is still in the newer
	// list, where it does not pass [Items.Filter] any more.
	Filtered bool

	// rules and the bytes that they were applied to are what the hashes are of.
	rules         *Rules
	before, after []byte
}

// Changed returns the JSON pointers (RFC 6901) of the differences, each once.
func (c *Change) Changed() []string {
	var pointers []string
	told := make(map[string]bool, len(c.Differences))
	for i := range c.Differences {
		if p := c.Differences[i].Path; !told[p] {
			told[p] = true
			pointers = append(pointers, p)
		}
	}
	return pointers
}

// Hash returns the SHA-256, in lower-case hex, of what is compared in After: of
// its canonical form (see [Canonical]) without what is ignored, of a text of its
// bytes. Where the order of arrays is ignored, each of them stands there as the
// sorted hashes of its elements. It is empty where After is nil, and computed at
// each call.
func (c *Change) Hash() string { return c.rules.hash(c.after) }

// PreviousHash is Hash for Before.
func (c *Change) PreviousHash() string { return c.rules.hash(c.before) }

// Difference is one place where two values differ, for people to read.
type Difference struct {
	// Path is a JSON pointer. Indexes of elements are those in After, but of
	// what is gone, the last one is the index in Before. Where the paths would
	// be out of proportion to the values, there is one to the whole value.
	Path string `json:"path"`
	// From is where an element that has moved was in Before.
	From string `json:"from,omitempty"`
	// Before and After are the two values; nil where there is none.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// Result is what a comparison found.
type Result struct {
	// Changes are in the order of the newer list, deleted items last in the
	// order of the older one.
	Changes []Change
	// Before and After count the items that belong to the two lists; in document
	// mode they are 1 where there was a body.
	Before, After int
	// BeforeAll and AfterAll count those too that [Items.Filter] leaves out.
	BeforeAll, AfterAll int
	// FilterErr is the first error of [Items.Filter], of an item of the newer list
	// if there is one: it names the item, which was taken to pass.
	FilterErr error
}
