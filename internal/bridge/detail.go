package bridge

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// Detail says how the pages of their own that items have are judged. What is
// compared and told is them, then; the list says which there are, and which of
// them may have changed.
type Detail struct {
	// Rules say what of a detail is compared. They are rules of a list.
	Rules *diff.Rules
	// MaxPerPoll is how many are fetched in one poll.
	MaxPerPoll int
}

var _ poller.Detailer = (*Bridge)(nil)

// An item that is in the list has a row from then on, which says for which state
// of the item its detail was fetched. Until that has come it says, in place of
// the hash of one, what the item is.
func isKnown(seen [32]byte) bool { return seen == [32]byte{} } // since a baseline: its detail comes silently
func isNew(seen [32]byte) bool   { return seen == newItem() }  // it is created when its detail comes
func isStale(seen [32]byte) bool { return seen == staleItem() }

func newItem() [32]byte { return [32]byte{31: 1} }

// staleItem is that of an item of a list that scrolls, which may have left it
// before its new detail has come. The row has the old one.
func staleItem() [32]byte { return [32]byte{31: 2} }

// hasDetail says whether a row has a detail.
func hasDetail(seen [32]byte) bool { return !isKnown(seen) && !isNew(seen) }

// Wanted judges a list as Observe would, and returns the items whose details
// are to be fetched: those that are new or have changed since theirs was, and
// those that are left from before.
func (b *Bridge) Wanted(ctx context.Context, o *poller.Observation) ([]poller.Want, error) {
	taken, err := b.room.enter(ctx, size(o))
	if err != nil {
		return nil, err
	}
	defer b.room.leave(taken)
	st, err := b.lockFor(o)
	if err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	if st.source.Detail == nil || o.Unchanged {
		return nil, nil
	}
	if err := b.settle(ctx, st); err != nil {
		return nil, err
	}
	p, err := b.look(ctx, st, o)
	if err != nil {
		return nil, err
	}
	return p.details.wants(st), nil
}

// details turns what changed in a list into what changed in the details of its
// items, and notes in the commit what becomes of these. changes are those of the
// list; where it is a baseline, they are none.
func (b *Bridge) details(ctx context.Context, st *state, o *poller.Observation, c *store.Commit, p *plan, changes []diff.Change) ([]diff.Change, error) {
	if st.source.Detail == nil {
		return changes, nil
	}
	d := &detailing{bridge: b, state: st, commit: c, there: make(map[string]bool), fresh: make(map[string]bool)}
	if !c.Forget && st.row.Version > 0 {
		var err error
		if d.seen, err = b.store.SeenDetails(ctx, st.source.Name); err != nil {
			return nil, &StoreError{Err: fmt.Errorf("load details: %w", err)}
		}
	}
	for i := range changes {
		if changes[i].Kind == diff.Created {
			d.fresh[changes[i].Key] = true
		}
	}
	if err := d.take(ctx, o, changes); err != nil {
		return nil, err
	}
	if err := d.list(o, b.rules(st, c.Snapshot.Format)); err != nil {
		return nil, err
	}
	if err := d.scrolledOut(ctx); err != nil {
		return nil, err
	}
	if err := d.gone(changes); err != nil {
		return nil, err
	}
	if err := d.sweep(ctx); err != nil {
		return nil, err
	}
	if err := d.stale(ctx); err != nil {
		return nil, err
	}
	p.details = d
	if d.waiting > 0 {
		p.lookAgain(c)
	}
	return d.changes, nil
}

// detailing is how a list and the details that were fetched become changes.
type detailing struct {
	bridge *Bridge
	state  *state
	commit *store.Commit
	// seen are the rows that there are; fresh are items that are news.
	seen  map[string][32]byte
	fresh map[string]bool
	// came are the details that came, failed why others did not, in the order of
	// their requests.
	came   map[string]store.Detail
	failed []poller.Detail
	asked  int
	// last is the key of the last one that was asked for.
	last string
	// stored are details as they were.
	stored map[string][]byte
	// there are the keys of the list.
	there map[string]bool
	// waiting counts the items whose details have not come; next are those that
	// are wanted first, again those that failed before. beyond are those of next
	// that come behind the last one of the poll before, which was passed. outdated
	// have a row that must say so.
	waiting             int
	next, beyond, again []poller.Want
	passed              bool
	outdated            []string
	// kept is the next state.keptDetails, 0 where it stays.
	kept    int
	changes []diff.Change
}

