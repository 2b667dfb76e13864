package manual

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

const aboutConfiguration = `The configuration is one YAML document, or several: include names more files with sources, endpoints and rate_limits. ` +
	`It is read strictly. An unknown key, a key written twice, a second document and an empty file are errors, which name file, line and column; ` +
	`pollwire check lists all of them at once.

In any value that is text, ${NAME} is a variable of the environment, ${NAME:-default} one that may be missing, ${file:/path} the content of a ` +
	`file, and ${credential:NAME} that of a file in $CREDENTIALS_DIRECTORY. $${ stands for a ${ that is meant as it is.

Durations are written as 90s, 36h or 30d, sizes as 64KiB or 10MiB. Where a key below is written with dots, each dot leads one mapping ` +
	`further in: request.url is the key url in the mapping request.`

// Configuration returns the page of the configuration file, pollwire.yaml(5),
// from its JSON Schema.
func Configuration(schema []byte, in Imprint) (Page, error) {
	var document yaml.Node // JSON is YAML, and a node keeps the order of the keys.
	if err := yaml.Unmarshal(schema, &document); err != nil {
		return Page{}, fmt.Errorf("read schema: %w", err)
	}
	if len(document.Content) == 0 {
		return Page{}, errors.New("read schema: it is empty")
	}
	const name, section = "pollwire.yaml", "5"
	c := configuration{writer: newWriter(name, section, "pollwire manual", in), told: make(map[string]string)}
	c.name(name, "what pollwire polls, and whom it tells")
	c.section("SYNOPSIS")
	c.line("%s", escape("/etc/pollwire/pollwire.yaml"))
	c.section("DESCRIPTION")
	c.text(aboutConfiguration)
	for key, value := range entries(get(document.Content[0], "properties")) {
		c.part(key, value)
	}
	c.section("FILES")
	c.tag("/usr/share/doc/pollwire/examples/config.example.yaml", "Every key, once, with its default or an example.")
	c.see([]string{"pollwire(1)", "pollwire-check(1)", "pollwire-init(1)"})
	return c.page(name, section), nil
}

// configuration is the page while it is written.
type configuration struct {
	*writer
	// told are the mappings that were described, and where.
	told map[string]string
}

// part describes a key of the whole file, in a section of its own.
func (c *configuration) part(key string, schema *yaml.Node) {
	c.section(strings.ToUpper(key))
	c.line("%s", escape(meaning(schema, false)))
	if key == "defaults" { // Its keys are those of a source, and described there.
		return
	}
	if items := get(schema, "items"); items != nil {
		schema = items
	}
	c.keys(key, "", schema)
}

// keys describes the keys of a mapping. Where stands for the part of the file
// in references to them.
func (c *configuration) keys(where, prefix string, mapping *yaml.Node) {
	required := strs(get(mapping, "required"))
	for key, schema := range entries(get(mapping, "properties")) {
		if get(schema, "const") != nil {
			continue // It is named with the alternative that it chooses.
		}
		path := prefix + key
		says := meaning(schema, slices.Contains(required, key))
		below := alternatives(schema)
		if len(below) == 0 {
			c.tag(bold(path), says)
			continue
		}
		mark := fingerprint(below)
		if at, ok := c.told[mark]; ok {
			c.tag(bold(path), strings.TrimSpace(says+" Its keys are those of "+at+"."))
			continue
		}
		c.told[mark] = path + " in " + strings.ToUpper(where)
		c.tag(bold(path), says)
		for _, mapping := range below {
			if choice := get(get(get(mapping, "properties"), "type"), "const"); choice != nil {
				c.line(".TP\n%s", bold(path+".type: "+choice.Value))
				c.line("%s", escape(chosen(mapping)))
			}
			c.keys(where, path+".", mapping)
		}
	}
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

// meaning is what a schema says of its value, in sentences.
func meaning(schema *yaml.Node, required bool) string {
	var says []string
	if text := get(schema, "description"); text != nil {
		says = append(says, text.Value)
	}
	if required {
		says = append(says, "Required.")
	}
	if words := choices(schema); len(words) > 0 {
		says = append(says, "One of "+strings.Join(words, ", ")+".")
	}
	if bounds := bounds(schema); bounds != "" {
		says = append(says, bounds)
	}
	if fallback := get(schema, "default"); fallback != nil {
		says = append(says, "Default: "+inline(fallback))
	} else if examples := elements(get(schema, "examples")); len(examples) > 0 {
		says = append(says, "Example: "+inline(examples[0]))
	}
	return strings.Join(says, " ")
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
