package bridge

import (
	"maps"
	"slices"
)

// The conditions of a source that never swallow anything: where one fails it
// lets through what it is asked about.
const (
	whenCondition   = "when"
	filterCondition = "items.filter"
	// eventsKey is no condition, but keeps changes from everybody as when does.
	eventsKey = "detect.events"
)

// try notes in a plan what became of a condition: its first error, if any.
func (p *plan) try(name string, err error) {
	if p.tried == nil {
		p.tried = make(map[string]error)
	}
	if p.tried[name] == nil {
		p.tried[name] = err
	}
}

// filtered notes in a plan what became of the filter, if there is one.
func (p *plan) filtered(s *Source, err error) {
	if s.Unfiltered != nil {
		p.try(filterCondition, err)
	}
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
