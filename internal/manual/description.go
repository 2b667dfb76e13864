package manual

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// form is how the keys of the configuration are written down.
type form interface {
	// part begins the part of a key of the whole file, and says what that is.
	part(key, says string)
	// key says what a key of the part is.
	key(path, says string)
	// place names a key of a part, from anywhere.
	place(path, part string) string
	// prose, code and strong are a text as it is, as somebody types it, and as
	// somebody has to see it.
	prose(text string) string
	code(text string) string
	strong(text string) string
}

// describe writes down all keys of the configuration, from its JSON Schema.
func describe(schema []byte, f form) error {
	var document yaml.Node // JSON is YAML, and a node keeps the order of the keys.
	if err := yaml.Unmarshal(schema, &document); err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	if len(document.Content) == 0 {
		return errors.New("read schema: it is empty")
	}
	d := description{form: f, told: make(map[string]string)}
	for key, value := range entries(get(document.Content[0], "properties")) {
		d.whole(key, value)
	}
	return nil
}

// description goes through the keys.
type description struct {
	form
	// told are the mappings that were described, and where.
	told map[string]string
}

// whole describes a key of the whole file.
func (d *description) whole(key string, schema *yaml.Node) {
	d.part(key, d.meaning(schema, false))
	if key == "defaults" { // Its keys are those of a source, and described there.
		return
	}
	if items := get(schema, "items"); items != nil {
		schema = items
	}
	d.keys(key, "", schema)
}

// keys describes the keys of a mapping, which is in a part of the file.
func (d *description) keys(part, prefix string, mapping *yaml.Node) {
	required := strs(get(mapping, "required"))
	for key, schema := range entries(get(mapping, "properties")) {
		if get(schema, "const") != nil {
			continue // It is named with the alternative that it chooses.
		}
		path := prefix + key
		says := d.meaning(schema, slices.Contains(required, key))
		below := alternatives(schema)
		if len(below) == 0 {
			d.key(path, says)
			continue
		}
		mark := fingerprint(below)
		if at, ok := d.told[mark]; ok {
			d.key(path, strings.TrimSpace(says+" Its keys are those of "+at+"."))
			continue
		}
		d.told[mark] = d.place(path, part)
		d.key(path, says)
		for _, mapping := range below {
			if choice := get(get(get(mapping, "properties"), "type"), "const"); choice != nil {
				d.key(path+".type: "+choice.Value, chosen(mapping))
			}
			d.keys(part, path+".", mapping)
		}
	}
}

// meaning is what a schema says of its value, in sentences.
func (d *description) meaning(schema *yaml.Node, required bool) string {
	var says []string
	if text := get(schema, "description"); text != nil {
		says = append(says, d.prose(text.Value))
	}
	if required {
		says = append(says, d.strong("Required."))
	}
	if words := choices(schema); len(words) > 0 {
		coded := make([]string, len(words))
		for i, word := range words {
			coded[i] = d.code(word)
		}
		says = append(says, "One of "+strings.Join(coded, ", ")+".")
	}
	if bounds := bounds(schema); bounds != "" {
		says = append(says, bounds)
	}
	if fallback := get(schema, "default"); fallback != nil {
		says = append(says, "Default: "+d.code(inline(fallback)))
	} else if examples := elements(get(schema, "examples")); len(examples) > 0 {
		says = append(says, "Example: "+d.code(inline(examples[0])))
	}
	return strings.Join(says, " ")
}

// chosen introduces the keys that go with a type.
func chosen(mapping *yaml.Node) string {
	properties := get(mapping, "properties")
	if said := get(get(properties, "type"), "description"); said != nil {
		return said.Value
	}
	var others []string
	for key := range entries(properties) {
		if key != "type" {
			others = append(others, key)
		}
	}
	return "With " + strings.Join(others, ", ") + ":"
}

// alternatives are the mappings that a schema takes, itself or as elements of a list.
func alternatives(schema *yaml.Node) []*yaml.Node {
	var found []*yaml.Node
	for _, s := range append([]*yaml.Node{schema}, elements(get(schema, "anyOf"))...) {
		if get(s, "properties") != nil {
			found = append(found, s)
		}
		if items := get(s, "items"); items != nil {
			found = append(found, alternatives(items)...)
		}
	}
	return found
}

// choices are the words that a schema takes, of a list its elements.
func choices(schema *yaml.Node) []string {
	words := strs(get(schema, "enum"))
	for _, s := range elements(get(schema, "anyOf")) {
		words = append(words, strs(get(s, "enum"))...)
	}
	if items := get(schema, "items"); items != nil {
		words = append(words, choices(items)...)
	}
	return words
}

// bounds says how small or great a number may be.
func bounds(schema *yaml.Node) string {
	for _, s := range append([]*yaml.Node{schema}, elements(get(schema, "anyOf"))...) {
		least, most := get(s, "minimum"), get(s, "maximum")
		switch {
		case least != nil && most != nil:
			return "From " + least.Value + " to " + most.Value + "."
		case least != nil && least.Value != "0":
			return "At least " + least.Value + "."
		case most != nil:
			return "At most " + most.Value + "."
		}
	}
	return ""
}
