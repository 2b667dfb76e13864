package diff

import (
	"errors"
	"fmt"
	"slices"
)

// Pages are the bodies of one answer that came in several, read one at a time.
// A body is valid until the next call of Page.
type Pages interface {
	Len() int
	Page(i int) ([]byte, error)
}

// OnePage returns a body as an answer of one page, so that it can be compared
// with one of several. Of no body, nil, there is no answer either: nil.
func OnePage(body []byte) Pages {
	if body == nil {
		return nil
	}
	return onePage(body)
}

type onePage []byte

func (p onePage) Len() int                 { return 1 }
func (p onePage) Page(int) ([]byte, error) { return p, nil }

// ComparePages compares two lists whose answers may have several pages, each of
// which is read like a body of its own. It tells what [Compare] tells of one
// body with all their items; with a nil before, nothing is known yet. A key that
// stands on two pages is a repeated one, as it is within a page.
//
// Memory holds one page of each answer, two hashes for each item, and the
// changes, which share none with the pages. A page that has changes is read
// twice, under a path of gjson in [Options.Select] three times. What before and
// after return must not share memory.
//
// An answer has at least one page. One of none is no list, as it would say that
// all is deleted; its error is [ErrNoList].
//
// Its errors are those of [Compare] and of the pages themselves, with the number
// of the page, from 1.
func ComparePages(before, after Pages, r *Rules) (Result, error) {
	if r.items == nil {
		return Result{}, errors.New("compare pages: the rules are not for a list")
	}
	c := &paged{comparison: begin(r)}
	c.newSide = side{pages: after, reader: &c.after, finds: &c.newer}
	c.oldSide = side{pages: before, reader: &c.before, finds: &c.older, isOlder: true}
	defer func() { c.end(c.newSide.largest + c.oldSide.largest) }()
	if c.newSide.len() == 0 {
		return Result{}, errNoPages
	}
	if before != nil && before.Len() == 0 {
		return Result{}, older(errNoPages)
	}
	return c.compare()
}

var errNoPages = fmt.Errorf("%w: the answer has no pages", ErrNoList)

// paged is a comparison of two lists of several pages.
type paged struct {
	*comparison
	oldSide, newSide side
	// changes are those found so far. The order is that of the newer list, and
	// of the older one behind it.
	changes []numbered
}

type numbered struct {
	change Change
	at     int
}

func (c *paged) compare() (Result, error) {
	if err := c.read(); err != nil {
		return Result{}, err
	}
	if c.selectByGJSON {
		if err := c.refine(); err != nil {
			return Result{}, err
		}
	}
	x, y := &c.oldSide, &c.newSide
	then, broken := c.leave()
	if err := c.arrive(then); err != nil {
		return Result{}, err
	}
	if broken != nil {
		return Result{}, broken
	}
	result := Result{
		Before: x.passing, BeforeAll: len(x.entries), After: y.passing, AfterAll: len(y.entries), FilterErr: y.filterErr,
	}
	if result.FilterErr == nil {
		result.FilterErr = x.filterErr
	}
	slices.SortFunc(c.changes, func(a, b numbered) int { return a.at - b.at })
	for i := range c.changes {
		result.Changes = append(result.Changes, c.changes[i].change)
	}
	return result, nil
}

// read reads all pages of both answers, side by side: a page is likely to be
// much like the one of the same number. What is wrong in the newer answer is
// told before what is wrong in the older one, as Compare does.
func (c *paged) read() error {
	var broken error
	c.newSide.index.reset(0)
	c.oldSide.index.reset(0)
	for i := range max(c.newSide.len(), c.oldSide.len()) {
		var like *side
		if i < c.newSide.len() {
			if err := c.newSide.add(c.comparison, i, nil); err != nil {
				return err
			}
			like = &c.newSide
		}
		if i >= c.oldSide.len() || broken != nil {
			continue
		}
		broken = c.oldSide.add(c.comparison, i, like)
	}
	c.newSide.starts = append(c.newSide.starts, len(c.newSide.entries))
	c.oldSide.starts = append(c.oldSide.starts, len(c.oldSide.entries))
	return broken
}

// leave tells what is deleted, and returns those items of the older list that
// have changed, by their number in the newer one. Its error is one of the older
// answer.
func (c *paged) leave() (then map[int]view, err error) {
	x, y := &c.oldSide, &c.newSide
	then = make(map[int]view)
	for page := range x.len() {
		loaded := false
		for n := x.starts[page]; n < x.starts[page+1]; n++ {
			there := int(y.index.find(x.entries[n].key))
			inBoth := there >= 0 && !y.entries[there].out
			if x.entries[n].out || inBoth && x.entries[n].equal(&y.entries[there]) {
				continue
			}
			if !loaded {
				if err := x.load(c.comparison, page); err != nil {
					return then, err
				}
				loaded = true
			}
			i, v := x.look(page, n)
			if inBoth {
				then[there] = v
				continue
			}
			key := c.older.name(i)
			if err := c.check(&c.before, v); err != nil {
				return then, x.wrong(page, about(key, err))
			}
			change := c.deleted(key, v.whole, v.selected)
			change.Filtered = there >= 0
			c.changes = append(c.changes, numbered{change, len(y.entries) + n})
		}
	}
	return then, nil
}

// arrive tells what is created and updated.
func (c *paged) arrive(then map[int]view) error {
	x, y := &c.oldSide, &c.newSide
	for page := range y.len() {
		loaded := false
		for n := y.starts[page]; n < y.starts[page+1]; n++ {
			there := int(x.index.find(y.entries[n].key))
			inBoth := there >= 0 && !x.entries[there].out
			if y.entries[n].out || inBoth && x.entries[there].equal(&y.entries[n]) {
				continue
			}
			if !loaded {
				if err := y.load(c.comparison, page); err != nil {
					return err
				}
				loaded = true
			}
			i, v := y.look(page, n)
			change, ok, err := c.arrivedItem(c.newer.name(i), inBoth, then[n], v)
			switch {
			case errors.Is(err, ErrBefore): // which is of another page
				return err
			case err != nil:
				return y.wrong(page, err)
			}
			if ok {
				c.changes = append(c.changes, numbered{change, n})
			}
		}
	}
	return nil
}

func (c *paged) arrivedItem(key string, inBoth bool, then, now view) (Change, bool, error) {
	if !inBoth {
		return c.createdItem(key, now)
	}
	if then.whole == nil { // the older answer was broken before it
		return Change{}, false, nil
	}
	return c.updated(key, then, now)
}
