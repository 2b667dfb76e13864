package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
)

const (
	// defaultEvents and maxEvents are how many events a page has.
	defaultEvents = 100
	maxEvents     = 1000
	// pageBytes is of how many bytes of data a page takes no further event.
	pageBytes = 1 << 20
	// maxWait is how long a page waits at most. Proxies give up after a minute.
	maxWait = time.Minute
	// maxReaders bounds the requests that read the log at once. One that waits
	// holds a connection and little else.
	maxReaders = 1024
)

// EventQuery says what is read of the log.
type EventQuery struct {
	// After is a cursor or the ID of an event; empty for the beginning.
	After string
	// Source, Type and Subject choose events; Type is a glob, Subject the key of an
	// item. Empty ones take all.
	Source, Type, Subject string
	// Endpoint chooses what that endpoint would be told; empty takes all.
	Endpoint string
	// Limit is how many events the page has at most, MaxBytes of how many bytes of
	// data it takes no further one; one event always has its place.
	Limit, MaxBytes int
	// Newest asks for the last events behind After in place of the first ones.
	Newest bool
	// NewestFirst turns the page around.
	NewestFirst bool
	// Before is the cursor or the ID of the event before which a page of the Newest
	// ends; empty for the end of the log. Such a page does not wait.
	Before string
	// Wait is how long a page without events waits for one, and Stop ends that
	// earlier when it is closed.
	Wait time.Duration
	Stop <-chan struct{}
}

// EventPage is a page of the log.
type EventPage struct {
	Events   []LoggedEvent `json:"events" doc:"The events, the oldest first; with order=newest the newest."`
	Next     string        `json:"next" doc:"The cursor behind the page, which goes on past events that were not chosen. It is never empty."`
	More     bool          `json:"more" doc:"A further page can be read at once."`
	Removed  bool          `json:"removed,omitempty" doc:"Retention has removed events behind the cursor before they were read, chosen or not."`
	Previous string        `json:"previous,omitempty" doc:"The parameter before of the page of earlier events, where the last ones were asked for; missing where the log has none."`
}

// LoggedEvent is an event of the log. In JSON it is its envelope alone.
type LoggedEvent struct {
	Envelope json.RawMessage
	// Cursor is the one behind the event.
	Cursor string
}

// MarshalJSON returns the envelope.
func (e LoggedEvent) MarshalJSON() ([]byte, error) { return e.Envelope, nil }

// UnmarshalJSON takes an envelope. The cursor is the event's ID then, which
// serves as one.
func (e *LoggedEvent) UnmarshalJSON(envelope []byte) error {
	var head struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(envelope, &head); err != nil {
		return fmt.Errorf("decode event: %w", err)
	}
	e.Envelope, e.Cursor = append(e.Envelope[:0], envelope...), head.ID
	return nil
}

func (s *Server) eventRoutes() []route {
	after := textParameter("after", "A cursor, or the id of an event: what comes behind it is told. The beginning of the log without it.")
	source := textParameter("source", "Only events of this source.")
	kind := textParameter("type", "Only events of a type of this pattern, such as shop.order.*.")
	subject := textParameter("subject", "Only events of the item of this key.")
	page := []parameter{
		after, source, kind, subject,
		textParameter("before", "A cursor, or the id of an event: the last events that come before it are told."),
		numberParameter("limit", "How many at most.", defaultEvents, maxEvents),
		durationParameter("wait", "How long a page without events waits for one: seconds up to 60."),
		numberParameter("last", "The last so many events behind the cursor in place of the first ones.", 0, maxEvents),
		wordParameter("order", "With newest, the last events behind the cursor, the newest first; oldest without it.", "oldest", "newest"),
	}
	return []route{
		{
			method: http.MethodGet, path: "/v1/events", id: "listEvents",
			doc:     "Read the log, the oldest first. Pass the next of each page as after to go on.",
			query:   page,
			answers: []answer{{status: http.StatusOK, doc: "A page of the log.", body: EventPage{}}},
			handler: s.events,
		},
		{
			method: http.MethodGet, path: "/v1/endpoints/{name}/events", id: "listEndpointEvents",
			doc:     "Read what an endpoint would be told of the log.",
			query:   page,
			answers: []answer{{status: http.StatusOK, doc: "A page of it.", body: EventPage{}}},
			handler: s.events,
		},
		{
			method: http.MethodGet, path: "/v1/events/stream", id: "streamEvents",
			doc: "Read the log as it grows, as server-sent events. The data of each is an envelope, its id the cursor behind it; " +
				"one that sends Last-Event-ID goes on there, one that names no cursor begins now.",
			query: []parameter{after, source, kind, textParameter("endpoint", "Only what this endpoint would be told.")},
			answers: []answer{{
				status: http.StatusOK, doc: "Events without an end. One named removed says that retention removed events before they were read.",
				body: "", media: []string{"text/event-stream"},
			}},
			handler: s.stream,
		},
		{
			method: http.MethodGet, path: "/v1/events/{id}", id: "getEvent",
			doc:     "Return an event of the log, all of it.",
			answers: []answer{{status: http.StatusOK, doc: "Its envelope.", body: LoggedEvent{}}},
			handler: s.event,
		},
	}
}

func (s *Server) event(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	envelope, err := s.opts.Controller.Event(r.Context(), id)
	if err != nil {
		reason := fmt.Sprintf("there is no event %q in the log; it may have been removed by retention", id)
		if strings.HasPrefix(id, "test_") {
			reason = fmt.Sprintf("%q was a test or a preview: nothing has happened that the log could tell", id)
		}
		s.fail(w, r, err, reason)
		return
	}
	writeJSON(w, http.StatusOK, envelope)
}

// events answers with a page of the log, of all of it or of what an endpoint
// would be told.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	p := parameters(r)
	q := EventQuery{
		After:    p.text("after"),
		Source:   p.text("source"),
		Type:     p.glob("type"),
		Subject:  p.text("subject"),
		Before:   p.text("before"),
		Endpoint: r.PathValue("name"),
		Limit:    p.number("limit", defaultEvents, maxEvents),
		MaxBytes: pageBytes,
		Wait:     p.duration("wait", maxWait),
		Stop:     s.draining,
	}
	q.NewestFirst = p.oneOf("order", "oldest", "newest") == "newest"
	q.Newest = q.Before != "" || q.NewestFirst
	if last := p.number("last", 0, maxEvents); last > 0 {
		q.Limit, q.Newest = last, true
	}
	if bad := p.bad(); bad != "" {
		writeProblem(w, r, http.StatusBadRequest, bad)
		return
	}
	if !s.beginReading(w, r) {
		return
	}
	defer s.endReading()
	page, err := s.opts.Controller.Events(r.Context(), &q)
	if err != nil {
		s.fail(w, r, err, noEndpoint(q.Endpoint))
		return
	}
	writeJSON(w, http.StatusOK, page)
}

// beginReading lets a request wait for events that may outlast the deadline by
// which requests must have been read. It answers where too many do.
func (s *Server) beginReading(w http.ResponseWriter, r *http.Request) bool {
	select {
	case s.readers <- struct{}{}:
	default:
		w.Header().Set("Retry-After", "5")
		writeProblem(w, r, http.StatusServiceUnavailable, fmt.Sprintf("%d requests read the log already; ask again later", maxReaders))
		return false
	}
	// The server goes on reading, to learn of a client that goes away: that read
	// must not end for lateness. Writers of tests have no deadlines.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return true
}

func (s *Server) endReading() { <-s.readers }

// isGlob says whether a glob can be matched.
func isGlob(text string) bool {
	_, err := path.Match(text, "")
	return err == nil
}
