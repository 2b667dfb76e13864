package diff

import (
	"bytes"
	"fmt"
)

// lists compares two answers item by item. Where in the list an item stands
// does not matter.
func (c *comparison) lists(before, after []byte) (Result, error) {
	if err := c.list(&c.after, &c.newer, after, nil); err != nil {
		return Result{}, err
	}
	result := Result{After: c.newer.passing, AfterAll: len(c.newer.items), FilterErr: c.newer.filterErr}
	if before != nil && bytes.Equal(before, after) {
		result.Before, result.BeforeAll = result.After, result.AfterAll
		return result, nil
	}
	c.older.reset(c.Rules)
	if before != nil {
		if err := c.list(&c.before, &c.older, before, &c.newer); err != nil {
			return Result{}, older(err)
		}
	}
	result.Before, result.BeforeAll = c.older.passing, len(c.older.items)
	if result.FilterErr == nil {
		result.FilterErr = c.older.filterErr
	}
	for n := range c.newer.items {
		if c.newer.isOut(n) {
			continue
		}
		change, ok, err := c.arrived(&c.newer.items[n])
		if err != nil {
			return Result{}, err
		}
		if ok {
			result.Changes = append(result.Changes, change)
		}
	}
	for n := range c.older.items {
		x := &c.older.items[n]
		there := c.newer.index.find(x.key)
		if c.older.isOut(n) || there >= 0 && !c.newer.isOut(int(there)) {
			continue
		}
		change, _, err := c.deletedItem(c.older.name(x), c.older.look(x))
		if err != nil {
			return Result{}, err
		}
		change.Filtered = there >= 0
		result.Changes = append(result.Changes, change)
	}
	return result, nil
}

// arrived compares an item that belongs to the newer list with what the older
// one has of it. It is false where nothing that counts has changed.
func (c *comparison) arrived(y *item) (Change, bool, error) {
	known := int(c.older.index.find(y.key))
	if known < 0 || c.older.isOut(known) {
		return c.createdItem(c.newer.name(y), c.newer.look(y))
	}
	x := &c.older.items[known]
	if x.seen == y.seen {
		return Change{}, false, nil
	}
	return c.updated(c.newer.name(y), c.older.look(x), c.newer.look(y))
}

// list reads a body and finds its items. It is likely to be much like another
// list, if there is one.
func (c *comparison) list(rd *reader, f *finds, body []byte, like *finds) error {
	body, offset := withoutBOM(body)
	rd.brief = true
	defer func() { rd.brief, rd.finds = false, nil }()
	if c.listByGJSON {
		whole, err := rd.document(body, offset, &c.seeds, rules{}, nil)
		if err != nil {
			return err
		}
		found, ok := get(whole.root.bytes(), c.items.Path)
		if !ok {
			return fmt.Errorf("%w: items.path %q leads to nothing", ErrNoList, c.items.Path)
		}
		body, offset = found, 0
	}
	f.reset(c.Rules)
	f.like = like
	rd.finds = f
	d, err := rd.document(body, offset, &c.seeds, c.whole, nil)
	switch {
	case err != nil && c.listByGJSON:
		return fmt.Errorf("items.path: read what path %q makes: %w", c.items.Path, err)
	case err != nil:
		return err
	case f.list.end == 0:
		return fmt.Errorf("%w: items.path %q leads to nothing", ErrNoList, c.items.Path)
	case d.raw[f.list.start] != '[':
		return fmt.Errorf("%w: items.path %q is %s, not an array", ErrNoList, c.items.Path, kindOf(d.raw[f.list.start]))
	case f.badKey != nil:
		return f.badKey
	}
	if err := f.number(); err != nil {
		return err
	}
	f.sift(like)
	return nil
}

// view is an item as it stands in its list, and what is compared of it.
type view struct{ whole, selected []byte }

// nothing stands for what select did not find.
var nothing = []byte("null")

// look finds what is compared of an item.
func (f *finds) look(i *item) view {
	whole := f.bytes(i.whole)
	switch {
	case f.selectByGJSON:
		return f.view(whole)
	case i.selected.end == 0:
		return view{whole, nothing}
	default:
		return view{whole, f.bytes(i.selected)}
	}
}

// view finds what is compared of an item by gjson.
func (r *Rules) view(whole []byte) view {
	selected, ok := get(whole, r.path)
	if !ok {
		selected = nothing
	}
	return view{whole, selected}
}

// itemOf reads an item as it stands in its list; nil is one that is not there.
func (c *comparison) itemOf(rd *reader, raw []byte) (view, error) {
	if raw == nil {
		return view{}, nil
	}
	d, err := rd.document(raw, 0, &c.seeds, rules{}, nil)
	if err != nil {
		return view{}, err
	}
	return c.view(d.root.bytes()), nil
}

func (c *comparison) createdItem(key string, v view) (Change, bool, error) {
	if err := c.check(&c.after, v); err != nil {
		return Change{}, false, about(key, err)
	}
	return c.created(key, v.whole, v.selected), true, nil
}

func (c *comparison) deletedItem(key string, v view) (Change, bool, error) {
	if err := c.check(&c.before, v); err != nil {
		return Change{}, false, older(about(key, err))
	}
	return c.deleted(key, v.whole, v.selected), true, nil
}

// check reads what gjson made, which can be no JSON.
func (c *comparison) check(rd *reader, v view) error {
	if !c.selectByGJSON {
		return nil
	}
	_, err := c.selectedDocument(rd, v.selected, nil)
	return err
}

// updated compares two items of one key. It is false where nothing that counts
// has changed.
func (c *comparison) updated(key string, then, now view) (Change, bool, error) {
	y, err := c.selectedDocument(&c.after, now.selected, nil)
	if err != nil {
		return Change{}, false, about(key, err)
	}
	x, err := c.selectedDocument(&c.before, then.selected, y)
	if err != nil {
		return Change{}, false, older(about(key, err))
	}
	if x.root.seen == y.root.seen {
		return Change{}, false, nil
	}
	change := c.difference(x, y)
	change.Key, change.ItemBefore, change.ItemAfter = key, then.whole, now.whole
	return change, true, nil
}

// selectedDocument reads what is compared. Only what gjson makes can be none
// that is JSON.
func (c *comparison) selectedDocument(rd *reader, selected []byte, like *document) (*document, error) {
	d, err := rd.document(selected, 0, &c.seeds, c.inner, like)
	if err != nil {
		return nil, fmt.Errorf("select: read what path %q makes: %w", c.path, err)
	}
	return d, nil
}

// about says which item an error is about.
func about(key string, err error) error { return fmt.Errorf("item %q: %w", key, err) }
