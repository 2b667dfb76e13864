package config

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"gopkg.in/yaml.v3"
)

// JSON is a JSON text that was written as YAML; it is empty where nothing was
// written. It may hold secrets, and is shown like one.
type JSON struct{ Secret }

func (j *JSON) decode(d *decoder, at place, _ field) {
	var b bytes.Buffer
	if d.json(&b, at) {
		j.Secret = NewSecret(b.String())
	}
}

// schema of JSON: anything.
func (j *JSON) schema(schemer, field, shape) (*jsonschema.Schema, error) {
	return &jsonschema.Schema{}, nil
}

// json writes a node as JSON. Numbers are written as they stand, so that none
// loses a digit.
func (d *decoder) json(b *bytes.Buffer, at place) bool {
	if d.bad[at.node] {
		return false
	}
	switch at.node.Kind {
	case yaml.MappingNode:
		return d.jsonObject(b, at)
	case yaml.SequenceNode:
		b.WriteByte('[')
		ok := true
		for i, item := range at.items() {
			if i > 0 {
				b.WriteByte(',')
			}
			ok = d.json(b, item) && ok
		}
		b.WriteByte(']')
		return ok
	case yaml.ScalarNode:
		return d.jsonScalar(b, at)
	default: // a reference, which was refused already
		return false
	}
}

func (d *decoder) jsonObject(b *bytes.Buffer, at place) bool {
	b.WriteByte('{')
	ok := true
	for i, e := range at.entries() {
		if i > 0 {
			b.WriteByte(',')
		}
		writeJSONString(b, e.name)
		b.WriteByte(':')
		ok = d.json(b, e.value) && ok
	}
	b.WriteByte('}')
	return ok
}

func (d *decoder) jsonScalar(b *bytes.Buffer, at place) bool {
	switch at.node.ShortTag() {
	case "!!null":
		b.WriteString("null")
	case "!!bool":
		b.WriteString(strings.ToLower(at.node.Value))
	case "!!int", "!!float":
		if !json.Valid([]byte(at.node.Value)) {
			d.fail(at, "%q is no number in JSON: write it in decimal, or put it in quotes", at.node.Value)
			return false
		}
		b.WriteString(at.node.Value)
	default:
		text, ok := d.scalarText(at, "a value")
		if !ok {
			return false
		}
		writeJSONString(b, text)
	}
	return true
}

func writeJSONString(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes, and a Buffer takes all
	b.Truncate(b.Len() - 1)
}
