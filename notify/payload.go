package notify

import (
	"encoding/json"
	"slices"

	"github.com/tidwall/gjson"
)

// Payload says what of an event is posted in an envelope. An alert, which is
// small, is always posted whole.
type Payload struct {
	// Thin leaves out before, after and patch.
	Thin bool
	// Fields are gjson paths into data, such as after.id: only they are posted.
	// What a path of plain names leads to keeps its place, so that after.id is
	// the id in after; what another path gives is a member of data that has the
	// path for its name.
	Fields []string
}

// isFull says whether all of an event is posted.
func (p *Payload) isFull() bool { return !p.Thin && len(p.Fields) == 0 }

// of returns what is posted of the data of a change.
func (p *Payload) of(raw []byte) *data {
	d := readData(raw)
	switch {
	case len(p.Fields) > 0:
		d.project(raw, p.Fields)
	case p.Thin:
		d.omit("before")
		d.omit("after")
		d.omit("patch")
	}
	return d
}

// data is a data object on its way into an envelope.
type data struct {
	members []member
	// omitted names what is missing in it, or not whole.
	omitted []string
}

// member is one member of a JSON object, its value as it came.
type member struct {
	name  string
	value json.RawMessage
}

func (m *member) isNull() bool { return string(m.value) == "null" }

// readData takes an object, which is valid JSON, apart.
func readData(raw []byte) *data {
	d := &data{}
	gjson.ParseBytes(raw).ForEach(func(key, value gjson.Result) bool {
		d.members = append(d.members, member{key.Str, json.RawMessage(value.Raw)})
		return true
	})
	return d
}

// omit leaves out a member. One that is null says all that there is to say of
// it, and stays.
func (d *data) omit(name string) bool {
	i := slices.IndexFunc(d.members, func(m member) bool { return m.name == name })
	if i < 0 || d.members[i].isNull() {
		return false
	}
	d.members = slices.Delete(d.members, i, i+1)
	if !slices.Contains(d.omitted, name) { // a part of it may have been missing before
		d.omitted = append(d.omitted, name)
	}
	return true
}

// shrink leaves out what can be spared most easily, and reports false when
// nothing is left that can: what is known now is worth more than what was, and
// what is short and says what happened stays.
func (d *data) shrink() bool {
	for _, name := range []string{"before", "patch", "after", "changed", "reason"} {
		if d.omit(name) {
			return true
		}
	}
	for i := len(d.members) - 1; i >= 0; i-- {
		switch name := d.members[i].name; name {
		case "change", "key", "hash", "previous_hash", "name", "since", "count":
		default:
			if d.omit(name) {
				return true
			}
		}
	}
	return false
}

// append appends the object.
func (d *data) append(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range d.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, d.members[i].name)
		dst = append(dst, ':')
		dst = append(dst, d.members[i].value...)
	}
	if len(d.omitted) > 0 {
		if len(d.members) > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `"omitted":[`...)
		for i, name := range d.omitted {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, name)
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}
