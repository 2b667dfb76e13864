package poller

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// InBody puts a parameter into a JSON body, where its name is a path such as
// variables.after.
const InBody Place = "body"

// target is where one request of a poll goes, and with which body. Its zero
// value is the request as it is configured.
type target struct {
	url  *url.URL
	body []byte
	// detail says that it is asked for by GET, whatever the list is asked for by.
	detail bool
	// method is that of the request, without a body; empty for that of the source.
	method string
}

// ownMethod is the method that the target is asked by, whatever that of the source
// is; empty for the same.
func (tg target) ownMethod() string {
	if tg.detail {
		return http.MethodGet
	}
	return tg.method
}

// param is a value that is put into a request.
type param struct {
	name string
	// raw is the value in JSON.
	raw string
}

// text is the value as a query has it.
func (p param) text() string {
	if value := gjson.Parse(p.raw); value.Type == gjson.String {
		return value.Str
	}
	return p.raw
}

// with returns the target with parameters in place of those of the same names.
func (tg target) with(in Place, params ...param) (target, error) {
	if in == InBody {
		body, err := setJSON(tg.body, params)
		if err != nil {
			return target{}, err
		}
		tg.body = body
		return tg, nil
	}
	u := *tg.url
	for _, p := range params {
		u.RawQuery = setParam(u.RawQuery, p.name, p.text())
	}
	tg.url = &u
	return tg, nil
}

// errBody says that a parameter has no place in the configured body.
var errBody = errors.New("the body of the request is no JSON object that a parameter could be put into")

// setJSON puts values into a JSON object. Objects on the way are made where they
// are missing; elements of a list go by their number, from 0, and must be there.
// A dot within a name is written \.
func setJSON(body []byte, params []param) ([]byte, error) {
	root := map[string]any{}
	if len(bytes.TrimSpace(body)) > 0 {
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		if err := d.Decode(&root); err != nil || root == nil {
			return nil, errBody
		}
	}
	for _, p := range params {
		if _, err := put(root, splitPath(p.name), p); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(root); err != nil {
		return nil, errBody
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// put returns a value with a parameter in its place, to which the names lead.
func put(at any, names []string, p param) (any, error) {
	if len(names) == 0 {
		return json.RawMessage(p.raw), nil
	}
	name, rest := names[0], names[1:]
	switch at := at.(type) {
	case nil:
		return put(map[string]any{}, names, p)
	case map[string]any:
		below, err := put(at[name], rest, p)
		at[name] = below
		return at, err
	case []any:
		i, err := strconv.ParseUint(name, 10, 31)
		if err != nil || int(i) >= len(at) {
			return nil, fmt.Errorf("%w: the list that %s leads into has %d elements, the first is 0, and none is %s", errBody, p.name, len(at), name)
		}
		at[i], err = put(at[i], rest, p)
		return at, err
	}
	return nil, fmt.Errorf("%w: a value is in the way of %s", errBody, p.name)
}

// splitPath splits the path of a member at its dots.
func splitPath(path string) []string {
	var names []string
	var name strings.Builder
	for i := 0; i < len(path); i++ {
		switch {
		case path[i] == '\\' && i+1 < len(path):
			i++
			name.WriteByte(path[i])
		case path[i] == '.':
			names = append(names, name.String())
			name.Reset()
		default:
			name.WriteByte(path[i])
		}
	}
	return append(names, name.String())
}

// quoteJSON writes a text as a JSON string.
func quoteJSON(text string) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // strings encode
	return strings.TrimSuffix(out.String(), "\n")
}
