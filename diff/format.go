package diff

import (
	"bytes"
	"slices"
	"strings"
)

// FormatOf says by its content type, in lower case and without parameters, how
// an answer is read. Many servers send JSON or XML as text or with no type at
// all, so then the body decides; what says that it is one of them is taken at its
// word, so that a broken body is an error and not text.
//
// A CSV is read as one where its rows are to be items. Without items it stays
// the text that it has always been: nothing tells its rows apart then, so the
// lines that changed say the most, and a CSV need not be a strict one for them.
func FormatOf(contentType string, body []byte, items bool) Format {
	t := contentType
	switch {
	case t == "application/json" || t == "text/json" || strings.HasSuffix(t, "+json"):
		return JSON
	case slices.Contains(ndjsonTypes, t):
		return NDJSON // One line of it alone is JSON, too.
	case IsJSON(body):
		return JSON
	case IsWebPage(t):
		return Text
	case t == "application/xml" || t == "text/xml" || strings.HasSuffix(t, "+xml") || looksLikeXML(body):
		return XML
	case t == "text/csv" && items:
		return CSV
	default:
		return Text
	}
}

// IsWebPage says whether a content type is that of a page for people. An API
// that sends JSON under it is understood all the same.
func IsWebPage(contentType string) bool {
	return contentType == "text/html" || contentType == "application/xhtml+xml"
}

// ndjsonTypes are what JSON values one a line are sent as.
var ndjsonTypes = []string{
	"application/x-ndjson", "application/ndjson", "application/jsonl", "application/jsonlines", "application/x-jsonlines", "application/json-seq",
}

// looksLikeXML says whether a body begins as XML does, or a feed without its
// declaration.
func looksLikeXML(body []byte) bool {
	body = bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\uFEFF")), " \t\r\n")
	for _, start := range []string{"<?xml", "<rss", "<feed", "<rdf:RDF"} {
		if rest, ok := bytes.CutPrefix(body, []byte(start)); ok {
			return len(rest) > 0 && bytes.IndexByte([]byte(" \t\r\n>"), rest[0]) >= 0
		}
	}
	return false
}

// LooksLikeWebPage says whether what is sent as XML begins as a page for people
// does, as error pages of proxies in XHTML may.
func LooksLikeWebPage(body []byte) bool {
	body = bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\uFEFF")), " \t\r\n")
	if bytes.HasPrefix(body, []byte("<?xml")) {
		_, body, _ = bytes.Cut(body, []byte("?>"))
		body = bytes.TrimLeft(body, " \t\r\n")
	}
	for _, start := range []string{"<html", "<!doctype html"} {
		if len(body) > len(start) && strings.EqualFold(string(body[:len(start)]), start) {
			return bytes.IndexByte([]byte(" \t\r\n>"), body[len(start)]) >= 0
		}
	}
	return false
}
