package subscription

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/pollwire/pollwire/internal/store"
)

// Refresh takes up what others have added and ended in the same store since it was
// last read, and applies that. What was still told to one that they have ended is
// dead when it returns. After an error it goes on where it was, when it is called
// again.
func (r *Registry) Refresh(ctx context.Context) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	rows, err := r.o.Store.Subscriptions(ctx)
	if err != nil {
		return fmt.Errorf("read subscriptions again: %w", err)
	}
	if r.take(rows) {
		r.unapplied = true
	}
	if r.unapplied {
		if err := r.apply(ctx); err != nil {
			return err
		}
		r.unapplied = false
	}
	return r.endGone(ctx)
}

// take makes rows what there is, and says whether that is news. The caller holds
// changing.
func (r *Registry) take(rows []store.Subscription) (news bool) {
	entries := make(map[string]*entry, len(rows))
	for _, row := range rows {
		known := r.known(row.ID)
		if known != nil && reflect.DeepEqual(known.row, row) {
			entries[row.ID] = known
			continue
		}
		news = true
		entries[row.ID] = r.open(row)
		if known == nil {
			r.report(entries[row.ID])
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.entries {
		if entries[id] == nil {
			news = true
			r.gone = append(r.gone, id)
			r.o.Logger.Info("subscription was ended by another node", "endpoint", id)
		}
	}
	r.entries = entries
	return news
}

// report tells the operator of an entry that was not there before.
func (r *Registry) report(e *entry) {
	if e.problem != "" {
		r.o.Logger.Error("subscription has a problem", "endpoint", e.row.ID, "problem", e.problem)
	}
}

// endGone ends what this node has told those who are gone before it knew that they
// are. The caller holds changing.
func (r *Registry) endGone(ctx context.Context) error {
	var errs []error
	var left []string
	for _, id := range r.gone {
		if _, err := r.o.Store.EndSubscription(ctx, id); err != nil {
			errs, left = append(errs, err), append(left, id)
		}
	}
	r.gone = left
	return errors.Join(errs...)
}

// known is the entry of an ID, nil where there is none.
func (r *Registry) known(id string) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.entries[id]
}
