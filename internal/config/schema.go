package config

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"gopkg.in/yaml.v3"
)

// Schema returns the JSON Schema (draft 2020-12) of a configuration, for
// editors. It is made from the types that [Load] decodes into. It cannot say
// all that Load checks: what fits it may still be refused.
func Schema() ([]byte, error) {
	s := schemer{make(keyring)}
	root, err := s.structure(reflect.TypeFor[Config](), shape{})
	if err != nil {
		return nil, fmt.Errorf("make schema: %w", err)
	}
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "pollwire configuration"
	root.Defs = map[string]*jsonschema.Schema{"reference": {
		Type:        "string",
		Pattern:     `\$\{`,
		Description: "${NAME}, ${NAME:-default}, ${file:/path} or ${credential:name}",
	}}
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("make schema: %w", err)
	}
	return append(text, '\n'), nil
}

// schemer makes schemas of types.
type schemer struct{ keyring }

// shape says how the type of a schema stands in its surroundings.
type shape struct {
	// partial: nothing is required and nothing has a default.
	partial bool
	// nullable: null takes a default away.
	nullable bool
}

// schematic is a type that describes itself.
type schematic interface {
	schema(s schemer, f field, in shape) (*jsonschema.Schema, error)
}

// structure is the schema of a struct.
func (s schemer) structure(t reflect.Type, in shape) (*jsonschema.Schema, error) {
	object := &jsonschema.Schema{
		Type:                 "object",
		Properties:           make(map[string]*jsonschema.Schema),
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
	for _, f := range s.fields(t) {
		below := shape{partial: in.partial || f.partial, nullable: in.nullable && f.key != "name"}
		property, err := s.property(f, below)
		if err != nil {
			return nil, err
		}
		object.Properties[f.key] = property
		object.PropertyOrder = append(object.PropertyOrder, f.key)
		// What a source requires, its defaults may give.
		switch {
		case !f.required || in.partial || in.nullable && f.key != "name":
		case f.unless != nil:
			object.AllOf = append(object.AllOf, f.unless.schema(f.key))
		default:
			object.Required = append(object.Required, f.key)
		}
	}
	return object, nil
}

// schema requires a key unless the other one has one of its values, or is a
// reference to who knows what.
func (e *exemption) schema(key string) *jsonschema.Schema {
	other := &jsonschema.Schema{}
	for _, value := range e.values {
		other.Enum = append(other.Enum, value)
	}
	return &jsonschema.Schema{
		If: &jsonschema.Schema{
			Required:   []string{e.key},
			Properties: map[string]*jsonschema.Schema{e.key: orReference(other)},
		},
		Else: &jsonschema.Schema{Required: []string{key}},
	}
}

// property is the schema of one key.
func (s schemer) property(f field, in shape) (*jsonschema.Schema, error) {
	p, err := s.value(f.typ, f, in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.key, err)
	}
	p.Description = f.doc
	if f.fallback != nil && !in.partial {
		if p.Default, err = nodeJSON(f.fallback); err != nil {
			return nil, fmt.Errorf("%s: default: %w", f.key, err)
		}
	}
	if f.example != "" {
		example, err := nodeJSON(parseNode(f.example))
		if err != nil {
			return nil, fmt.Errorf("%s: example: %w", f.key, err)
		}
		p.Examples = []any{example}
	}
	if in.nullable {
		p = nullable(p)
	}
	return p, nil
}

// nullable lets null stand for a value too.
func nullable(p *jsonschema.Schema) *jsonschema.Schema {
	switch {
	case p.AnyOf != nil:
		p.AnyOf = append(p.AnyOf, &jsonschema.Schema{Type: "null"})
	case p.Enum != nil, p.Type != "" && p.Pattern != "":
		inner := *p
		inner.Description, inner.Default, inner.Examples = "", nil, nil
		return &jsonschema.Schema{
			Description: p.Description, Default: p.Default, Examples: p.Examples,
			AnyOf: []*jsonschema.Schema{&inner, {Type: "null"}},
		}
	case p.Types != nil:
		p.Types = append(p.Types, "null")
	case p.Type != "":
		p.Types, p.Type = []string{p.Type, "null"}, ""
	}
	return p
}

