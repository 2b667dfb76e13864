package diff

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// wellKnown are the prefixes that names of well-known namespaces get, whatever
// a document calls them.
var wellKnown = map[string]string{
	"http://www.w3.org/XML/1998/namespace": "xml",
	"http://www.w3.org/1999/xhtml":         "xhtml",
	"http://www.w3.org/1999/xlink":         "xlink",

	"http://www.w3.org/2001/XMLSchema-instance":   "xsi",
	"http://schemas.xmlsoap.org/soap/envelope/":   "soap",
	"http://www.w3.org/2003/05/soap-envelope":     "soap",
	"http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",

	"http://www.w3.org/2005/Atom":                  "atom",
	"http://purl.org/atom/ns#":                     "atom",
	"http://www.w3.org/2007/app":                   "app",
	"http://purl.org/syndication/thread/1.0":       "thr",
	"http://a9.com/-/spec/opensearch/1.1/":         "opensearch",
	"http://my.netscape.com/rdf/simple/0.9/":       "",
	"http://purl.org/rss/1.0/":                     "",
	"http://backend.userland.com/rss2":             "",
	"http://purl.org/rss/1.0/modules/content/":     "content",
	"http://purl.org/rss/1.0/modules/slash/":       "slash",
	"http://purl.org/rss/1.0/modules/syndication/": "sy",
	"http://wellformedweb.org/CommentAPI/":         "wfw",
	"http://purl.org/dc/elements/1.1/":             "dc",
	"http://purl.org/dc/terms/":                    "dcterms",

	"http://www.itunes.com/dtds/podcast-1.0.dtd":      "itunes",
	"http://www.itunes.com/DTDs/Podcast-1.0.dtd":      "itunes",
	"http://www.google.com/schemas/play-podcasts/1.0": "googleplay",
	"https://podcastindex.org/namespace/1.0":          "podcast",
	"http://search.yahoo.com/mrss/":                   "media",
	"http://search.yahoo.com/mrss":                    "media",
	"http://www.youtube.com/xml/schemas/2015":         "yt",
	"http://rssnamespace.org/feedburner/ext/1.0":      "feedburner",
	"http://www.georss.org/georss":                    "georss",
	"http://www.opengis.net/gml":                      "gml",
	"http://www.w3.org/2003/01/geo/wgs84_pos#":        "geo",
	"http://www.google.com/schemas/sitemap-image/1.1": "image",
	"http://www.google.com/schemas/sitemap-video/1.1": "video",
	"http://www.google.com/schemas/sitemap-news/0.9":  "news",
}

// xmlNames gives the names of elements and attributes as members have them, and
// a number to each.
type xmlNames struct {
	// root is the namespace of the outermost element.
	root string
	// spaces are the namespaces of the prefixes in scope, the empty one being
	// that of names without a prefix; prefixes are the prefixes of namespaces.
	spaces, prefixes map[string]string
	undo             []declaration
	ids              map[xmlName]uint32
	names            []string
	// room is how many bytes the names may still take: a long prefix, declared
	// once, comes before each of those in its namespace. trouble says what takes
	// too much, empty for nothing.
	room    int
	trouble string
}

// maxSpace is how many bytes the name of a namespace may have: it is looked up
// with each name in it.
const maxSpace = 4096

// xmlName is a name before it is put together.
type xmlName struct {
	prefix, local string
	attribute     bool
}

// declaration is what a declaration of a namespace has replaced.
type declaration struct {
	prefix, space       string
	oldSpace, oldPrefix string
	hadSpace, hadPrefix bool
}

// textName is the number of the name of text.
const textName = 0

func newXMLNames(room int) xmlNames {
	return xmlNames{
		room:   room,
		spaces: make(map[string]string), prefixes: make(map[string]string),
		ids: make(map[xmlName]uint32), names: []string{"#text"},
	}
}

