package notify

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// project keeps only what paths give of the object, which is raw, and names the
// members that are not whole any more.
func (d *data) project(raw []byte, paths []string) {
	var kept part
	for _, path := range paths {
		if isPlain(path) && kept.take(raw, strings.Split(path, ".")) {
			continue
		}
		if found := gjson.GetBytes(raw, path); found.Exists() {
			kept.set([]string{path}, asJSON(found))
		}
	}
	for i := range d.members {
		name := d.members[i].name
		if at := kept.index(name); at < 0 || kept.parts[at].value == nil {
			d.omitted = append(d.omitted, name)
		}
	}
	d.members = d.members[:0]
	for i := range kept.parts {
		d.members = append(d.members, member{kept.parts[i].name, kept.parts[i].append(nil)})
	}
}

// isPlain says whether a gjson path is nothing but names between dots.
func isPlain(path string) bool { return !strings.ContainsAny(path, `*?#|@!{}[]()=<>%"\:`) }

// asJSON is what gjson found, as JSON: a count has no text of its own, and what
// a modifier makes need be no JSON.
func asJSON(r gjson.Result) json.RawMessage {
	if gjson.Valid(r.Raw) {
		return json.RawMessage(r.Raw)
	}
	if r.Type == gjson.Number {
		return appendNumber(r.Num)
	}
	return appendString(nil, r.String())
}

func appendNumber(n float64) json.RawMessage {
	text, err := json.Marshal(n)
	if err != nil {
		return json.RawMessage("null") // no number of JSON
	}
	return text
}

// part is a value of which only parts are kept, or all of it.
type part struct {
	name string
	// value is all of it; nil where only parts are kept.
	value json.RawMessage
	parts []part
}

func (p *part) index(name string) int {
	return slices.IndexFunc(p.parts, func(q part) bool { return q.name == name })
}

// take keeps what names lead to in an object. Where they end at a null, that is
// kept; where they end elsewhere, nothing. It reports false where they lead into
// something that has no names.
func (p *part) take(value json.RawMessage, steps []string) bool {
	for i, step := range steps {
		if value = lastMember(value, step); value == nil {
			return true
		}
		if i == len(steps)-1 || string(value) == "null" {
			p.set(steps[:i+1], value)
			return true
		}
		if value[0] != '{' {
			return false
		}
	}
	return true
}

// lastMember is the value of a member of an object, the last one of its name,
// which is the one that counts; nil where there is none.
func lastMember(object json.RawMessage, name string) json.RawMessage {
	var value json.RawMessage
	gjson.ParseBytes(object).ForEach(func(key, v gjson.Result) bool {
		if key.Str == name {
			value = json.RawMessage(v.Raw)
		}
		return true
	})
	return value
}

// set keeps the value at the end of some steps.
func (p *part) set(steps []string, value json.RawMessage) {
	for _, step := range steps {
		if p.value != nil {
			return // what it is in is kept whole
		}
		i := p.index(step)
		if i < 0 {
			i = len(p.parts)
			p.parts = append(p.parts, part{name: step})
		}
		p = &p.parts[i]
	}
	p.value, p.parts = value, nil
}

func (p *part) append(dst []byte) []byte {
	if p.value != nil {
		return append(dst, p.value...)
	}
	dst = append(dst, '{')
	for i := range p.parts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, p.parts[i].name)
		dst = append(dst, ':')
		dst = p.parts[i].append(dst)
	}
	return append(dst, '}')
}
