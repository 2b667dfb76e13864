package diff

import "errors"

// Check reads a list as [ComparePages] does where nothing is known yet, and
// counts its items, but makes no changes of them: memory holds one page, and two
// hashes for each item. Its errors are those that ComparePages would give.
func (r *Rules) Check(answer Pages) (Result, error) {
	if r.items == nil {
		return Result{}, errors.New("check pages: the rules are not for a list")
	}
	c := &paged{comparison: begin(r)}
	c.newSide = side{pages: answer, reader: &c.after, finds: &c.newer}
	s := &c.newSide
	defer func() { c.end(s.largest) }()
	if s.len() == 0 {
		return Result{}, errNoPages
	}
	s.index.reset(0)
	for page := range s.len() {
		if err := s.add(c.comparison, page, nil); err != nil {
			return Result{}, err
		}
		if err := c.checkSelected(page); err != nil {
			return Result{}, err
		}
	}
	return Result{After: s.passing, AfterAll: len(s.entries), FilterErr: s.filterErr}, nil
}

// checkSelected reads what gjson makes of the items of the page that was read
// last, as creating them would.
func (c *paged) checkSelected(page int) error {
	if !c.selectByGJSON {
		return nil
	}
	f := c.newSide.finds
	for n := range f.items {
		if f.isOut(n) {
			continue
		}
		i := &f.items[n]
		if err := c.check(&c.before, f.look(i)); err != nil {
			return c.newSide.wrong(page, about(f.name(i), err))
		}
	}
	return nil
}
