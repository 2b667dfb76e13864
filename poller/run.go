package poller

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// run is where a poll of several requests stands.
type run struct {
	// target is where the next request goes.
	target   target
	pager    *pager    // nil without pagination
	frontier *frontier // nil where it is not incremental
	// pages is how many have come, spool those that were put aside, and hashes
	// their hashes one after the other.
	pages  int
	spool  *spool
	hashes []byte
	// status and contentType are those of the first page.
	status      int
	contentType string
}

// prepare finds out where the first request goes.
func (v *Visit) prepare(t *template) error {
	s := v.source
	if v.run != nil || s.Pagination == nil && s.Incremental == nil {
		return nil
	}
	r := &run{target: t.target()}
	if s.Incremental != nil {
		r.frontier = newFrontier(s.Incremental, v.state.Cursor)
		from, ok, err := r.frontier.start(time.Now())
		if err == nil && ok {
			r.target, err = r.target.with(s.Incremental.In, from)
		}
		if err != nil {
			return err
		}
	}
	if s.Pagination != nil {
		var err error
		if r.pager, r.target, err = newPager(s.Pagination, r.target); err != nil {
			return err
		}
	}
	v.run = r
	return nil
}

// turn takes one answer. It returns the observation of the whole poll, or nil
// where more is to come.
func (v *Visit) turn(t *template, o *Observation, a answer) (*Observation, error) {
	r := v.run
	switch {
	case r == nil:
		return o, nil
	case o.Unchanged:
		o.State.RawHash = v.state.RawHash // ask left it out
		return o, nil
	}
	if t.isEnd(o.Status) {
		if r.pages == 0 {
			return v.single(o, false)
		}
		o.Release()
		if r.pager.promised {
			return nil, &badPage{fmt.Errorf("%w: answered %d, though the page before it says that there is more", errNoList, o.Status)}
		}
		return v.finish(o, false)
	}
	next, more, empty, err := v.look(o, a)
	if errors.Is(err, errNoList) {
		err = o.Quote(err)
	}
	if err == nil && more && r.pages+1 >= r.pager.maxPages() && !r.pager.Newest {
		err = r.pager.tooMany(0)
	}
	if err != nil {
		o.Release()
		return nil, &badPage{err}
	}
	cut := more && r.pages+1 >= r.pager.maxPages()
	more = more && !cut
	if !more && r.pages == 0 {
		return v.single(o, cut)
	}
	// An empty page at the end of a list holds nothing.
	if more || !empty {
		err = v.putAside(o)
	}
	o.Release()
	switch {
	case err != nil:
		return nil, &badPage{err}
	case more:
		r.target = next
		return nil, nil
	}
	return v.finish(o, cut)
}

// isEnd says whether an answer that was accepted by its code alone says that
// there is no such page: that ends a list, but where the page was promised.
func (t *template) isEnd(status int) bool {
	return status == http.StatusNoContent || status == http.StatusResetContent || status >= 400
}

// look finds out what a page says of the items, and of the next page.
func (v *Visit) look(o *Observation, a answer) (next target, more, empty bool, err error) {
	sh, err := newSheet(o, v.source)
	if err != nil {
		return target{}, false, false, err
	}
	if f := v.run.frontier; f != nil {
		if !sh.page.Exists() {
			return target{}, false, false, fmt.Errorf("%w: the answer is no JSON", errNoCursor)
		}
		if err := f.see(sh.chosen, dateOf(a.resp)); err != nil {
			return target{}, false, false, err
		}
	}
	if v.run.pager == nil {
		return target{}, false, false, nil
	}
	next, more, err = v.run.pager.next(&reply{sheet: sh, url: a.url, header: a.resp.Header, hash: o.State.RawHash})
	return next, more, sh.count == 0, err
}

// putAside keeps a page while others are asked for.
func (v *Visit) putAside(o *Observation) error {
	r := v.run
	if r.spool == nil {
		r.spool = v.newSpool()
	}
	if r.pages == 0 {
		r.status, r.contentType = o.Status, o.ContentType
	}
	r.pages++
	r.hashes = append(r.hashes, o.State.RawHash[:]...)
	return r.spool.add(o.Body)
}

// single ends a poll whose answer came with its first request.
func (v *Visit) single(o *Observation, cut bool) (*Observation, error) {
	r := v.run
	v.cut(o, cut)
	if err := v.accept(o); err != nil {
		o.Release()
		return nil, err
	}
	if r.pager != nil && r.pager.Kind == HeaderLink && !r.pager.Newest {
		// A page that is full stays the same when the next one begins: its
		// validators would hide that.
		o.State.ETag, o.State.LastModified = "", ""
	}
	if o.State.RawHash == v.state.RawHash {
		o.Release()
		o.Unchanged = true
	}
	return o, nil
}

// cut says of an answer whether there were more pages than were asked for.
func (v *Visit) cut(o *Observation, cut bool) {
	o.Cut = cut
	o.PassedOver = cut && v.run.frontier != nil && v.run.frontier.passesOver()
}

// finish ends a poll whose pages were put aside. o is the last answer.
func (v *Visit) finish(o *Observation, cut bool) (*Observation, error) {
	r := v.run
	o.State, o.Status, o.ContentType = State{}, r.status, r.contentType
	if err := v.accept(o); err != nil {
		return nil, err
	}
	v.cut(o, cut)
	o.Doubtful = r.pager.shifts()
	if len(r.hashes) == sha256.Size {
		o.State.RawHash = [32]byte(r.hashes)
	} else {
		o.State.RawHash = sha256.Sum256(r.hashes)
	}
	if o.State.RawHash == v.state.RawHash {
		o.Unchanged = true
		v.Close()
		return o, nil
	}
	o.pages, r.spool = r.spool, nil
	if o.pages.Len() > 1 {
		o.Pages, o.Largest = o.pages, o.pages.largest
		return o, nil
	}
	var err error
	if o.Body, err = o.pages.Page(0); err != nil {
		o.Release()
		return nil, &badPage{err}
	}
	return o, nil
}

// accept gives the state of an answer its cursor.
func (v *Visit) accept(o *Observation) error {
	if v.run.frontier == nil {
		return nil
	}
	cursor, err := v.run.frontier.end()
	if err != nil {
		return &badPage{err}
	}
	if o.State.Cursor = cursor; cursor != v.state.Cursor {
		// The next request goes to another URL.
		o.State.ETag, o.State.LastModified = "", ""
	}
	return nil
}

// dateOf is what the clock of a server shows, ours where it does not tell.
func dateOf(resp *http.Response) time.Time {
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		return at
	}
	return time.Now()
}
