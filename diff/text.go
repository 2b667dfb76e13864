package diff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// compareTexts compares two bodies that are not JSON, byte by byte.
func (r *Rules) compareTexts(before, after []byte) (Result, error) {
	c := Change{Kind: Created, After: quote(after), rules: r, after: after}
	switch {
	case before == nil:
		return Result{Changes: []Change{c}, After: 1, AfterAll: 1}, nil
	case bytes.Equal(before, after):
		return Result{Before: 1, After: 1, BeforeAll: 1, AfterAll: 1}, nil
	}
	unified, err := unifiedDiff(utf8Text(before), utf8Text(after))
	if err != nil {
		return Result{}, err
	}
	c.Kind = Updated
	c.Before, c.before = quote(before), before
	c.Differences = []Difference{{Before: c.Before, After: c.After}}
	c.Unified = unified
	return Result{Changes: []Change{c}, Before: 1, After: 1, BeforeAll: 1, AfterAll: 1}, nil
}

// quote returns a text as a JSON string.
func quote(body []byte) json.RawMessage {
	return appendString(make([]byte, 0, len(body)+2), []byte(utf8Text(body)))
}

// utf8Text replaces what is not UTF-8, which JSON cannot hold, by U+FFFD.
func utf8Text(body []byte) string { return strings.ToValidUTF8(string(body), "\uFFFD") }

// unifiedDiff returns the lines that changed, with three lines around them. The
// library gives up looking for the shortest diff after a bounded number of
// differences, so the work does not explode.
func unifiedDiff(before, after string) (string, error) {
	unified, err := udiff.ToUnified("before", "after", before, udiff.Lines(before, after), udiff.DefaultContextLines)
	if err != nil {
		return "", fmt.Errorf("diff texts: %w", err)
	}
	return unified, nil
}
