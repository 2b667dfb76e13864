package poller

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
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
// are missing; a dot within a name is written \.
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
		at, names := root, splitPath(p.name)
		for _, name := range names[:len(names)-1] {
			below, ok := at[name].(map[string]any)
			if !ok && at[name] != nil {
				return nil, fmt.Errorf("%w: %s is in the way of %s", errBody, name, p.name)
			}
			if below == nil {
				below = map[string]any{}
				at[name] = below
			}
			at = below
		}
		at[names[len(names)-1]] = json.RawMessage(p.raw)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(root); err != nil {
		return nil, errBody
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
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
