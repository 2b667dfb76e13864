package diff

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// list are the items of an answer, in its order.
type list struct {
	items []item
	// index finds an item by its key.
	index map[string]int
}

// item is an item as it stands in its list.
type item struct {
	key   string
	whole value
}

// readList reads a body and finds its items.
func (r *Rules) readList(body []byte) (list, error) {
	whole, err := readValue(body, r.seed)
	if err != nil {
		return list{}, err
	}
	at, ok, err := whole.get(r.items.Path, r.seed)
	switch {
	case err != nil:
		return list{}, fmt.Errorf("items.path: %w", err)
	case !ok:
		return list{}, fmt.Errorf("%w: items.path %q leads to nothing", ErrNoList, r.items.Path)
	case at.at().kind != array:
		return list{}, fmt.Errorf("%w: items.path %q is %s, not an array", ErrNoList, r.items.Path, at.at().kind)
	}
	l := list{index: make(map[string]int)}
	for e := range at.doc.elements(at.node) {
		if err := l.add(value{at.doc, e}, r); err != nil {
			return list{}, err
		}
	}
	return l, nil
}

// add takes an item into the list by its key.
func (l *list) add(whole value, r *Rules) error {
	position := len(l.items)
	key, err := r.keyOf(whole)
	if err != nil {
		return fmt.Errorf("%w: items[%d]: %w", ErrBadKey, position, err)
	}
	if first, ok := l.index[key]; ok {
		// The key was found once before, so it is found again.
		x, _, _ := l.items[first].whole.get(r.items.Key, r.seed)
		y, _, _ := whole.get(r.items.Key, r.seed)
		return fmt.Errorf("%w: items[%d] and items[%d]: %s is %s in the one and %s in the other",
			ErrBadKey, first, position, r.items.Key, excerpt(x), excerpt(y))
	}
	l.index[key] = position
	l.items = append(l.items, item{key, whole})
	return nil
}

// keyOf returns the key of an item: a string as it is, a number in canonical form.
func (r *Rules) keyOf(whole value) (string, error) {
	v, ok, err := whole.get(r.items.Key, r.seed)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", fmt.Errorf("%s is missing", r.items.Key)
	}
	var key []byte
	switch v.at().kind {
	case text:
		key = v.doc.text(v.node)
	case number:
		key = appendNumber(nil, v.raw())
	default:
		return "", fmt.Errorf("%s is %s, not a string or a number", r.items.Key, v.at().kind)
	}
	switch {
	case len(key) == 0:
		return "", fmt.Errorf("%s is empty", r.items.Key)
	case !utf8.Valid(key):
		return "", fmt.Errorf("%s has half of a surrogate pair: %s", r.items.Key, excerpt(v))
	}
	return string(key), nil
}

// excerpt is a value as it is written, shortened for an error message.
func excerpt(v value) string {
	const most = 80
	raw := v.raw()
	if len(raw) <= most {
		return string(raw)
	}
	return string(bytes.ToValidUTF8(raw[:most], nil)) + "…"
}

// String names a kind in error messages.
func (k kind) String() string {
	return [...]string{"null", "false", "true", "a number", "a string", "an array", "an object"}[k]
}

// compareLists compares two answers item by item. Where in the list an item
// stands does not matter.
func (r *Rules) compareLists(before, after []byte) (Result, error) {
	y, err := r.readList(after)
	if err != nil {
		return Result{}, err
	}
	if before != nil && bytes.Equal(before, after) {
		return Result{Before: len(y.items), After: len(y.items)}, nil
	}
	var x list
	if before != nil {
		if x, err = r.readList(before); err != nil {
			return Result{}, older(err)
		}
	}
	result := Result{Before: len(x.items), After: len(y.items)}
	for _, now := range y.items {
		var c Change
		ok := true
		if i, known := x.index[now.key]; known {
			c, ok, err = r.compareItems(x.items[i], now)
		} else {
			c, err = r.createItem(now)
		}
		if err != nil {
			return Result{}, err
		}
		if ok {
			result.Changes = append(result.Changes, c)
		}
	}
	for _, then := range x.items {
		if _, still := y.index[then.key]; still {
			continue
		}
		c, err := r.deleteItem(then)
		if err != nil {
			return Result{}, err
		}
		result.Changes = append(result.Changes, c)
	}
	return result, nil
}

// compareItems compares two items of the same key.
func (r *Rules) compareItems(before, after item) (Change, bool, error) {
	if sameBytes(before.whole, after.whole) {
		return Change{}, false, nil
	}
	y, _, err := r.look(after.whole)
	if err != nil {
		return Change{}, false, after.wrap(err)
	}
	x, _, err := r.look(before.whole)
	if err != nil {
		return Change{}, false, older(before.wrap(err))
	}
	c, ok := compareValues(x, y)
	c.Key, c.ItemBefore, c.ItemAfter = after.key, before.whole.raw(), after.whole.raw()
	return c, ok, nil
}

func (r *Rules) createItem(after item) (Change, error) {
	y, _, err := r.look(after.whole)
	if err != nil {
		return Change{}, after.wrap(err)
	}
	c := created(y)
	c.Key, c.ItemAfter = after.key, after.whole.raw()
	return c, nil
}

func (r *Rules) deleteItem(before item) (Change, error) {
	x, _, err := r.look(before.whole)
	if err != nil {
		return Change{}, older(before.wrap(err))
	}
	c := deleted(x)
	c.Key, c.ItemBefore = before.key, before.whole.raw()
	return c, nil
}

// wrap says which item an error is about.
func (i item) wrap(err error) error { return fmt.Errorf("item %q: %w", i.key, err) }
