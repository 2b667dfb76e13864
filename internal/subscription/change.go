package subscription

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Rules are what a request is judged by. Another configuration has others.
type Rules struct {
	Receivers Receivers
	// Verify has each receiver echo a challenge.
	Verify bool
	// Sources are the names that a request may name.
	Sources []string
	// Reserved are names of endpoints that are no subscriptions.
	Reserved []string
}

// rules are Rules with their names made easy to find. They do not change.
type rules struct {
	Rules
	sources, reserved map[string]bool
}

func newRules(r Rules) *rules {
	return &rules{Rules: r, sources: names(r.Sources), reserved: names(r.Reserved)}
}

func names(list []string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, name := range list {
		set[name] = true
	}
	return set
}

// Change lets requests be judged by other rules from now on, once apply has
// succeeded: it is called with all subscriptions, in place of Options.Apply, and no
// other call of either is under way. Renamed has the older names of sources by
// those that they have now, as the store is going to have them too. After an error
// all is as it was.
func (r *Registry) Change(ctx context.Context, to Rules, renamed map[string]string, apply func(ctx context.Context, endpoints []Endpoint) error) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	r.mu.Lock()
	entries := make(map[string]*entry, len(r.entries))
	for id, e := range r.entries {
		entries[id] = e.renamed(renamed)
	}
	r.mu.Unlock()
	if err := apply(ctx, endpointsOf(entries)); err != nil {
		return fmt.Errorf("apply subscriptions: %w", err)
	}
	r.mu.Lock()
	r.entries = entries // nobody else changes them meanwhile
	r.mu.Unlock()
	r.rules.Store(newRules(to))
	return nil
}

// renamed is the entry with the names that sources have now.
func (e *entry) renamed(renamed map[string]string) *entry {
	sources := slices.Clone(e.row.Sources)
	for _, name := range slices.Sorted(maps.Keys(renamed)) {
		if i := slices.Index(sources, renamed[name]); i >= 0 {
			sources[i] = name
		}
	}
	if slices.Equal(sources, e.row.Sources) {
		return e
	}
	own := *e
	own.row.Sources = set(sources)
	return &own
}
