package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one mistake in a configuration: where it is, and the way out.
type Error struct {
	File string
	// Line and Column count from 1; 0 where the mistake is the whole file's.
	Line, Column int
	// Path is the place in the document, such as sources[2].request.url. It is
	// empty for what concerns the whole document, and for YAML that cannot be read.
	Path    string
	Message string
}

// Error gives file:line:column: path: message, without the parts that are not known.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	if e.Path != "" {
		b.WriteString(": ")
		b.WriteString(e.Path)
	}
	b.WriteString(": ")
	b.WriteString(e.Message)
	return b.String()
}

// Errors are all mistakes that were found, by file and position. It is what [Load] and
// [Parse] return; it is never empty.
type Errors []*Error

// Error gives one line for each mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single mistakes to errors.As.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, one := range e {
		errs[i] = one
	}
	return errs
}

// mistake is a mistake at a place.
func (p place) mistake(message string) Error {
	return Error{File: p.doc.file, Line: p.node.Line, Column: p.node.Column, Path: p.path, Message: message}
}

// report collects mistakes. A mistake in what sources inherit is met once for
// each of them, and noted once.
type report struct {
	errs Errors
	seen map[Error]bool
	// order is that of the included files, from 1; the main one comes before.
	order map[string]int
}

func newReport() *report {
	return &report{seen: make(map[Error]bool), order: make(map[string]int)}
}

// add notes a mistake at a place.
func (r *report) add(at place, format string, args ...any) {
	e := at.mistake(fmt.Sprintf(format, args...))
	if !r.seen[e] {
		r.seen[e] = true
		r.errs = append(r.errs, &e)
	}
}

// err returns the mistakes by file and position, nil if there are none.
func (r *report) err() error {
	if len(r.errs) == 0 {
		return nil
	}
	slices.SortStableFunc(r.errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(r.order[a.File], r.order[b.File]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Path, b.Path))
	})
	return r.errs
}
