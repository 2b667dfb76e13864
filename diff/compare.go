package diff

import (
	"bytes"
	"errors"
	"fmt"
)

// Compare tells what changed from one answer of an API to a later one. With a
// nil before, nothing is known yet, and all there is was created.
//
// Its errors are those that this package names. What is wrong in before is an
// [ErrBefore] too.
func Compare(before, after []byte, r *Rules) (Result, error) {
	switch {
	case r.format == Text:
		return compareTexts(before, after)
	case r.items != nil:
		return r.compareLists(before, after)
	default:
		return r.compareDocuments(before, after)
	}
}

// CompareItem compares two items of a list as they stand in it, such as
// [Change.ItemBefore] and [Change.ItemAfter], under rules of a list. The key
// becomes the key of the change. A nil item is one that is not there, so that
// the other one was created or deleted. The result is false when they are
// equal, or both nil.
//
// Its errors are those of [Compare].
func CompareItem(key string, before, after []byte, r *Rules) (Change, bool, error) {
	if r.items == nil {
		return Change{}, false, errors.New("compare item: the rules are not for a list")
	}
	x, y := item{key: key}, item{key: key}
	var err error
	if after != nil {
		if y.whole, err = readValue(after, r.seed); err != nil {
			return Change{}, false, err
		}
	}
	if before != nil {
		if x.whole, err = readValue(before, r.seed); err != nil {
			return Change{}, false, older(err)
		}
	}
	switch {
	case before == nil && after == nil:
		return Change{}, false, nil
	case before == nil:
		return itemChange(r.createItem(y))
	case after == nil:
		return itemChange(r.deleteItem(x))
	default:
		return r.compareItems(x, y)
	}
}

func itemChange(c Change, err error) (Change, bool, error) { return c, err == nil, err }

// older marks an error as one of the older answer.
func older(err error) error { return fmt.Errorf("%w: %w", ErrBefore, err) }

// compareDocuments compares two answers as one thing each.
func (r *Rules) compareDocuments(before, after []byte) (Result, error) {
	y, err := r.document(after)
	if err != nil {
		return Result{}, err
	}
	switch {
	case before == nil:
		return Result{Changes: []Change{created(y)}, After: 1}, nil
	case bytes.Equal(before, after):
		return Result{Before: 1, After: 1}, nil
	}
	x, err := r.document(before)
	if err != nil {
		return Result{}, older(err)
	}
	result := Result{Before: 1, After: 1}
	if c, ok := compareValues(x, y); ok {
		result.Changes = []Change{c}
	}
	return result, nil
}

// document reads a body and returns what is compared of it.
func (r *Rules) document(body []byte) (value, error) {
	whole, err := readValue(body, r.seed)
	if err != nil {
		return value{}, err
	}
	selected, ok, err := r.look(whole)
	if err != nil {
		return value{}, err
	}
	if !ok {
		return value{}, fmt.Errorf("%w: select %q", ErrNothingSelected, r.path)
	}
	return selected, nil
}
