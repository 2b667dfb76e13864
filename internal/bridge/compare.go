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
	c := b.newCommit(st, o, snapshot.Format)
	c.Previous = &snapshot
	p := plan{outcome: Unchanged}
	changes, news, err := b.changes(ctx, st, o, c, &p)
	switch {
	case errors.Is(err, diff.ErrBefore):
		// Only edited rules can do that: under those of its time it did fit.
		return b.rebaseline(ctx, st, o, snapshot.Format, err.Error())
	case err != nil:
		return plan{}, err
	}
	if changes, err = b.details(ctx, st, o, c, &p, changes); err != nil {
		return plan{}, err
	}
	missing := !st.source.scrolls() && len(c.Depart) > 0
	// What only left a list that scrolls needs no mention: the snapshot has it.
	moved := missing || !st.source.scrolls() && len(c.Return) > 0
	if len(changes) == 0 && !moved && !news.follow && !news.gap && !hasDetails(c) {
		return p, nil
	}
	p.commit = c
	if len(changes) > 0 || news.gap {
		p.outcome = Changed
	}
	b.addEvents(&p, st, o, changes)
	if p.gap = news.gap; p.gap {
		c.Events = append(c.Events, b.gap(st, o, news, snapshot.At))
	}
	if missing {
		p.lookAgain(c) // for what is missing
	}
	return p, nil
}

// changes are those from the snapshot to the answer, and what is to be said of
// the list as a whole.
func (b *Bridge) changes(ctx context.Context, st *state, o *poller.Observation, c *store.Commit, p *plan) ([]diff.Change, arrivals, error) {
	result, err := differences(c.Previous, o, b.rules(st, c.Previous.Format))
	if err != nil {
		return nil, arrivals{}, err
	}
	if err := st.source.checkCount(result.AfterAll); err != nil {
		return nil, arrivals{}, err
	}
	p.filtered(st.source, result.FilterErr)
	news, err := st.arrivals(o, c.Previous, result)
	if err != nil || !st.source.Items {
		return result.Changes, news, err
	}
	var changes []diff.Change
	if st.source.scrolls() {
		changes, err = b.scroll(ctx, st, o, c, result.Changes)
	} else if err = st.checkRemoved(result); err == nil {
		changes, err = b.missing(ctx, st, o, c, result.Changes)
	}
	news.gap = news.gap && (news.passedOver || len(c.Return) == 0) // one that came back is known
	return changes, news, err
}

// unfiltered are the rules of a list without its filter.
func (s *Source) unfiltered(format diff.Format) (*diff.Rules, error) {
	if format == diff.JSON {
		return s.Unfiltered, nil
	}
	return s.Unfiltered.As(format)
}
