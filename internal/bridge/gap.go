package bridge

import (
	"fmt"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// arrivals say what is new in a list of newest items as a whole, whatever its
// filter lets through.
type arrivals struct {
	// gap says that items may have come and gone unseen: the list is as long as
	// it was, or has more pages than were asked for, and not one of its items is
	// known; or others were passed over, whatever is known.
	gap, passedOver bool
	items           int
	// follow says that the snapshot must follow the list though nothing is to be
	// told: by an older one there would be a gap where there is none.
	follow bool
}

// arrivals looks at a list of newest items. Where each answer begins at a
// cursor, what is known is not asked for again: there is a gap only where the
// answer has too many pages. In a queue all is new, and waits.
func (st *state) arrivals(o *poller.Observation, snapshot *store.Snapshot, result diff.Result) (arrivals, error) {
	s := st.source
	if !s.Items || s.Window != Newest || s.Queue {
		return arrivals{}, nil
	}
	if s.Incremental {
		return arrivals{gap: o.PassedOver, passedOver: o.PassedOver, items: result.After}, nil
	}
	if s.Unfiltered != nil {
		rules, err := s.unfiltered(snapshot.Format)
		if err == nil {
			result, err = differences(snapshot, o, rules)
		}
		if err != nil {
			return arrivals{}, err
		}
	}
	created := 0
	for i := range result.Changes {
		if result.Changes[i].Kind == diff.Created {
			created++
		}
	}
	return arrivals{
		gap:    result.Before > 0 && result.After > 0 && (o.Cut || result.After >= result.Before) && created == result.After,
		items:  result.After,
		follow: s.Unfiltered != nil && created > 0,
	}, nil
}

// gap is the event of one. It stands beside the changes, so that each gap is
// told once.
func (b *Bridge) gap(st *state, o *poller.Observation, news arrivals, since time.Time) store.Event {
	reason := "of %d items not one is known from before, so that others may have come and gone unseen: poll more often, or ask for more items at once"
	if news.passedOver {
		reason = "there are more new items than the %d that pagination.max_pages lets through, and the older ones were passed over: raise it, poll more often, or sort the oldest first"
	}
	return b.alert("pollwire.source.gap", o.At, alertData{
		Name: st.source.Name, Since: since, Count: news.items, Reason: fmt.Sprintf(reason, news.items),
	})
}
