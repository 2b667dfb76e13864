package bridge

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/poller"
)

// errListOfText says that a list was expected where the answer is text.
var errListOfText = errors.New("the answer is neither JSON, XML nor CSV, so that it has no items; an error page? (expect.content_type can say what it must be; format says how to read what does not say what it is)")

// errPage says that an answer looks like a page for people.
var errPage = errors.New("the answer is a web page, such as an error page or a login page; if a page is what you watch, set format: text")

// isPage says whether a content type is that of a web page. An API that sends
// JSON under it is understood all the same.
func isPage(contentType string) bool {
	return contentType == "text/html" || contentType == "application/xhtml+xml"
}

// format says how an answer is read.
func (s *Source) format(o *poller.Observation) (diff.Format, error) {
	if o.Pages != nil && !s.Items {
		return "", errPagesOfDocument
	}
	format := s.Format
	if format == "" {
		body, err := firstPage(o)
		if err != nil {
			return "", err
		}
		format = sniff(o.ContentType, body, s.Items)
	}
	if format == diff.Text && s.Items {
		return "", fmt.Errorf("content type %s: %w", contentType(o), errListOfText)
	}
	if format == diff.Text && s.Format == "" && isPage(o.ContentType) {
		return "", fmt.Errorf("content type %s: %w", contentType(o), errPage)
	}
	return format, nil
}

// sniff says by its content type how an answer is read. Many servers send JSON
// or XML as text or with no type at all, so then the body decides; what says that
// it is one of them is taken at its word, so that a broken body is an error and
// not text.
//
// A CSV is read as one where its rows are to be items. Without items it stays
// the text that it has always been: nothing tells its rows apart then, so the
// lines that changed say the most, and a CSV need not be a strict one for them.
func sniff(t string, body []byte, items bool) diff.Format {
	switch {
	case t == "application/json" || t == "text/json" || strings.HasSuffix(t, "+json"):
		return diff.JSON
	case slices.Contains(ndjsonTypes, t):
		return diff.NDJSON // One line of it alone is JSON, too.
	case diff.IsJSON(body):
		return diff.JSON
	case isPage(t):
		return diff.Text
	case t == "application/xml" || t == "text/xml" || strings.HasSuffix(t, "+xml") || looksLikeXML(body):
		return diff.XML
	case t == "text/csv" && items:
		return diff.CSV
	default:
		return diff.Text
	}
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

// contentType names an answer's content type in a message.
func contentType(o *poller.Observation) string {
	if o.ContentType == "" {
		return "missing"
	}
	return o.ContentType
}
