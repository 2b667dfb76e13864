package bridge

import (
	"context"
	"errors"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// compare finds what changed since the snapshot, and sorts it out by what the
// absence of an item means.
func (b *Bridge) compare(ctx context.Context, st *state, o *poller.Observation, snapshot store.Snapshot) (plan, error) {
	before := snapshot.Body
	if before == nil {
		before = []byte{} // an empty answer; to package diff, nil is none at all
	}
	result, err := diff.Compare(before, o.Body, b.rules(st, snapshot.Format))
	if err == nil {
		err = st.source.checkCount(result.After)
	}
	p := plan{outcome: Unchanged}
	c := b.newCommit(st, o, snapshot.Format)
	c.Previous = &snapshot
	var changes []diff.Change
	if err == nil {
		changes, err = b.sort(ctx, st, o, c, result)
	}
	switch {
	case errors.Is(err, diff.ErrBefore):
		// Only edited rules can do that: under those of its time it did fit.
		return b.rebaseline(st, o, snapshot.Format, err.Error())
	case err != nil:
		return plan{}, err
	case len(changes) == 0 && (st.source.scrolls() || len(c.Depart)+len(c.Return) == 0):
		// What only left a list that scrolls needs no mention: the snapshot has it.
		return p, nil
	}
	p.commit = c
	if len(changes) > 0 {
		p.outcome = Changed
	}
	if !st.source.scrolls() && len(c.Depart) > 0 {
		// What is missing must be looked for in all of the next answer, though
		// that be this one again.
		c.Source.State, p.again = poller.State{}, true
	}
	b.addEvents(&p, st, o, changes)
	if st.gap(result, c) {
		c.Events = append(c.Events, b.gap(st, o, result.After, snapshot.At))
	}
	return p, nil
}

// sort says what the changes of an answer mean for the source.
func (b *Bridge) sort(ctx context.Context, st *state, o *poller.Observation, c *store.Commit, result diff.Result) ([]diff.Change, error) {
	switch {
	case !st.source.Items:
		return result.Changes, nil
	case st.source.scrolls():
		return b.scroll(ctx, st, o, c, result.Changes)
	}
	if err := st.checkRemoved(result); err != nil {
		return nil, err
	}
	return b.missing(ctx, st, o, c, result.Changes)
}
