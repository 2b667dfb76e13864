package bridge

import (
	"maps"
	"slices"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/expression"
	"github.com/pollwire/pollwire/notify"
)

// The conditions of a source that never swallow anything: where one fails it
// lets through what it is asked about.
const (
	whenCondition   = "when"
	filterCondition = "items.filter"
)

// holds says whether a change is to be told by when. A condition that fails
// lets it through.
func (s *Source) holds(e *notify.Event, c *diff.Change) (bool, error) {
	if s.When == nil {
		return true, nil
	}
	holds, err := s.When.Change(&expression.Change{
		Kind: string(c.Kind), Type: e.Type, Source: e.Source, Key: c.Key,
		Before: c.Before, After: c.After, Changed: c.Changed,
	})
	return holds || err != nil, err
}

// filtered notes in a plan what became of the filter, if there is one.
func (p *plan) filtered(s *Source, err error) {
	if s.Unfiltered == nil {
		return
	}
	if p.tried == nil {
		p.tried = make(map[string]error)
	}
	p.tried[filterCondition] = err
}

// note takes note of the conditions that were tried, and logs those that have
// begun to fail, or have ceased to: a condition that fails would else be logged
// with every poll. The caller holds st.mu.
func (b *Bridge) note(st *state, tried map[string]error) {
	if len(tried) == 0 {
		return // as with each poll that finds nothing
	}
	for _, name := range slices.Sorted(maps.Keys(tried)) {
		switch err := tried[name]; {
		case err != nil && !st.broken[name]:
			if st.broken == nil {
				st.broken = make(map[string]bool)
			}
			st.broken[name] = true
			b.logger.Warn("condition failed, letting through", "source", st.source.Name, "condition", name, "err", err)
		case err == nil && st.broken[name]:
			delete(st.broken, name)
			b.logger.Info("condition works again", "source", st.source.Name, "condition", name)
		}
	}
}
