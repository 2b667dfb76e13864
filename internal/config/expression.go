package config

import (
	"errors"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/pollwire/pollwire/internal/expression"
)

// conditions checks what the expressions of a source mean.
func (v *validator) conditions(at place, s *Source) {
	v.condition(at, "when", expression.OfChange, s.When)
	v.condition(at, "expect.when", expression.OfAnswer, s.Expect.When)
	if s.Items != nil {
		v.condition(at, "items.filter", expression.OfItem, s.Items.Filter)
	}
}

// condition compiles an expression that was written. What is wrong with it is
// told where it is in the file, as far as that can be seen.
func (v *validator) condition(at place, keys string, kind expression.Kind, text string) {
	p, ok := v.writtenPath(at, keys)
	if !ok {
		return
	}
	_, err := expression.Compile(kind, text)
	var e *expression.Error
	switch {
	case !errors.As(err, &e):
	case hasReference(p.node.Value):
		// What the message quotes may come from a secret.
		v.add(p, "%s is no condition that can be read", p.quote(text))
	default:
		if inside, ok := p.inside(e.Line, e.Column); ok {
			v.add(inside, "%s", e.Message)
		} else {
			v.add(p, "%s", e)
		}
	}
}

// inside is the place of a character within the text of a scalar, both counted
// from 1. It is false where the text does not stand in the file as it is read,
// as with escapes and lines that are folded.
func (p place) inside(line, column int) (place, bool) {
	lines := strings.Split(p.node.Value, "\n")
	if line > len(lines) {
		return p, false
	}
	moved := *p.node
	if p.node.Style&yaml.LiteralStyle != 0 {
		moved.Line += line
		written := lineOf(p.doc.text, moved.Line)
		indent, ok := strings.CutSuffix(written, lines[line-1])
		if !ok || strings.Trim(indent, " ") != "" {
			return p, false
		}
		moved.Column = utf8.RuneCountInString(indent) + column
		return place{p.doc, &moved, p.path}, true
	}
	if p.node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		moved.Column++ // the quote
	}
	written := []rune(lineOf(p.doc.text, p.node.Line))
	if moved.Column > len(written) || !strings.HasPrefix(string(written[moved.Column-1:]), p.node.Value) {
		return p, false
	}
	moved.Column += column - 1
	return place{p.doc, &moved, p.path}, true
}
