package config

import (
	"reflect"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"gopkg.in/yaml.v3"
)

// Payload says what of an event is posted: all of it, unless Thin or Fields is
// set.
type Payload struct {
	// Thin leaves out before, after and patch.
	Thin bool
	// Fields are gjson paths into data: only they are posted.
	Fields []string `yaml:"fields" required:"true" example:"[after.id, after.status]" doc:"The gjson paths in data that are posted, such as after.id." aka:"only|include|paths"`
}

// IsFull says whether all of an event is posted.
func (p Payload) IsFull() bool { return !p.Thin && len(p.Fields) == 0 }

// payloadWords are the payloads that have a name.
func payloadWords() []string { return []string{"full", "thin"} }

func (p *Payload) decode(d *decoder, at place, f field) {
	if at.node.Kind == yaml.MappingNode {
		d.mapping(at, reflect.ValueOf(p).Elem(), f)
		return
	}
	if at.node.Kind == yaml.SequenceNode {
		d.fail(at, "want full, thin or {fields: [after.id]}, got a list: write {fields: [...]}")
		return
	}
	if isNull(at.node) {
		d.fail(at, noValue)
		return
	}
	var word string
	decodeInto(d, at, &word, field{enum: payloadWords(), typ: f.typ})
	p.Thin = word == "thin"
}

// schema of a payload: a word, or a mapping.
func (p *Payload) schema(s schemer, _ field, _ shape) (*jsonschema.Schema, error) {
	word := &jsonschema.Schema{Type: "string"}
	for _, w := range payloadWords() {
		word.Enum = append(word.Enum, w)
	}
	mapping, err := s.structure(reflect.TypeFor[Payload](), shape{})
	one := orReference(word)
	one.AnyOf = append(one.AnyOf, mapping)
	return one, err
}

// dataMembers are the members of data that an event has.
func dataMembers() []string {
	return []string{"change", "key", "before", "after", "changed", "patch", "hash", "previous_hash", "reason", "url"}
}

// payload checks the paths of fields.
func (v *validator) payload(at place, payload Payload) {
	p, ok := v.writtenPath(at, "payload.fields")
	if !ok {
		return
	}
	if len(payload.Fields) == 0 {
		v.add(p, "name at least one path, such as [after.id]; payload: thin leaves out before, after and patch")
	}
	v.each(p, payload.Fields, func(p place, path string) {
		v.gjsonPath(p, path)
		first := path
		if end := strings.IndexAny(path, `.|#@{[\`); end >= 0 {
			first = path[:end]
		}
		if path != "" && !strings.ContainsAny(path[:1], "$/.") && !slices.Contains(dataMembers(), first) {
			v.add(p, "%s is nothing in data: a path begins with one of its members, such as after.%s; they are %s",
				p.quote(path), path, strings.Join(dataMembers(), ", "))
		}
	})
}
