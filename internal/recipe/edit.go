package recipe

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// edit puts a text in the place of another, from an offset in bytes.
type edit struct {
	at      int
	old, by string
}

// apply makes edits, which are at different places.
func apply(text string, edits []edit) string {
	slices.SortFunc(edits, func(a, b edit) int { return b.at - a.at })
	for _, e := range edits {
		text = text[:e.at] + e.by + text[e.at+len(e.old):]
	}
	return text
}

// document is what a text says as YAML: its mapping.
func document(text string) (*yaml.Node, error) {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		return nil, fmt.Errorf("read recipe: %w", err)
	}
	if len(root.Content) != 1 {
		return nil, errors.New("read recipe: it is empty")
	}
	return root.Content[0], nil
}

// scalars are all scalars below a node.
func scalars(node *yaml.Node) iter.Seq[*yaml.Node] {
	return func(yield func(*yaml.Node) bool) { walk(node, yield) }
}

func walk(node *yaml.Node, yield func(*yaml.Node) bool) bool {
	if node.Kind == yaml.ScalarNode {
		return yield(node)
	}
	for _, below := range node.Content {
		if !walk(below, yield) {
			return false
		}
	}
	return true
}

// find is the offset of what a scalar says, behind its quote; false where it is
// written in another way than it is read.
func find(text string, node *yaml.Node) (int, bool) {
	at := 0
	for range node.Line - 1 {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			return 0, false
		}
		at += end + 1
	}
	for range node.Column - 1 { // Columns count characters.
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	if node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		at++
	}
	return at, at <= len(text) && strings.HasPrefix(text[at:], node.Value)
}

// same says whether two documents say the same but for what fill puts in.
func same(before, after *yaml.Node, fill func(string) string) bool {
	if before.Kind != after.Kind || before.ShortTag() != after.ShortTag() || len(before.Content) != len(after.Content) ||
		fill(before.Value) != after.Value {
		return false
	}
	for i := range before.Content {
		if !same(before.Content[i], after.Content[i], fill) {
			return false
		}
	}
	return true
}
