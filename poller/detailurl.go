package poller

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"
)

// errDetailURL says that an item does not lead to its detail.
var errDetailURL = errors.New("there is no address of its detail")

// detailURL returns where the detail of an item is. own is the address of the
// list, whose origin it must not leave.
func detailURL(template string, own *url.URL, w *Want) (*url.URL, error) {
	if path, ok := wholePlaceholder(template); ok {
		href, err := w.value(path)
		if err != nil {
			return nil, err
		}
		u, err := linkTarget(own, own, href)
		if err != nil {
			return nil, fmt.Errorf("%w: item.%s: %w", errDetailURL, path, err)
		}
		return u, nil
	}
	text, err := w.fill(template)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%w: detail.url is no address of http or https", errDetailURL)
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return nil, fmt.Errorf("%w: with it, the path of detail.url would lead elsewhere (%s)", errDetailURL, segment)
		}
	}
	if !sameOrigin(own, u) {
		return nil, fmt.Errorf("%w: detail.url leads to %s, where the credentials for %s must not go", errDetailURL, originOf(u), originOf(own))
	}
	return u, nil
}

// wholePlaceholder returns the path of a template that is one placeholder of an
// item, and nothing else.
func wholePlaceholder(template string) (path string, ok bool) {
	rest, begins := strings.CutPrefix(template, "{item.")
	path, ends := strings.CutSuffix(rest, "}")
	return path, begins && ends && path != "" && !strings.ContainsAny(path, "{}")
}

// fill puts the values of an item into a template. In a path they are escaped
// so that each stays within its segment, in a query within its parameter.
func (w *Want) fill(template string) (string, error) {
	var b strings.Builder
	inQuery := false
	for {
		before, rest, ok := strings.Cut(template, "{")
		b.WriteString(before)
		inQuery = inQuery || strings.Contains(before, "?")
		if !ok {
			return b.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		path, ofItem := strings.CutPrefix(name, "item.")
		var value string
		var err error
		switch {
		case closed && ofItem:
			value, err = w.value(path)
		case closed && name == "key":
			value = w.Key
		default:
			err = fmt.Errorf("%w: detail.url has a { that begins no placeholder", errDetailURL)
		}
		if err != nil {
			return "", err
		}
		if inQuery {
			b.WriteString(url.QueryEscape(value))
		} else {
			b.WriteString(url.PathEscape(value))
		}
		template = after
	}
}

// value returns what a path leads to in the item, as the server wrote it.
func (w *Want) value(path string) (string, error) {
	value := gjson.GetBytes(w.Item, path)
	text := value.Raw
	switch {
	case !value.Exists() || value.Type == gjson.Null:
		return "", fmt.Errorf("%w: item.%s leads to nothing", errDetailURL, path)
	case value.Type == gjson.JSON:
		return "", fmt.Errorf("%w: item.%s leads to no text or number", errDetailURL, path)
	case value.Type == gjson.String:
		text = value.Str
	}
	if strings.TrimSpace(text) == "" {
		return "", fmt.Errorf("%w: item.%s leads to an empty text", errDetailURL, path)
	}
	return text, nil
}
