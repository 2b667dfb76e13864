package bridge

import (
	"errors"
	"fmt"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/poller"
)

// errListOfText says that a list was expected where the answer is text.
var errListOfText = errors.New("the answer is neither JSON, XML nor CSV, so that it has no items; an error page? (expect.content_type can say what it must be; format says how to read what does not say what it is)")

// errPage says that an answer looks like a page for people.
var errPage = errors.New("the answer is a web page, such as an error page or a login page; if a page is what you watch, set format: text")

// format says how an answer is read.
func (s *Source) format(o *poller.Observation) (diff.Format, error) {
	if o.Pages != nil && !s.Items {
		return "", errPagesOfDocument
	}
	format := s.Format
	isPage := false
	if format == "" {
		body, err := firstPage(o)
		if err != nil {
			return "", err
		}
		format = diff.FormatOf(o.ContentType, body, s.Items)
		isPage = format == diff.Text && diff.IsWebPage(o.ContentType) || format == diff.XML && diff.LooksLikeWebPage(body)
	}
	switch {
	case format == diff.Text && s.Items:
		return "", fmt.Errorf("content type %s: %w", contentType(o), errListOfText)
	case isPage:
		return "", fmt.Errorf("content type %s: %w", contentType(o), errPage)
	}
	return format, nil
}

// contentType names an answer's content type in a message.
func contentType(o *poller.Observation) string {
	if o.ContentType == "" {
		return "missing"
	}
	return o.ContentType
}
