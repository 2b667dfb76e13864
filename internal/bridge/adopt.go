package bridge

import (
	"context"
	"fmt"

	"github.com/pollwire/pollwire/internal/store"
)

// Adopt lets sources be observed that are leased, those that [Bridge.Apply] is
// going to add too. What is known of them is what the store holds by now: doubts
// of writes, and failures that were not told, were another owner's. With an error,
// a *StoreError, nothing was adopted.
func (b *Bridge) Adopt(ctx context.Context, sources []string) error {
	b.applying.Lock()
	defer b.applying.Unlock()
	r := b.roster.Load()
	var fresh []string
	for _, name := range sources {
		if st := r.states[name]; st != nil && b.leased && !b.adopted[name] {
			fresh = append(fresh, name)
		}
	}
	rows, err := b.rows(ctx, fresh)
	if err != nil {
		return &StoreError{Err: fmt.Errorf("adopt sources: %w", err)}
	}
	for _, name := range sources {
		b.adopted[name] = true
	}
	for _, name := range fresh {
		r.states[name].begin(rows[name])
	}
	return nil
}

// Release lets sources be observed no more until they are adopted again. It waits
// for the observations under way. Afterwards nothing is committed of them, and what
// is asked of them fails with [ErrElsewhere]. Names that are not known do no harm.
func (b *Bridge) Release(sources []string) {
	b.applying.Lock()
	defer b.applying.Unlock()
	r := b.roster.Load()
	for _, name := range sources {
		if st := r.states[name]; st != nil && b.adopted[name] {
			st.end()
		}
		delete(b.adopted, name)
	}
}

// leaveElsewhere marks those of the sources that a changeover adds that were not
// adopted. The caller holds b.applying.
func (b *Bridge) leaveElsewhere(ch *changeover, r *roster) {
	for _, name := range ch.added {
		r.states[name].elsewhere = b.leased && !b.adopted[name]
	}
}

// begin takes up what the store holds of a source that was adopted; a zero row is
// nothing.
func (st *state) begin(row store.Source) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.elsewhere = false
	if row.Name == "" {
		row.Name = st.source.Name
	}
	st.forget()
	st.continueFrom(row)
}

// end forgets what was known of a source that was released.
func (st *state) end() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.elsewhere = true
	st.forget()
	st.publish()
}
