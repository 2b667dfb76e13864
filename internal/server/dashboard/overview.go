package dashboard

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pollwire/pollwire/internal/server"
)

// How much the overview shows of each list.
const (
	shownAlarms  = 8
	shownEvents  = 12
	shownWaiting = 6
	shownNext    = 6
	shownNodes   = 5
)

// overviewView is what the overview shows.
type overviewView struct {
	health
	Tiles    []tile
	Activity activity
	Events   []event
	Waiting  []waiting
	Next     []*server.Source
	Nodes    []server.Node
	// Sick says that a list may be empty as it cannot be read.
	Sick bool
	// Reload is the last one; nil before the first.
	Reload *server.Reload
}

// tile is a number that leads to a page.
type tile struct {
	Path, Label, Value, Note string
	// Tone is that of the note; empty for a plain one.
	Tone string
}

// waiting is an endpoint for which deliveries wait.
type waiting struct {
	server.Endpoint
	Badge badge
}

// standing is all that is asked of the controller for the overview.
type standing struct {
	sources   []server.Source
	endpoints []server.Endpoint
	limits    []server.Limit
	nodes     []server.Node
	reload    server.Reload
	// unwell are the checks of the daemon that fail.
	unwell []unwell
}

// overview shows how everything stands. It is a page on which something is wrong
// too: what cannot be read is said, and all else is shown.
func (h *Handler) overview(r *http.Request) (*view, error) {
	ctx := r.Context()
	s := h.standing(r)
	page, err := h.opts.Controller.Events(ctx, &server.EventQuery{Newest: true, Limit: shownEvents, MaxBytes: eventBytes})
	if err != nil {
		page = &server.EventPage{}
	}
	s.unread(h, r, "the log", err)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	v := &overviewView{
		health: newHealth(s), Activity: newActivity(sumChanges(s.sources)), Events: newestFirst(page, h.log),
		Waiting: waitingEndpoints(s.endpoints), Next: nextPolls(s.sources), Nodes: s.nodes[:min(len(s.nodes), shownNodes)], Sick: len(s.unwell) > 0,
	}
	if s.reload.Number > 0 {
		v.Reload = &s.reload
	}
	v.Tiles = tiles(s, v)
	return &view{Title: "Overview", Page: v}, nil
}

// standing asks how everything stands.
func (h *Handler) standing(r *http.Request) *standing {
	c, ctx, s := h.opts.Controller, r.Context(), &standing{}
	if h.opts.LastReload != nil {
		s.reload = h.opts.LastReload()
	}
	s.unwell = h.look(ctx)
	var err error
	s.sources, err = c.Sources(ctx)
	s.unread(h, r, "the sources", err)
	s.endpoints, err = c.Endpoints(ctx)
	s.unread(h, r, "the endpoints", err)
	s.limits, err = c.Limits(ctx)
	s.unread(h, r, "the limits", err)
	nodes, err := c.Nodes(ctx)
	s.unread(h, r, "the nodes", err)
	if err == nil {
		s.nodes = nodes.Nodes
	}
	return s
}

// unread notes what could not be read.
func (s *standing) unread(h *Handler, r *http.Request, what string, err error) {
	if err == nil {
		return
	}
	_, words := h.say(r, err)
	s.unwell = append(s.unwell, unwell{name: "The daemon", reason: "It cannot read " + what + ". " + words})
}

// tiles are the numbers that say most.
func tiles(s *standing, v *overviewView) []tile {
	states := countStates(s.sources)
	sources := tile{Path: "/sources", Label: "Sources", Value: count(len(s.sources)), Note: "all polled"}
	if parts := states.exceptions(); parts != "" {
		sources.Note, sources.Tone = parts, toneWarn
	}
	if states[server.SourceFailing] > 0 {
		sources.Tone = toneBad
	}

	changes := tile{Path: "/events", Label: "Changes in 24 h", Value: count(int(v.Activity.Total)), Note: "none in the log yet"}
	if len(v.Events) > 0 {
		changes.Note = "last " + ago(time.Since(v.Events[0].Time))
	}

	queue := tile{Path: "/deliveries?state=waiting", Label: "Deliveries waiting", Note: "nothing is late"}
	told := tile{Path: "/endpoints", Label: "Endpoints", Value: count(len(s.endpoints)), Note: "all well"}
	var deliveries, dead int64
	var oldest *time.Time
	held := 0
	for i := range s.endpoints {
		e := &s.endpoints[i]
		deliveries, dead = deliveries+e.Waiting, dead+e.Dead
		if e.WaitingSince != nil && (oldest == nil || e.WaitingSince.Before(*oldest)) {
			oldest = e.WaitingSince
		}
		if tone := endpointBadge(e).Tone; tone == toneBad || tone == toneWarn {
			held++
		}
	}
	queue.Value = count(int(deliveries))
	if oldest != nil {
		queue.Note = "oldest from " + ago(time.Since(*oldest))
	}
	if dead > 0 {
		queue.Note, queue.Tone = count(int(dead))+" dead", toneBad
	}
	if held > 0 {
		told.Note, told.Tone = count(held)+" not well", toneWarn
	}
	return []tile{sources, changes, queue, told}
}

// count shows a whole number.
func count(n int) string {
	text, _ := number(n) // an int is one
	return text
}

// stateCounts counts sources by their state.
type stateCounts map[server.SourceState]int

func countStates(sources []server.Source) stateCounts {
	counts := make(stateCounts)
	for i := range sources {
		counts[sources[i].State]++
	}
	return counts
}

// exceptions says how many are not polled well: "2 failing, 1 paused".
func (c stateCounts) exceptions() string {
	var parts []string
	for _, state := range []server.SourceState{server.SourceFailing, server.SourcePaused, server.SourceDisabled} {
		if n := c[state]; n > 0 {
			parts = append(parts, count(n)+" "+string(state))
		}
	}
	return strings.Join(parts, ", ")
}

// waitingEndpoints are those for which deliveries wait, the longest wait first.
func waitingEndpoints(endpoints []server.Endpoint) []waiting {
	var list []waiting
	for i := range endpoints {
		if e := &endpoints[i]; e.Waiting > 0 {
			list = append(list, waiting{*e, endpointBadge(e)})
		}
	}
	slices.SortStableFunc(list, func(a, b waiting) int { return compareTimes(a.WaitingSince, b.WaitingSince) })
	return list[:min(len(list), shownWaiting)]
}

// nextPolls are the sources that are polled next.
func nextPolls(sources []server.Source) []*server.Source {
	var list []*server.Source
	for i := range sources {
		if sources[i].NextRun != nil {
			list = append(list, &sources[i])
		}
	}
	slices.SortStableFunc(list, func(a, b *server.Source) int { return compareTimes(a.NextRun, b.NextRun) })
	return list[:min(len(list), shownNext)]
}

// compareTimes orders times, none after all others.
func compareTimes(a, b *time.Time) int {
	if a == nil || b == nil {
		return cmp.Compare(boolean(a == nil), boolean(b == nil))
	}
	return a.Compare(*b)
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}
