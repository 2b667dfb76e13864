package bridge

import (
	"context"
	"slices"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// roster is what is judged, and who can be told, as they are at a time. It never
// changes; another one takes its place.
type roster struct {
	// sources say how answers are judged and told, states what is known of them.
	sources map[string]*Source
	states  map[string]*state
	// keep is how many versions of a source are kept.
	keep int

	endpoints []Endpoint
	byName    map[string]*Endpoint
	// welcomed says that the store knows that they are not new any more.
	welcomed bool
}

func newRoster(endpoints []Endpoint) *roster {
	r := &roster{
		endpoints: slices.Clone(endpoints), byName: make(map[string]*Endpoint, len(endpoints)),
		sources: make(map[string]*Source), states: make(map[string]*state),
	}
	for i := range r.endpoints {
		r.byName[r.endpoints[i].Name] = &r.endpoints[i]
	}
	return r
}

// add adds a source, before the roster is used.
func (r *roster) add(s *Source, st *state) {
	r.sources[s.Name], r.states[s.Name] = s, st
}

// SetEndpoints replaces the endpoints. Whatever is committed after it returns is
// told by their rules, also what was decided about before.
//
// An endpoint of a name that was never set before is new, and stays known for
// ever. Where it is to be told the past, its deliveries come of a replay until
// that has reached the end of the log, so that it is told everything once and in
// order, whatever is committed meanwhile. With an error, a *StoreError, the
// endpoints are those that they were.
func (b *Bridge) SetEndpoints(ctx context.Context, endpoints []Endpoint) error {
	b.applying.Lock()
	defer b.applying.Unlock()
	before := b.roster.Load()
	r := newRoster(endpoints)
	r.sources, r.states, r.keep = before.sources, before.states, before.keep
	// First it is known who is new, and then who is told: the other way round what
	// is committed between would be told twice.
	if err := b.welcome(ctx, r); err != nil {
		return &StoreError{Err: err}
	}
	b.replace(r)
	return nil
}

// replace makes a roster the one that holds. It waits for the commits under way,
// which do not know of it.
func (b *Bridge) replace(r *roster) {
	b.telling.Lock()
	b.roster.Store(r)
	b.telling.Unlock()
	b.Nudge()
}

// welcome saves where in the log each new endpoint begins.
func (b *Bridge) welcome(ctx context.Context, r *roster) error {
	r.welcomed = true
	before := b.roster.Load()
	now := time.Now()
	var first []store.Replay
	for i := range r.endpoints {
		ep := &r.endpoints[i]
		if before.welcomed && before.byName[ep.Name] != nil {
			continue
		}
		replay := store.Replay{ID: store.FirstReplay, Endpoint: ep.Name, First: true, Since: ep.Since, CreatedAt: now}
		switch {
		case ep.Past:
		case b.firstGrace > 0:
			replay.Since = now // what others commit who do not know of it yet
		default:
			replay.FinishedAt = now
		}
		first = append(first, replay)
	}
	if len(first) == 0 {
		return nil
	}
	return b.store.AddReplays(ctx, first)
}

// Tells says whether an endpoint would be told an event of the log by the rules
// of today: those of its source (detect.events, when and notify; a source that
// there is no more has none) and its own (events and filter). It would be told an
// event of which a condition cannot be said to hold. An endpoint that is not
// known is told nothing.
func (b *Bridge) Tells(endpoint string, e *notify.Event) bool {
	r := b.roster.Load()
	ep := r.byName[endpoint]
	return ep != nil && r.tells(ep, newQuestion(e, nil))
}

func (r *roster) tells(ep *Endpoint, q *question) bool {
	return r.untold(q) == "" && r.isFor(ep, q)
}

// tell returns the deliveries of an event, to all that are told it.
func (r *roster) tell(q *question) []notify.Delivery {
	var tell []notify.Delivery
	for i := range r.endpoints {
		if ep := &r.endpoints[i]; r.isFor(ep, q) {
			tell = append(tell, ep.delivery(q.event))
		}
	}
	return tell
}

// untold says which key of its source keeps an event from every endpoint; empty
// where none does.
func (r *roster) untold(q *question) string {
	s := r.sources[q.event.Source]
	switch {
	case q.event.Alert || s == nil:
	case !slices.Contains(s.Events, q.kind()):
		return eventsKey
	case !q.holds(whenCondition, s.When):
		return whenCondition
	}
	return ""
}

// isFor says whether an event that its source tells is told an endpoint.
func (r *roster) isFor(ep *Endpoint, q *question) bool {
	if q.event.Alert {
		return ep.hears(q.event) && ep.wants(q.event)
	}
	if ep.Sources != nil {
		if !slices.Contains(ep.Sources, q.event.Source) {
			return false
		}
	} else if s := r.sources[q.event.Source]; s != nil && !s.notifies(ep.Name) {
		return false
	}
	return ep.wants(q.event) && (ep.Filter == nil || q.holds(filterOf(ep.Name), ep.Filter))
}

// write commits what was decided about while the endpoints were those of r. If
// they are others by now it is decided anew: one that has come must not miss
// what is committed from now on.
func (b *Bridge) write(ctx context.Context, c *store.Commit, r *roster) error {
	b.telling.RLock()
	defer b.telling.RUnlock()
	if now := b.roster.Load(); now != r {
		for i := range c.Events {
			e := &c.Events[i]
			e.Tell = nil
			if q := newQuestion(&e.Event, nil); now.untold(q) == "" {
				e.Tell = now.tell(q)
			}
		}
	}
	return b.store.Commit(ctx, c)
}

// filterOf names the condition of an endpoint.
func filterOf(endpoint string) string { return "filter of endpoint " + endpoint }
