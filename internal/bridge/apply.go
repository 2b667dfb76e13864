package bridge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pollwire/pollwire/internal/store"
)

// Configuration is all that [Bridge.Apply] replaces.
type Configuration struct {
	// Sources are not changed any more. One that stays as it is, is the very same as
	// before.
	Sources   []*Source
	Endpoints []Endpoint
	// KeepSnapshots is how many versions of a source are kept.
	KeepSnapshots int
	// Formerly has the names that sources had before, by those that they have now;
	// see [Renames].
	Formerly map[string]string
}

// ErrTorn says that some sources have taken over the state of their older names,
// and others not, and that this could not be undone. Only a start with the new
// configuration mends it.
var ErrTorn = errors.New("some sources have their new names already")

// Apply replaces sources and endpoints at one moment: whatever is committed is
// judged and told by what was before, or all of it by what is then. It waits for
// observations under way of the sources that are changed or removed. Of endpoints
// the same holds as for [Bridge.SetEndpoints].
//
// It returns which sources have taken over the state of an older name, with that.
// With an error, a *StoreError, all is as it was; where it is [ErrTorn] too, it is
// not.
func (b *Bridge) Apply(ctx context.Context, c Configuration) (renamed map[string]string, err error) {
	b.applying.Lock()
	defer b.applying.Unlock()
	before := b.roster.Load()
	r := newRoster(c.Endpoints)
	r.keep = c.KeepSnapshots
	if err := b.welcome(ctx, r); err != nil {
		return nil, &StoreError{Err: err}
	}
	ch := newChangeover(before, r, &c)
	b.leaveElsewhere(ch, r)
	// Nobody else holds more than one of them.
	for _, st := range ch.held {
		st.mu.Lock()
	}
	defer func() {
		for _, st := range ch.held {
			st.mu.Unlock()
		}
	}()
	renamed, err = b.takeOver(ctx, c.Formerly)
	var rows map[string]store.Source
	if err == nil {
		names := append(ch.added, slices.Collect(maps.Keys(renamed))...)
		rows, err = b.rows(ctx, slices.DeleteFunc(names, func(name string) bool { return r.states[name].elsewhere }))
	}
	if err != nil {
		return nil, errors.Join(&StoreError{Err: err}, b.giveBack(ctx, renamed))
	}
	// From here on nothing can fail.
	for name, row := range rows {
		r.states[name].continueFrom(row)
	}
	ch.carryOut(r)
	b.replace(r)
	return renamed, nil
}

// changeover is what differs between two rosters.
type changeover struct {
	// held are the states of the sources that are changed or removed.
	held    []*state
	changed []*Source
	removed []*state
	// added are the names of sources that were not there before.
	added []string
}

// newChangeover adds the sources of a configuration to a roster.
func newChangeover(before, r *roster, c *Configuration) *changeover {
	ch := &changeover{}
	for _, s := range c.Sources {
		st := before.states[s.Name]
		switch {
		case st == nil:
			st = newState(s)
			ch.added = append(ch.added, s.Name)
		case before.sources[s.Name] != s || c.Formerly[s.Name] != "":
			ch.changed = append(ch.changed, s)
			ch.held = append(ch.held, st)
		}
		r.add(s, st)
	}
	for name, st := range before.states {
		if r.states[name] == nil {
			ch.removed = append(ch.removed, st)
			ch.held = append(ch.held, st)
		}
	}
	return ch
}

// carryOut changes the states, all of which are locked.
func (ch *changeover) carryOut(r *roster) {
	for _, s := range ch.changed {
		st := r.states[s.Name]
		st.source = s
		// They were those of other conditions, and maybe of other items.
		st.broken, st.failedDetails, st.lastDetail = nil, nil, ""
	}
	for _, st := range ch.removed {
		st.removed = true
	}
}

// takeOver gives sources the state of their older names, and returns which have
// got one; with an error, which have got one before it.
func (b *Bridge) takeOver(ctx context.Context, formerly map[string]string) (map[string]string, error) {
	done := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(formerly)) {
		err := takeOver(ctx, b.store, name, formerly[name], b.logger)
		if isTaken(err) {
			continue
		}
		if err != nil {
			return done, err
		}
		done[name] = formerly[name]
	}
	return done, nil
}

// giveBack undoes takeOver.
func (b *Bridge) giveBack(ctx context.Context, renamed map[string]string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTimeout)
	defer cancel()
	for name, old := range renamed {
		if err := b.store.Rename(ctx, name, old); err != nil {
			return fmt.Errorf("give back the state of %s to source %s: %w: %w", old, name, ErrTorn, err)
		}
	}
	return nil
}

// rows are those of sources, as far as there are any.
func (b *Bridge) rows(ctx context.Context, names []string) (map[string]store.Source, error) {
	found := make(map[string]store.Source, len(names))
	if len(names) == 0 {
		return found, nil
	}
	rows, err := b.store.Sources(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("load sources: %w", err)
	}
	for i := range rows {
		found[rows[i].Name] = rows[i]
	}
	return found, nil
}
