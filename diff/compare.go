package diff

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/tidwall/gjson"
)

// Compare tells what changed from one answer of an API to a later one. With a
// nil before, nothing is known yet, and all there is was created.
//
// Its errors are those that this package names. What is wrong in before is an
// [ErrBefore] too.
func Compare(before, after []byte, r *Rules) (Result, error) {
	if r.format == Text {
		return r.compareTexts(before, after)
	}
	before, after, err := r.bothInJSON(before, after)
	if err != nil {
		return Result{}, err
	}
	c := begin(r)
	defer c.end(len(before) + len(after))
	if r.items != nil {
		return c.lists(before, after)
	}
	return c.documents(before, after)
}

// CompareItem compares two items of a list as they stand in it, such as
// [Change.ItemBefore] and [Change.ItemAfter], under rules of a list. The key
// becomes the key of the change. A nil item is one that is not there, so that
// the other one was created or deleted. The result is false when they are
// equal, or both nil. [Items.Filter] is not asked.
//
// Its errors are those of [Compare].
func CompareItem(key string, before, after []byte, r *Rules) (Change, bool, error) {
	if r.items == nil {
		return Change{}, false, errors.New("compare item: the rules are not for a list")
	}
	c := begin(r)
	defer c.end(len(before) + len(after))
	y, err := c.itemOf(&c.after, after)
	if err != nil {
		return Change{}, false, err
	}
	x, err := c.itemOf(&c.before, before)
	if err != nil {
		return Change{}, false, older(err)
	}
	switch {
	case before == nil && after == nil:
		return Change{}, false, nil
	case before == nil:
		return c.createdItem(key, y)
	case after == nil:
		return c.deletedItem(key, x)
	default:
		return c.updated(key, x, y)
	}
}

// older marks an error as one of the older answer.
func older(err error) error { return fmt.Errorf("%w: %w", ErrBefore, err) }

// comparison is the memory of one comparison, which is used again for others.
type comparison struct {
	*Rules
	before, after reader
	walk          walk
	// older and newer are what was found in the two answers on the way.
	older, newer finds
}

// documents compares two answers as one thing each.
func (c *comparison) documents(before, after []byte) (Result, error) {
	y, err := c.document(&c.after, after, nil)
	if err != nil {
		return Result{}, err
	}
	switch {
	case before == nil:
		return Result{Changes: []Change{c.created("", nil, y.root.bytes())}, After: 1, AfterAll: 1}, nil
	case bytes.Equal(before, after):
		return Result{Before: 1, After: 1, BeforeAll: 1, AfterAll: 1}, nil
	}
	x, err := c.document(&c.before, before, y)
	if err != nil {
		return Result{}, older(err)
	}
	result := Result{Before: 1, After: 1, BeforeAll: 1, AfterAll: 1}
	if x.root.seen != y.root.seen {
		result.Changes = []Change{c.difference(x, y)}
	}
	return result, nil
}

// document reads a body; the root is what is compared of it.
func (c *comparison) document(rd *reader, body []byte, like *document) (*document, error) {
	body, offset := withoutBOM(body)
	if c.selectByGJSON {
		whole, err := rd.document(body, offset, &c.seeds, rules{}, nil)
		if err != nil {
			return nil, err
		}
		selected, ok := get(whole.root.bytes(), c.path)
		if !ok {
			return nil, fmt.Errorf("%w: select %q", ErrNothingSelected, c.path)
		}
		return c.selectedDocument(rd, selected, like)
	}
	if c.path == "" {
		return rd.document(body, offset, &c.seeds, c.whole, like)
	}
	f := &c.newer
	f.reset(c.Rules)
	rd.finds = f
	d, err := rd.document(body, offset, &c.seeds, c.whole, like)
	rd.finds = nil
	switch {
	case err != nil:
		return nil, err
	case f.selected.end == 0:
		return nil, fmt.Errorf("%w: select %q", ErrNothingSelected, c.path)
	}
	d.root = f.selected
	return d, nil
}

// get follows a gjson path from a value that is known to be JSON. ok is false
// where it leads to nothing. Of what gjson finds only the text is used: its
// numbers are doubles, and its strings have lost half surrogate pairs. Modifiers
// can make a text that is not JSON.
func get(raw []byte, path string) (found []byte, ok bool) {
	if path == "" || path == this {
		return raw, true
	}
	result := gjson.GetBytes(raw, path)
	if !result.Exists() {
		return nil, false
	}
	// Most results stand in the document as they are; those are not copied.
	if end := result.Index + len(result.Raw); end <= len(raw) && string(raw[result.Index:end]) == result.Raw {
		return raw[result.Index:end:end], true
	}
	return []byte(result.Raw), true
}

// difference compares two documents that are known to differ.
func (c *comparison) difference(x, y *document) Change {
	before, after := &x.root, &y.root
	change := Change{
		Kind: Updated, Before: before.bytes(), After: after.bytes(),
		rules: c.Rules, before: before.bytes(), after: after.bytes(),
	}
	w := &c.walk
	w.reader = &c.after
	w.masked = c.masks()
	limit := pathLimit(before, after)
	ok := w.run(before, after, limit)
	paths := string(w.paths)
	if ok {
		change.Differences = w.differences(paths)
	} else {
		change.Differences = []Difference{{Before: change.Before, After: change.After}}
	}
	if w.masked {
		w.masked = false
		ok = w.run(before, after, limit)
		paths = string(w.paths)
	}
	if ok {
		change.Patch = w.patch(paths)
	} else {
		change.Patch = []Operation{{Op: "replace", Value: change.After, Old: change.Before}}
	}
	return change
}

func (c *comparison) created(key string, item, after []byte) Change {
	return Change{Kind: Created, Key: key, After: after, ItemAfter: item, rules: c.Rules, after: after}
}

func (c *comparison) deleted(key string, item, before []byte) Change {
	return Change{Kind: Deleted, Key: key, Before: before, ItemBefore: item, rules: c.Rules, before: before}
}

// pathLimit is how many bytes the paths of a change may have together. Each
// path is as long as its value lies deep, so that without a limit a hostile
// document could have paths of a thousand times its own size.
func pathLimit(before, after *child) int {
	size := int(before.end-before.start) + int(after.end-after.start)
	return min(64<<10+4*size, math.MaxUint32/2) // spans of paths have 32 bits
}

// differences are the findings for people to read.
func (w *walk) differences(paths string) []Difference {
	list := make([]Difference, len(w.findings))
	for i := range w.findings {
		f := &w.findings[i]
		list[i] = Difference{Path: f.told.of(paths), Before: f.before, After: f.after}
		if f.kind == move {
			list[i].From = f.toldFrom.of(paths)
		}
	}
	return list
}

// patch are the findings as operations.
func (w *walk) patch(paths string) []Operation {
	list := make([]Operation, len(w.findings))
	for i := range w.findings {
		f := &w.findings[i]
		o := Operation{Op: "replace", Path: f.at.of(paths), Value: f.after, Old: f.before}
		switch f.kind {
		case addition:
			o.Op = "add"
		case removal:
			o.Op = "remove"
		case move:
			o.Op, o.From, o.Value = "move", f.from.of(paths), nil
		}
		list[i] = o
	}
	return list
}

func (s span) of(paths string) string { return paths[s.start:s.end] }
