// Package manual writes pollwire's manual pages: one for each command from what
// the command line says of itself, and one for the configuration from its JSON
// Schema. It reads what it is given, and runs nothing.
package manual

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// Page is a manual page.
type Page struct {
	// Name is the page's file: pollwire-run.1.
	Name string
	// Text is its source, in the macros of man(7).
	Text []byte
}

// Imprint says what a page belongs to.
type Imprint struct {
	// Version is the version of pollwire.
	Version string
	// Date is that of the version, so that the same source makes the same page.
	Date time.Time
}

// writer writes a page in the macros of man(7).
type writer struct{ bytes.Buffer }

// newWriter begins a page, such as pollwire-run(1).
func newWriter(name, section, topic string, in Imprint) *writer {
	w := &writer{}
	w.line(`.TH "%s" "%s" "%s" "pollwire %s" "%s"`,
		escape(strings.ToUpper(name)), section, in.Date.UTC().Format(time.DateOnly), escape(in.Version), escape(topic))
	w.line(".nh") // A word of a command line or a configuration is not broken in two.
	w.line(".ad l")
	return w
}

// line writes one line of source as it is.
func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(w, format+"\n", args...)
}

func (w *writer) section(title string)    { w.line(".SH %s", escape(title)) }
func (w *writer) subsection(title string) { w.line(".SS %s", escape(title)) }

// name writes the section by which whatis(1) and apropos(1) find the page.
func (w *writer) name(name, short string) {
	w.section("NAME")
	w.line(`%s \- %s`, escape(name), escape(short))
}

// tag writes a term, in source, and what it means.
func (w *writer) tag(term, meaning string) {
	w.line(".TP\n%s", term)
	w.line("%s", escape(meaning))
}

// text writes plain text at the beginning of a section: paragraphs between blank
// lines, and as it stands what is indented.
func (w *writer) text(text string) {
	for i, paragraph := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		if i > 0 {
			w.line(".PP")
		}
		if !strings.HasPrefix(paragraph, "  ") {
			w.line("%s", escape(strings.Join(strings.Fields(paragraph), " ")))
			continue
		}
		w.line(".RS 4\n.nf")
		for line := range strings.SplitSeq(paragraph, "\n") {
			w.line("%s", escape(strings.TrimPrefix(line, "  ")))
		}
		w.line(".fi\n.RE")
	}
}

// see writes the last section: pages to read on in, such as pollwire(1).
func (w *writer) see(pages []string) {
	w.section("SEE ALSO")
	terms := make([]string, len(pages))
	for i, page := range pages {
		name, section, _ := strings.Cut(page, "(")
		terms[i] = bold(name) + "(" + section
	}
	w.line("%s", strings.Join(terms, ",\n"))
}

func (w *writer) page(name, section string) Page {
	return Page{Name: name + "." + section, Text: w.Bytes()}
}

func bold(text string) string   { return `\fB` + escape(text) + `\fR` }
func italic(text string) string { return `\fI` + escape(text) + `\fR` }

// special are the characters that troff would print as another one, or not at all.
var special = strings.NewReplacer(
	`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, "…", "...", "×", `\(mu`, "→", `\(->`)

// escape is text as the source of a page; a line that would be a macro is none.
func escape(text string) string {
	text = special.Replace(text)
	if strings.HasPrefix(text, ".") {
		return `\&` + text
	}
	return text
}
