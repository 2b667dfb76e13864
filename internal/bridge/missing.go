package bridge

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// missing sorts out the changes of a complete list. Where it is doubtful, an
// item that is absent may only have been skipped: it departs, and is deleted
// when the next accepted answer lacks it too. One that is there again is
// compared with what it was, as is any other that left once, while the list was
// one of newest items.
//
// What waits for a second look departed with the last snapshot, so that a
// restart forgets nothing of it.
func (b *Bridge) missing(ctx context.Context, st *state, o *poller.Observation, c *store.Commit, changes []diff.Change) ([]diff.Change, error) {
	away, err := b.away(ctx, st)
	if err != nil {
		return nil, err
	}
	kept := make([]diff.Change, 0, len(changes))
	for _, change := range changes {
		left, known := away[change.Key]
		switch {
		case change.Kind == diff.Deleted && o.Doubtful && !change.Filtered:
			c.Depart = append(c.Depart, store.Departed{Key: change.Key, Item: change.ItemBefore, At: o.At})
		case change.Kind == diff.Created && known:
			c.Return = append(c.Return, left.Key)
			delete(away, change.Key)
			updated, differs, err := diff.CompareItem(change.Key, left.Item, change.ItemAfter, st.source.Rules)
			if err != nil {
				return nil, err
			}
			if differs {
				kept = append(kept, updated)
			}
		default:
			kept = append(kept, change)
		}
	}
	gone, err := st.gone(c, away)
	if err == nil && len(gone) > 0 && st.source.Unfiltered != nil {
		err = st.markFiltered(o, c.Previous, gone)
	}
	return append(kept, gone...), err
}

// markFiltered marks those of the deletions whose item is in the list after
// all, but has left its filter since it was seen.
func (st *state) markFiltered(o *poller.Observation, snapshot *store.Snapshot, gone []diff.Change) error {
	rules, err := st.source.unfiltered(snapshot.Format)
	if err != nil {
		return err
	}
	result, err := differences(snapshot, o, rules)
	if err != nil {
		return err
	}
	back := make(map[string]bool)
	for i := range result.Changes {
		back[result.Changes[i].Key] = result.Changes[i].Kind == diff.Created
	}
	for i := range gone {
		gone[i].Filtered = back[gone[i].Key]
	}
	return nil
}

// away are the items of a source that have left, by the key that they have under
// the rules as they are now: items.key may have been edited since. That there are
// none is remembered: of most sources there never are.
func (b *Bridge) away(ctx context.Context, st *state) (map[string]store.Departed, error) {
	if st.allThere {
		return nil, nil
	}
	rows, err := b.store.AllDeparted(ctx, st.source.Name)
	if err != nil {
		return nil, &StoreError{Err: fmt.Errorf("load departed items: %w", err)}
	}
	st.allThere = len(rows) == 0
	away := make(map[string]store.Departed, len(rows))
	for _, row := range rows {
		key, err := st.source.Rules.ItemKey(row.Item)
		if err != nil {
			key = row.Key
		}
		if other, ok := away[key]; !ok || other.At.Before(row.At) {
			away[key] = row
		}
	}
	return away, nil
}

// gone are the deletions of what was missing from the last answer, and is from
// this one.
func (st *state) gone(c *store.Commit, away map[string]store.Departed) ([]diff.Change, error) {
	var gone []diff.Change
	for key, left := range away {
		if !left.At.Equal(c.Previous.At) {
			continue
		}
		change, _, err := diff.CompareItem(key, left.Item, nil, st.source.Rules)
		if err != nil {
			return nil, err
		}
		c.Return = append(c.Return, left.Key)
		gone = append(gone, change)
	}
	slices.SortFunc(gone, func(x, y diff.Change) int { return strings.Compare(x.Key, y.Key) })
	return gone, nil
}
