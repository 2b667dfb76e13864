package config

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// field is one key of a mapping. All that is known of a key stands in the tags
// of its struct field, and decoder, schema and tests read it from there:
//
//	yaml      the key
//	doc       what it is, for the schema
//	default   its value when it is not written, in YAML
//	example   a value for the schema and for the message that it is missing
//	required  "true" if it must be written
//	unless    what another key must be for it not to be required, as in
//	          format=slack|discord; that key stands before it
//	enum      the values it takes, separated by |; of a list, its elements
//	min, max  the bounds of a number, a duration or a size
//	is        the kind of text it takes, a name in textKinds; of a list, its elements
//	aka       what people write instead, separated by |
//	partial   "true" if nothing in it is required or has a default
//	whole     "true" if it replaces the same key in defaults instead of being
//	          merged with it
type field struct {
	key      string
	index    []int
	typ      reflect.Type
	doc      string
	fallback *yaml.Node
	example  string
	required bool
	unless   *exemption
	enum     []string
	min, max *bound
	is       string
	aka      []string
	partial  bool
	whole    bool
}

// bound is the least or the greatest value of a key.
type bound struct {
	text  string
	value reflect.Value
}

// exemption says when a key is not required: while another one has one of some
// values.
type exemption struct {
	key    string
	values []string
}

// newExemption reads the tag unless, nil if there is none.
func newExemption(sf reflect.StructField) *exemption {
	text, ok := sf.Tag.Lookup("unless")
	if !ok {
		return nil
	}
	key, values, _ := strings.Cut(text, "=")
	return &exemption{key, strings.Split(values, "|")}
}

// newBound reads a bound from a tag, nil if there is none. A list has it for
// its elements.
func newBound(sf reflect.StructField, tag string) *bound {
	text, ok := sf.Tag.Lookup(tag)
	if !ok {
		return nil
	}
	t := sf.Type
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	value := reflect.New(t)
	var err error
	if own, isText := value.Interface().(encoding.TextUnmarshaler); isText {
		err = own.UnmarshalText([]byte(text))
	} else {
		err = json.Unmarshal([]byte(text), value.Interface())
	}
	if err != nil {
		panic("config: the bound " + text + " of " + sf.Name + " is none")
	}
	return &bound{text, value.Elem()}
}

// keyring keeps the fields of struct types: reading tags is slow.
type keyring map[reflect.Type][]field

// fields are the keys of a struct type, in order, those of embedded structs included.
func (k keyring) fields(t reflect.Type) []field {
	if known, ok := k[t]; ok {
		return known
	}
	var all []field
	for _, sf := range reflect.VisibleFields(t) {
		if key := sf.Tag.Get("yaml"); key != "" {
			all = append(all, newField(key, sf))
		}
	}
	k[t] = all
	return all
}

// field is the key of that name; false if the struct type has none.
func (k keyring) field(t reflect.Type, key string) (field, bool) {
	for _, f := range k.fields(t) {
		if f.key == key {
			return f, true
		}
	}
	return field{}, false
}

func newField(key string, sf reflect.StructField) field {
	f := field{
		key:      key,
		index:    sf.Index,
		typ:      sf.Type,
		doc:      sf.Tag.Get("doc"),
		example:  sf.Tag.Get("example"),
		required: sf.Tag.Get("required") == "true",
		unless:   newExemption(sf),
		min:      newBound(sf, "min"),
		max:      newBound(sf, "max"),
		is:       sf.Tag.Get("is"),
		partial:  sf.Tag.Get("partial") == "true",
		whole:    sf.Tag.Get("whole") == "true",
	}
	if enum, ok := sf.Tag.Lookup("enum"); ok {
		f.enum = strings.Split(enum, "|")
	}
	if aka, ok := sf.Tag.Lookup("aka"); ok {
		f.aka = strings.Split(aka, "|")
	}
	if fallback, ok := sf.Tag.Lookup("default"); ok {
		f.fallback = parseNode(fallback)
	}
	return f
}

// parseNode reads the YAML of a tag. A mistake in it is ours, and every test
// that loads a configuration finds it.
func parseNode(text string) *yaml.Node {
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil || len(n.Content) != 1 {
		panic("config: the tag " + text + " is no YAML")
	}
	return n.Content[0]
}

// names are the keys of a struct type.
func (k keyring) names(t reflect.Type) []string {
	fields := k.fields(t)
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.key
	}
	return names
}

// within finds the places below a struct type where a key is known, as paths
// of mappings: detect for the key ignore of a source.
func (k keyring) within(t reflect.Type, key, path string) []string {
	var found []string
	for _, f := range k.fields(t) {
		below := f.typ
		if below.Kind() == reflect.Pointer {
			below = below.Elem()
		}
		if f.key == key && path != "" {
			found = append(found, path)
		}
		if below.Kind() == reflect.Struct && !f.partial {
			found = append(found, k.within(below, key, joinPath(path, f.key))...)
		}
	}
	return found
}
