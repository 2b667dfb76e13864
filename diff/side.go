package diff

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// side is one of the two answers.
type side struct {
	pages   Pages
	isOlder bool
	reader  *reader
	finds   *finds
	// entries are all items in their order, and index numbers them by their keys;
	// starts are where those of each page begin, and the last one ends.
	entries []entry
	index   table
	starts  []int

	passing   int
	filterErr error
	// body is the page that was read last, and largest the size of the largest.
	body    []byte
	largest int
}

// entry is what is kept of an item: there may be millions of them.
type entry struct {
	key, seen uint64
	// out says that the filter leaves it out, and same of a newer item that what
	// is compared of it is as it was, though the item is not.
	out, same bool
}

// equal says whether two items of one key are the same as far as is known.
func (x *entry) equal(y *entry) bool { return x.seen == y.seen || y.same }

func (s *side) len() int {
	if s.pages == nil {
		return 0
	}
	return s.pages.Len()
}

// wrong says of which page an error is.
func (s *side) wrong(page int, err error) error {
	err = fmt.Errorf("page %d: %w", page+1, err)
	if s.isOlder {
		return older(err)
	}
	return err
}

// fetch reads the body of a page. That it cannot be had says nothing of whether
// it would fit the rules.
func (s *side) fetch(page int) (err error) {
	if s.body, err = s.pages.Page(page); err != nil {
		which := "newer"
		if s.isOlder {
			which = "older"
		}
		return fmt.Errorf("read page %d of the %s answer: %w", page+1, which, err)
	}
	s.largest = max(s.largest, len(s.body))
	return nil
}

// find finds the items of the page that was fetched.
func (s *side) find(c *comparison, page int, like *finds) error {
	body, err := c.JSON(s.body)
	if err == nil {
		err = c.list(s.reader, s.finds, body, like)
	}
	if err != nil {
		return s.wrong(page, err)
	}
	return nil
}

// add reads a page and adds its items. It is likely to be much like the page
// that the other side has read last, if there is one.
func (s *side) add(c *comparison, page int, like *side) error {
	if err := s.fetch(page); err != nil {
		return err
	}
	f := s.finds
	switch {
	case like == nil:
		if err := s.find(c, page, nil); err != nil {
			return err
		}
	case bytes.Equal(s.body, like.body):
		f = like.finds
	default:
		if err := s.find(c, page, like.finds); err != nil {
			return err
		}
	}
	if s.filterErr == nil && f.filterErr != nil {
		s.filterErr = fmt.Errorf("page %d: %w", page+1, f.filterErr)
	}
	s.passing += f.passing
	begin := len(s.entries)
	s.starts = append(s.starts, begin)
	s.index.grow(len(f.items))
	for n := range f.items {
		i := &f.items[n]
		first, isNew := s.index.add(i.key)
		if !isNew {
			return s.repeated(c, int(first), page, n, f.written(i))
		}
		s.entries = append(s.entries, entry{key: i.key, seen: i.seen, out: f.isOut(n)})
	}
	return nil
}

// repeated is the error of a key that stands on two pages, as an item of the
// later one has written it.
func (s *side) repeated(c *comparison, first, page, n int, written string) error {
	earlier, _ := slices.BinarySearch(s.starts, first+1)
	earlier--
	if err := s.fetch(earlier); err != nil {
		return err
	}
	if err := s.find(c, earlier, nil); err != nil {
		return err
	}
	at := first - s.starts[earlier]
	if at >= len(s.finds.items) {
		return changed(earlier)
	}
	err := fmt.Errorf("%w: items[%d] of page %d and items[%d] of page %d: %s is %s in the one and %s in the other", ErrBadKey,
		at, earlier+1, n, page+1, strings.Join(c.items.Key, ", "), s.finds.written(&s.finds.items[at]), written)
	if s.isOlder {
		return older(err)
	}
	return err
}

// load finds the items of a page again.
func (s *side) load(c *comparison, page int) error {
	if err := s.fetch(page); err != nil {
		return err
	}
	if err := s.find(c, page, nil); err != nil {
		return err
	}
	at := s.entries[s.starts[page]:s.starts[page+1]]
	if !slices.EqualFunc(at, s.finds.items, func(e entry, i item) bool { return e.key == i.key && e.seen == i.seen }) {
		return changed(page)
	}
	return nil
}

// look returns an item of the page that was loaded, in memory of its own.
func (s *side) look(page, n int) (*item, view) {
	i := &s.finds.items[n-s.starts[page]]
	v := s.finds.look(i)
	whole := bytes.Clone(v.whole)
	if i.selected.end == 0 || s.finds.selectByGJSON {
		return i, view{whole, bytes.Clone(v.selected)}
	}
	start := int(i.selected.start - i.whole.start)
	end := start + len(v.selected)
	return i, view{whole, whole[start:end:end]}
}

func changed(page int) error {
	return fmt.Errorf("page %d is not the same when it is read again", page+1)
}