// take reads the details that came, and what there was before.
func (d *detailing) take(ctx context.Context, o *poller.Observation, changes []diff.Change) error {
	d.came, d.asked = make(map[string]store.Detail, len(o.Details)), len(o.Details)
	var needed []string
	for i := range o.Details {
		detail := o.Details[i]
		d.last = detail.Key
		if detail.Err == nil {
			body, err := o.DetailBodies.Page(i)
			if err != nil {
				return fmt.Errorf("read detail of item %q: %w", detail.Key, err)
			}
			body, detail.Err = d.bridge.readDetail(d.state.source, detail.ContentType, body)
			if detail.Err == nil {
				d.came[detail.Key] = store.Detail{Key: detail.Key, Format: diff.JSON, Body: body, At: detail.At}
				needed = append(needed, detail.Key)
				continue
			}
		}
		d.failed = append(d.failed, detail)
	}
	for i := range changes {
		if changes[i].Kind == diff.Deleted {
			needed = append(needed, changes[i].Key)
		}
	}
	needed = slices.DeleteFunc(needed, func(key string) bool {
		seen, ok := d.seen[key]
		return !ok || !hasDetail(seen)
	})
	d.stored = make(map[string][]byte, len(needed))
	rows, err := d.load(ctx, needed)
	for _, row := range rows {
		d.stored[row.Key] = row.Body
	}
	return err
}

func (d *detailing) load(ctx context.Context, keys []string) ([]store.Detail, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	rows, err := d.bridge.store.Details(ctx, d.state.source.Name, keys)
	if err != nil {
		return nil, &StoreError{Err: fmt.Errorf("load details: %w", err)}
	}
	return rows, nil
}

// list goes through the items of a list, a page at a time.
func (d *detailing) list(o *poller.Observation, rules *diff.Rules) error {
	pages := pagesOf(o)
	for i := range pages.Len() {
		page, err := pages.Page(i)
		if err != nil {
			return err
		}
		result, err := diff.Compare(nil, page, rules)
		if err != nil {
			return err
		}
		for j := range result.Changes {
			d.there[result.Changes[j].Key] = true
			if err := d.item(result.Changes[j].Key, result.Changes[j].ItemAfter); err != nil {
				return err
			}
			d.passed = d.passed || result.Changes[j].Key == d.state.lastDetail
		}
	}
	return nil
}

// item decides what becomes of one item.
func (d *detailing) item(key string, item []byte) error {
	seen, known := d.seen[key]
	hash, err := hashOf(item)
	if err != nil || known && seen == hash {
		return err
	}
	if !known {
		if d.fresh[key] {
			seen = newItem()
		}
	}
	detail, came := d.came[key]
	if !came {
		d.wait(key, item)
		switch {
		case !known:
			d.commit.Details = append(d.commit.Details, store.Detail{Key: key, Seen: seen, At: d.commit.Snapshot.At})
		case hasDetail(seen) && !isStale(seen) && d.state.source.scrolls():
			d.outdated = append(d.outdated, key)
		}
		return nil
	}
	detail.Seen = hash
	d.commit.Details = append(d.commit.Details, detail)
	var before []byte
	switch {
	case isKnown(seen):
		return nil
	case !isNew(seen):
		before = d.stored[key]
	}
	change, differs, err := diff.CompareItem(key, before, detail.Body, d.state.source.Detail.Rules)
	if err == nil && differs {
		d.changes = append(d.changes, change)
	}
	return err
}

// hashOf is the hash of an item as it means, however it is written.
func hashOf(item []byte) ([32]byte, error) {
	canonical, err := diff.Canonical(nil, item)
	return sha256.Sum256(canonical), err
}

// gone tells which items are deleted. One that was to be created when its detail
// comes was told nobody, and is not now. One of a baseline has been there, and is
// told as its list had it where its detail never came.
func (d *detailing) gone(changes []diff.Change) error {
	for i := range changes {
		key := changes[i].Key
		seen, known := d.seen[key]
		if changes[i].Kind != diff.Deleted || !known {
			continue
		}
		d.commit.DropDetails = append(d.commit.DropDetails, key)
		switch {
		case isNew(seen):
			continue
		case isKnown(seen):
			d.changes = append(d.changes, changes[i])
			continue
		}
		change, differs, err := diff.CompareItem(key, d.stored[key], nil, d.state.source.Detail.Rules)
		if err != nil {
			return err
		}
		if differs {
			change.Filtered = changes[i].Filtered
			d.changes = append(d.changes, change)
		}
	}
	return nil
}
