package diff

import (
	"bytes"
	"errors"
)

// sift finds out which items do not belong to the list. What the filter said of
// the same item in the list that is like this one, if there is one, holds here.
// It keeps the first error of the filter, to which the item belongs.
func (f *finds) sift(like *finds) {
	f.out, f.passing, f.filterErr = f.out[:0], len(f.items), nil
	if f.Rules.items.Filter == nil {
		return
	}
	for n := range f.items {
		out := f.siftItem(&f.items[n], like)
		f.out = append(f.out, out)
		if out {
			f.passing--
		}
	}
}

func (f *finds) siftItem(i *item, like *finds) (out bool) {
	whole := f.bytes(i.whole)
	if like != nil {
		n := like.index.find(i.key)
		if n >= 0 && bytes.Equal(whole, like.bytes(like.items[n].whole)) {
			return like.isOut(int(n))
		}
	}
	pass, err := f.Rules.items.Filter(whole)
	if err != nil && f.filterErr == nil {
		f.filterErr = about(f.name(i), err)
	}
	return err == nil && !pass
}

// isOut says whether an item does not belong to the list.
func (f *finds) isOut(n int) bool { return len(f.out) > 0 && f.out[n] }

// checkFilter holds the two parts of a filter together.
func (i *Items) checkFilter() error {
	switch {
	case i.Filter != nil && i.FilterKey == "":
		return errors.New("items.filter: a filter needs a key that tells it from others")
	case i.Filter == nil && i.FilterKey != "":
		return errors.New("items.filter: there is a key of a filter, but no filter")
	}
	return nil
}
