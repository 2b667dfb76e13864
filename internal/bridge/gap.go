package bridge

import (
	"fmt"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// gap says whether items may have come and gone unseen between two answers of
// newest items: the later one is as long as the earlier, and not one of its
// items is known. Where each answer begins at a cursor there are no gaps, and
// what is known is not asked for again.
func (st *state) gap(result diff.Result, c *store.Commit) bool {
	if !st.source.Items || st.source.Window != Newest || st.source.Incremental {
		return false
	}
	if result.Before == 0 || result.After < result.Before || len(c.Return) > 0 {
		return false
	}
	created := 0
	for i := range result.Changes {
		if result.Changes[i].Kind == diff.Created {
			created++
		}
	}
	return created == result.After
}

// gap is the event that says so. It stands beside the changes, so that each gap
// is told once.
func (b *Bridge) gap(st *state, o *poller.Observation, count int, since time.Time) store.Event {
	b.logger.Warn("items may have been missed", "source", st.source.Name, "items", count, "since", since)
	return b.alert("pollwire.source.gap", o.At, alertData{
		Name: st.source.Name, Since: since, Count: count,
		Reason: fmt.Sprintf("of %d items not one is known from before, so that others may have come and gone unseen: poll more often, or ask for more items at once", count),
	})
}
