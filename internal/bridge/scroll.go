package bridge

import (
	"context"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// leftBefore is how much earlier than with its answer an item is said to have
// left a list that scrolls. What left with the answer waits for a second look,
// see missing: it would be told deleted if the list became a complete one.
const leftBefore = time.Microsecond

// scroll sorts out the changes of a list of newest items, or of one that is
// compared with all that was seen: what left it departs, what came back is
// compared with what it was.
func (b *Bridge) scroll(ctx context.Context, st *state, o *poller.Observation, c *store.Commit, changes []diff.Change) ([]diff.Change, error) {
	var created []string
	for i := range changes {
		if changes[i].Kind == diff.Created {
			created = append(created, changes[i].Key)
		}
	}
	known, err := b.departed(ctx, st.source.Name, created)
	if err != nil {
		return nil, err
	}
	kept := changes[:0]
	for _, change := range changes {
		switch change.Kind {
		case diff.Deleted:
			c.Depart = append(c.Depart, store.Departed{Key: change.Key, Item: change.ItemBefore, At: o.At.Add(-leftBefore)})
			continue
		case diff.Created:
			item, ok := known[change.Key]
			if !ok || !st.source.isKeyOf(change.Key, item) {
				break
			}
			c.Return = append(c.Return, change.Key)
			// Whatever the format of the list, its items are JSON here.
			updated, differs, err := diff.CompareItem(change.Key, item, change.ItemAfter, st.source.Rules)
			if err != nil {
				return nil, err
			}
			if !differs {
				continue
			}
			change = updated
		}
		kept = append(kept, change)
	}
	return kept, nil
}

// isKeyOf says whether an item has that key under the rules as they are now.
// Where items.key was edited, another item may have had it.
func (s *Source) isKeyOf(key string, item []byte) bool {
	now, err := s.Rules.ItemKey(item)
	return err == nil && now == key
}

// departed returns those of the keys that are known to have left, with the item.
func (b *Bridge) departed(ctx context.Context, source string, keys []string) (map[string][]byte, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	rows, err := b.store.Departed(ctx, source, keys)
	if err != nil {
		return nil, &StoreError{Err: fmt.Errorf("load departed items: %w", err)}
	}
	known := make(map[string][]byte, len(rows))
	for _, row := range rows {
		known[row.Key] = row.Item
	}
	return known, nil
}
