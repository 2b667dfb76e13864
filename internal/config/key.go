package config

import (
	"github.com/google/jsonschema-go/jsonschema"
	"gopkg.in/yaml.v3"
)

// Key is what tells the elements of a list apart: the path of one member, or of
// several that do it together.
type Key []string

func (k *Key) decode(d *decoder, at place, f field) {
	paths := []place{at}
	switch at.node.Kind {
	case yaml.MappingNode:
		d.fail(at, "want a path such as id, or a list of paths, got a mapping")
		return
	case yaml.SequenceNode:
		paths = at.items()
	}
	*k = make(Key, len(paths))
	for i, path := range paths {
		decodeInto(d, path, &(*k)[i], f)
	}
}

// schema of a key: a path, or a list of them.
func (k *Key) schema(schemer, field, shape) (*jsonschema.Schema, error) {
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Type: "string"},
		{Type: "array", Items: &jsonschema.Schema{Type: "string"}, MinItems: jsonschema.Ptr(1)},
	}}, nil
}

// key checks the paths of a key, each with check.
func (v *validator) key(at place, key Key, check func(place, string)) {
	switch {
	case v.bad[at.node]:
	case at.node.Kind != yaml.SequenceNode:
		check(at, key[0])
	case len(key) == 0:
		v.add(at, "the list is empty: name at least one member, such as id")
	default:
		v.each(at, key, check)
	}
}

// keys checks what tells the elements of lists inside apart.
func (v *validator) keys(at place, keys map[string]Key) {
	for _, e := range at.entries() {
		if e.name == "" {
			v.add(e.key, "the path is empty: name the list, such as order.lines; @this is what is compared")
		} else {
			v.gjsonPath(e.key, e.name)
		}
		v.key(e.value, keys[e.name], v.gjsonPath)
	}
}