// value is the schema of a type, within what the tags of f say.
func (s schemer) value(t reflect.Type, f field, in shape) (*jsonschema.Schema, error) {
	if own, ok := reflect.New(t).Interface().(schematic); ok {
		return own.schema(s, f, in)
	}
	switch {
	case t.Kind() == reflect.Pointer:
		return s.value(t.Elem(), f, in)
	case isText(t):
		return s.text(t, f), nil
	case t.Kind() == reflect.Struct:
		return s.structure(t, in)
	case t.Kind() == reflect.Slice:
		items, err := s.value(t.Elem(), f, shape{nullable: t.Elem() == reflect.TypeFor[Source]()})
		return &jsonschema.Schema{Type: "array", Items: items}, err
	case t.Kind() == reflect.Map:
		values, err := s.value(t.Elem(), f, shape{})
		if err == nil && in.nullable {
			values = nullable(values)
		}
		return &jsonschema.Schema{Type: "object", AdditionalProperties: values}, err
	default:
		return s.scalar(t, f)
	}
}

// text is the schema of a type that reads its own text.
func (s schemer) text(t reflect.Type, f field) *jsonschema.Schema {
	pattern := ""
	switch own := reflect.New(t).Interface().(type) {
	case interface{ pattern() string }:
		pattern = own.pattern()
	case *time.Time:
		pattern = `^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d`
	case *netip.Prefix:
		pattern = `^[0-9a-fA-F.:]+(/\d+)?$`
	}
	switch {
	case f.loose():
		return &jsonschema.Schema{Types: []string{"string", "number", "boolean"}}
	case pattern == "":
		return &jsonschema.Schema{Type: "string"}
	case pattern == sharePattern:
		return orReference(&jsonschema.Schema{Type: "string", Pattern: pattern}, &jsonschema.Schema{Type: "integer", Minimum: jsonschema.Ptr(0.0)})
	case t == reflect.TypeFor[Duration]():
		return orReference(&jsonschema.Schema{Type: "string", Pattern: pattern}, &jsonschema.Schema{Const: jsonschema.Ptr[any](0)})
	default:
		return orReference(&jsonschema.Schema{Type: "string", Pattern: pattern})
	}
}

// orReference takes a ${…} besides what the alternatives take.
func orReference(alternatives ...*jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: append(alternatives, &jsonschema.Schema{Ref: "#/$defs/reference"})}
}

func (s schemer) scalar(t reflect.Type, f field) (*jsonschema.Schema, error) {
	plain := &jsonschema.Schema{}
	switch t.Kind() {
	case reflect.String:
		plain.Type = "string"
		for _, word := range f.enum {
			plain.Enum = append(plain.Enum, word)
		}
		if kind, ok := textKinds[f.is]; ok {
			plain.Pattern = kind.pattern.String()
		}
		if plain.Enum == nil && plain.Pattern == "" {
			return plain, nil
		}
	case reflect.Bool:
		plain.Type = "boolean"
	case reflect.Int, reflect.Float64:
		plain.Type = "integer"
		if t.Kind() == reflect.Float64 {
			plain.Type = "number"
		}
		plain.Minimum, plain.Maximum = f.min.number(), f.max.number()
	default:
		return nil, fmt.Errorf("a %s has no schema", t)
	}
	return orReference(plain), nil
}

// number is a bound in a schema, nil if there is none.
func (b *bound) number() *float64 {
	if b == nil {
		return nil
	}
	return jsonschema.Ptr(b.value.Convert(reflect.TypeFor[float64]()).Float())
}

// nodeJSON is a node of a tag as JSON; ${…} in it stays as it is.
func nodeJSON(node *yaml.Node) (json.RawMessage, error) {
	var value any
	if err := node.Decode(&value); err != nil {
		return nil, err
	}
	return json.Marshal(value)
}
