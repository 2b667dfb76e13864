package config

import (
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"
	"gopkg.in/yaml.v3"
)

// kind is one shape of a mapping that has several, told apart by its key type.
type kind struct {
	// name is the value of type.
	name string
	typ  reflect.Type
	// index is that of the member that is set.
	index []int
}

// kindsOf are the shapes of a struct of pointers, of which one is set, in their
// order. The name of each stands in the enum of its type.
func kindsOf(t reflect.Type) []kind {
	var kinds []kind
	for _, sf := range reflect.VisibleFields(t) {
		typ := sf.Type.Elem()
		named, ok := typ.FieldByName("Type")
		if !ok {
			panic("config: " + typ.Name() + " has no type")
		}
		kinds = append(kinds, kind{named.Tag.Get("enum"), typ, sf.Index})
	}
	return kinds
}

// decodeKind decodes a mapping into the member of target that its type names.
// example is a mapping that is right, for the message.
func decodeKind(d *decoder, at place, target any, f field, example string) {
	if at.node.Kind != yaml.MappingNode {
		d.fail(at, "want a mapping such as %s, got %s", example, describe(at.node))
		return
	}
	v := reflect.ValueOf(target).Elem()
	kinds := kindsOf(v.Type())
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	p, ok := at.key("type")
	if !ok {
		d.fail(at, "the key \"type\" is missing: want %s", orList(names))
		return
	}
	var name string
	decodeInto(d, p, &name, field{enum: names})
	for _, k := range kinds {
		if k.name == name {
			// What kind it is decides what is required, wherever it stands.
			d.value(at, v.FieldByIndex(k.index), field{typ: f.typ})
		}
	}
}

// kindSchema is a schema of one shape for each type.
func kindSchema(s schemer, t reflect.Type) (*jsonschema.Schema, error) {
	var all []*jsonschema.Schema
	for _, k := range kindsOf(t) {
		one, err := s.structure(k.typ, shape{})
		if err != nil {
			return nil, err
		}
		one.Properties["type"] = &jsonschema.Schema{Const: jsonschema.Ptr[any](k.name)}
		all = append(all, one)
	}
	return &jsonschema.Schema{AnyOf: all}, nil
}
