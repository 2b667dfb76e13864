package manual

import (
	"bytes"
	"fmt"
	"strings"
)

const referenceHead = `# Configuration reference

<!-- Written by ` + "`make docs`" + ` from the JSON Schema of the configuration. Edits are lost. -->

`

// Reference returns the keys of the configuration file as Markdown, from its JSON
// Schema.
func Reference(schema []byte) ([]byte, error) {
	r := &reference{}
	r.WriteString(referenceHead)
	r.WriteString(r.prose(aboutConfiguration) + "\n")
	if err := describe(schema, r); err != nil {
		return nil, err
	}
	return r.Bytes(), nil
}

// reference is the text while it is written.
type reference struct {
	bytes.Buffer
	// inTable says that rows can follow.
	inTable bool
}

var _ form = (*reference)(nil)

func (r *reference) part(key, says string) {
	fmt.Fprintf(r, "\n## %s\n\n%s\n", key, cell(says))
	r.inTable = false
}

// key is one row in the table of its part.
func (r *reference) key(path, says string) {
	if !r.inTable {
		r.WriteString("\n| key | what it is |\n| --- | --- |\n")
		r.inTable = true
	}
	fmt.Fprintf(r, "| %s | %s |\n", code(path), cell(says))
}

func (*reference) place(path, part string) string {
	return code(path) + " in [" + part + "](#" + part + ")"
}

func (*reference) code(text string) string   { return code(text) }
func (*reference) strong(text string) string { return "**" + text + "**" }

// prose is text in which nothing is taken for markup.
func (*reference) prose(text string) string {
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