// declare takes the namespaces that an element declares.
func (n *xmlNames) declare(attributes []xml.Attr) {
	for _, a := range attributes {
		d := declaration{prefix: a.Name.Local, space: a.Value}
		switch {
		case a.Name.Space == "xmlns":
			d.oldPrefix, d.hadPrefix = n.prefixes[d.space]
			n.prefixes[d.space] = d.prefix
		case isDeclaration(a.Name):
			d.prefix = ""
		default:
			continue
		}
		if len(d.space) > maxSpace {
			n.trouble = fmt.Sprintf("the name of a namespace is longer than %d bytes", maxSpace)
		}
		d.oldSpace, d.hadSpace = n.spaces[d.prefix]
		n.spaces[d.prefix] = d.space
		n.undo = append(n.undo, d)
	}
}

// isDeclaration says whether an attribute declares a namespace.
func isDeclaration(name xml.Name) bool {
	return name.Space == "xmlns" || name.Space == "" && name.Local == "xmlns"
}

// leave takes declarations back, but for the first ones.
func (n *xmlNames) leave(first int) {
	for len(n.undo) > first {
		d := n.undo[len(n.undo)-1]
		n.undo = n.undo[:len(n.undo)-1]
		restore(n.spaces, d.prefix, d.oldSpace, d.hadSpace)
		if d.prefix != "" {
			restore(n.prefixes, d.space, d.oldPrefix, d.hadPrefix)
		}
	}
}

func restore(m map[string]string, key, value string, had bool) {
	if had {
		m[key] = value
	} else {
		delete(m, key)
	}
}

// number is the number of a name, which may be a new one.
func (n *xmlNames) number(name xml.Name, attribute bool) uint32 {
	key := xmlName{n.prefix(name.Space, attribute), name.Local, attribute}
	if id, ok := n.ids[key]; ok {
		return id
	}
	if n.room -= len(key.prefix) + len(key.local); n.room < 0 {
		n.trouble = "its names take too much memory with the prefixes in them"
		return textName
	}
	text := key.local
	if key.prefix != "" {
		text = key.prefix + ":" + text
	}
	if attribute {
		text = "@" + text
	}
	id := uint32(len(n.names))
	n.ids[key] = id
	n.names = append(n.names, text)
	return id
}

// prefix is what stands before a name of a namespace.
func (n *xmlNames) prefix(space string, attribute bool) string {
	if space == "" || space == n.root && !attribute {
		return ""
	}
	if fixed, ok := wellKnown[space]; ok {
		return fixed
	}
	if n.spaces[""] == space && !attribute {
		return ""
	}
	prefix, ok := n.prefixes[space]
	switch {
	case !ok:
		return space // It is a prefix that was never declared.
	case !attribute && isGenerated(prefix):
		return ""
	default:
		return prefix
	}
}

// isGenerated says whether a prefix is one that programs count, such as ns2, q1
// and d4p1: the same document may have other numbers the next time.
func isGenerated(prefix string) bool {
	letters := strings.TrimRight(prefix, "0123456789")
	return letters != prefix && (len(letters) <= 2 || letters[0] == 'd' && strings.Trim(letters[1:], "0123456789") == "p")
}

// custom is the number of a name as a path has it.
func (n *xmlNames) custom(name string) uint32 {
	return n.number(xml.Name{Local: name}, false)
}

// elementPath are the names of elements that a gjson path to a list begins with,
// nil where it is no list that names lead to.
func elementPath(path string) []string {
	path, _, _ = strings.Cut(path, ".#")
	steps, err := parsePath(path)
	if err != nil || path == this {
		return nil
	}
	names := make([]string, len(steps))
	for i, s := range steps {
		if s.kind != named || !isElementName(s.name) {
			return nil
		}
		names[i] = s.name
	}
	return names
}

// isElementName says whether a name in a gjson path can be that of an element,
// and means nothing else there.
func isElementName(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == ':' || c >= 0x80
		if !letter && (i == 0 || !isDigit(c) && c != '-' && c != '.') {
			return false
		}
	}
	return name != ""
}
