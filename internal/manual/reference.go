package manual

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

const referenceHead = `# Configuration reference

<!-- Written by ` + "`make docs`" + ` from the JSON Schema of the configuration. Edits are lost. -->

`

// Reference returns the keys of the configuration file as Markdown, from its JSON
// Schema.
func Reference(schema []byte) ([]byte, error) {
	var document yaml.Node // JSON is YAML, and a node keeps the order of the keys.
	if err := yaml.Unmarshal(schema, &document); err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	if len(document.Content) == 0 {
		return nil, errors.New("read schema: it is empty")
	}
	r := reference{told: make(map[string]string)}
	r.WriteString(referenceHead)
	r.WriteString(prose(aboutConfiguration) + "\n")
	for key, value := range entries(get(document.Content[0], "properties")) {
		r.part(key, value)
	}
	return r.Bytes(), nil
}

// reference is the text while it is written.
type reference struct {
	bytes.Buffer
	// told are the mappings that were described, and where.
	told map[string]string
	// inTable says that rows can follow.
	inTable bool
}

// part describes a key of the whole file, under a heading of its own.
func (r *reference) part(key string, schema *yaml.Node) {
	fmt.Fprintf(r, "\n## %s\n\n%s\n", key, cell(r.meaning(schema, false)))
	r.inTable = false
	if key == "defaults" { // Its keys are those of a source, and described there.
		return
	}
	if items := get(schema, "items"); items != nil {
		schema = items
	}
	r.keys(key, "", schema)
}

// keys describes the keys of a mapping, which is in a part of the file.
func (r *reference) keys(part, prefix string, mapping *yaml.Node) {
	required := strs(get(mapping, "required"))
	for key, schema := range entries(get(mapping, "properties")) {
		if get(schema, "const") != nil {
			continue // It is named with the alternative that it chooses.
		}
		path := prefix + key
		says := r.meaning(schema, slices.Contains(required, key))
		below := alternatives(schema)
		if len(below) == 0 {
			r.row(path, says)
			continue
		}
		mark := fingerprint(below)
		if at, ok := r.told[mark]; ok {
			r.row(path, strings.TrimSpace(says+" Its keys are those of "+at+"."))
			continue
		}
		r.told[mark] = code(path) + " in [" + part + "](#" + part + ")"
		r.row(path, says)
		for _, mapping := range below {
			if choice := get(get(get(mapping, "properties"), "type"), "const"); choice != nil {
				r.row(path+".type: "+choice.Value, chosen(mapping))
			}
			r.keys(part, path+".", mapping)
		}
	}
}

// row is one key in the table of its part.
func (r *reference) row(key, says string) {
	if !r.inTable {
		r.WriteString("\n| key | what it is |\n| --- | --- |\n")
		r.inTable = true
	}
	fmt.Fprintf(r, "| %s | %s |\n", code(key), cell(says))
}

// meaning is what a schema says of its value, with what can be written as code.
func (r *reference) meaning(schema *yaml.Node, required bool) string {
	var says []string
	if text := get(schema, "description"); text != nil {
		says = append(says, prose(text.Value))
	}
	if required {
		says = append(says, "**Required.**")
	}
	if words := choices(schema); len(words) > 0 {
		coded := make([]string, len(words))
		for i, word := range words {
			coded[i] = code(word)
		}
		says = append(says, "One of "+strings.Join(coded, ", ")+".")
	}
	if bounds := bounds(schema); bounds != "" {
		says = append(says, bounds)
	}
	if fallback := get(schema, "default"); fallback != nil {
		says = append(says, "Default: "+code(inline(fallback)))
	} else if examples := elements(get(schema, "examples")); len(examples) > 0 {
		says = append(says, "Example: "+code(inline(examples[0])))
	}
	return strings.Join(says, " ")
}

// prose is text in which nothing is taken for markup.
func prose(text string) string {
	return strings.NewReplacer("\\", "\\\\", "*", "\\*", "_", "\\_", "<", "&lt;", "`", "\\`", "[", "\\[", "]", "\\]", "#", "\\#").Replace(text)
}

// code is a text as code, whatever is in it.
func code(text string) string {
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		return fence + " " + text + " " + fence
	}
	return fence + text + fence
}

// cell is text in one cell of a table: a bar would end it, in code too.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", "\\|")
}
