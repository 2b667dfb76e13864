package diff

// refine finds out which items are as they were in what a path of gjson makes of
// them. Until then it is only known that the items are not: without it, where one
// member of each changes at every look, the whole older list would be kept.
//
// What the path makes of one of them may be no JSON. Then it stays among those
// that differ, the comparison of which tells the error.
func (c *paged) refine() error {
	x, y := &c.oldSide, &c.newSide
	// was has the hashes of what is compared of the older items, by the number of
	// the newer ones.
	was := make(map[int]uint64)
	err := c.made(x, func(n int) (int, bool) {
		there := int(y.index.find(x.entries[n].key))
		return there, there >= 0 && c.differ(&x.entries[n], &y.entries[there])
	}, func(there int, seen uint64) { was[there] = seen })
	if err != nil {
		return err
	}
	return c.made(y, func(n int) (int, bool) {
		_, ok := was[n]
		return n, ok
	}, func(n int, seen uint64) { y.entries[n].same = was[n] == seen })
}

// differ says of two items of one key that both belong to their list, and differ.
func (c *paged) differ(x, y *entry) bool { return !x.out && !y.out && x.seen != y.seen }

// made reads what is made of those items of a side that are wanted, which are
// called by a number that want gives, and tells the hash of it where it is JSON.
func (c *paged) made(s *side, want func(n int) (int, bool), tell func(number int, seen uint64)) error {
	for page := range s.len() {
		loaded := false
		for n := s.starts[page]; n < s.starts[page+1]; n++ {
			number, ok := want(n)
			if !ok {
				continue
			}
			if !loaded {
				if err := s.load(c.comparison, page); err != nil {
					return err
				}
				loaded = true
			}
			v := s.finds.look(&s.finds.items[n-s.starts[page]])
			if d, err := c.selectedDocument(s.reader, v.selected, nil); err == nil {
				tell(number, d.root.seen)
			}
		}
	}
	return nil
}
