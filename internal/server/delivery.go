package server

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

const (
	defaultDeliveries = 100
	maxDeliveries     = 1000
)

// Attempt is one POST as the API tells it.
type Attempt struct {
	Number     int       `json:"number"`
	At         time.Time `json:"at"`
	DurationMS int64     `json:"duration_ms"`
	// Status is the HTTP status code, 0 where there was no answer.
	Status int    `json:"status"`
	Error  string `json:"error,omitempty"`
	// Response is the beginning of the answer's body, known secrets masked.
	Response string `json:"response,omitempty"`
}

// NewAttempt is what the API tells of an attempt.
func NewAttempt(a *notify.Attempt) Attempt {
	return Attempt{
		Number: a.Number, At: a.At.UTC(), DurationMS: a.Duration.Milliseconds(), Status: a.Status, Error: a.Error,
		Response: strings.ToValidUTF8(string(a.Response), "\uFFFD"),
	}
}

// Delivery is a delivery as the API tells it.
type Delivery struct {
	ID       int64        `json:"id"`
	Endpoint string       `json:"endpoint"`
	State    notify.State `json:"state"`
	// Event is the ID of its event, Type, Source and Subject are the event's own.
	Event   string `json:"event"`
	Type    string `json:"type"`
	Source  string `json:"source"`
	Subject string `json:"subject,omitempty"`
	// Batch is the ID of the batch that it is told in.
	Batch  string `json:"batch,omitempty"`
	Replay bool   `json:"replay"`
	// Posts counts all POSTs, Attempts those that count against the schedule.
	Posts     int       `json:"posts"`
	Attempts  int       `json:"attempts"`
	CreatedAt time.Time `json:"created_at"`
	// NotBefore is when the next attempt of one that waits is due.
	NotBefore *time.Time `json:"not_before,omitempty"`
	// Last is the last attempt, without its answer's body.
	Last *Attempt `json:"last,omitempty"`
	// Tried are all attempts; only where one delivery is asked for.
	Tried []Attempt `json:"tried,omitempty"`
}

// NewDelivery is what the API tells of a delivery.
func NewDelivery(d *store.TrackedDelivery, tried []notify.Attempt) Delivery {
	told := Delivery{
		ID: d.ID, Endpoint: d.Endpoint, State: d.State, Event: d.EventID, Type: d.EventType, Source: d.Source, Subject: d.Subject,
		Batch: d.Batch, Replay: d.Replay, Posts: d.Posts, Attempts: d.Attempts, CreatedAt: d.CreatedAt.UTC(),
	}
	if d.State == notify.Waiting {
		told.NotBefore = instant(d.NotBefore)
	}
	if d.Last.Number > 0 {
		last := NewAttempt(&d.Last)
		told.Last = &last
	}
	for i := range tried {
		told.Tried = append(told.Tried, NewAttempt(&tried[i]))
	}
	return told
}

// DeliveryPage is a page of deliveries, the newest first.
type DeliveryPage struct {
	Deliveries []Delivery `json:"deliveries"`
	// Next is the parameter after of the next page; empty where nothing follows. A
	// page without deliveries may be followed by others.
	Next string `json:"next,omitempty"`
}

func (s *Server) deliveries(w http.ResponseWriter, r *http.Request) {
	p := parameters(r)
	q := store.DeliveryQuery{
		State:    notify.State(p.oneOf("state", string(notify.Waiting), string(notify.Delivered), string(notify.Dead), string(notify.Superseded))),
		Endpoint: p.text("endpoint"),
		Event:    p.text("event"),
		Limit:    p.number("limit", defaultDeliveries, maxDeliveries),
	}
	if after := p.text("after"); after != "" {
		var err error
		if q.Before, err = strconv.ParseInt(after, 10, 64); err != nil || q.Before < 1 {
			p.wrong = append(p.wrong, fmt.Sprintf("after must be the next of a page, not %.60q", after))
		}
	}
	if bad := p.bad(); bad != "" {
		writeProblem(w, r, http.StatusBadRequest, bad)
		return
	}
	page, err := s.opts.Controller.Deliveries(r.Context(), q)
	if err != nil {
		s.fail(w, r, err, "")
		return
	}
	writeJSON(w, http.StatusOK, page)
}

func (s *Server) delivery(w http.ResponseWriter, r *http.Request) {
	id, ok := deliveryID(w, r)
	if !ok {
		return
	}
	delivery, err := s.opts.Controller.Delivery(r.Context(), id)
	if err != nil {
		s.fail(w, r, err, noDelivery(r))
		return
	}
	writeJSON(w, http.StatusOK, delivery)
}

func (s *Server) retryDelivery(w http.ResponseWriter, r *http.Request) {
	id, ok := deliveryID(w, r)
	if !ok {
		return
	}
	if bad := readBody(w, r, &struct{}{}); bad != nil {
		writeProblem(w, r, bad.status, bad.detail)
		return
	}
	delivery, err := s.opts.Controller.RetryDelivery(r.Context(), id)
	if err != nil {
		s.fail(w, r, err, noDelivery(r))
		return
	}
	writeJSON(w, http.StatusAccepted, delivery)
}

// deliveryID is the number in the path. One that is none is answered as one that
// does not exist.
func deliveryID(w http.ResponseWriter, r *http.Request) (int64, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		writeProblem(w, r, http.StatusNotFound, noDelivery(r))
		return 0, false
	}
	return id, true
}

func noDelivery(r *http.Request) string {
	return fmt.Sprintf("there is no delivery %.60q; it may have been removed by retention", r.PathValue("id"))
}
