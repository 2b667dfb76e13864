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
	Number     int       `json:"number" doc:"Counts the POSTs of its delivery."`
	At         time.Time `json:"at" doc:"When it began."`
	DurationMS int64     `json:"duration_ms" doc:"How long it took, in milliseconds."`
	Status     int       `json:"status" doc:"The HTTP status code, 0 where there was no answer."`
	Error      string    `json:"error,omitempty" doc:"Why it failed; missing where it did not."`
	Response   string    `json:"response,omitempty" doc:"The beginning of the answer's body, known secrets masked."`
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
	ID        int64        `json:"id" doc:"Names it; newer ones have higher numbers."`
	Endpoint  string       `json:"endpoint" doc:"The name of the endpoint that it is for."`
	State     notify.State `json:"state" doc:"How it stands: superseded gave way to a later one of the same key."`
	Event     string       `json:"event" doc:"The id of its event."`
	Type      string       `json:"type" doc:"The type of its event."`
	Source    string       `json:"source" doc:"The name of the source of its event."`
	Subject   string       `json:"subject,omitempty" doc:"The key of the item of its event."`
	Batch     string       `json:"batch,omitempty" doc:"The id of the batch that it is told in."`
	Replay    bool         `json:"replay" doc:"It tells its event again."`
	Posts     int          `json:"posts" doc:"How many times it was posted."`
	Attempts  int          `json:"attempts" doc:"How many of the posts count against the schedule of retries."`
	CreatedAt time.Time    `json:"created_at" doc:"When it was made."`
	NotBefore *time.Time   `json:"not_before,omitempty" doc:"When the next attempt of one that waits is due."`
	Held      string       `json:"held,omitempty" doc:"Why one that waits is not posted until somebody changes that, and how; only where one delivery is asked for."`
	Last      *Attempt     `json:"last,omitempty" doc:"The last attempt, without its answer's body."`
	Tried     []Attempt    `json:"tried,omitempty" doc:"All attempts; only where one delivery is asked for."`
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
	Deliveries []Delivery `json:"deliveries" doc:"The deliveries, the newest first. A page without any may be followed by others."`
	Next       string     `json:"next,omitempty" doc:"The parameter after of the next page; missing where nothing follows."`
}

func (s *Server) deliveryRoutes() []route {
	return []route{
		{
			method: http.MethodGet, path: "/v1/deliveries", id: "listDeliveries",
			doc: "List deliveries, the newest first.",
			query: []parameter{
				wordParameter("state", "Only those in this state.", string(notify.Waiting), string(notify.Delivered), string(notify.Dead), string(notify.Superseded)),
				textParameter("endpoint", "Only those for this endpoint."),
				textParameter("event", "Only those of the event of this id."),
				numberParameter("limit", "How many at most.", defaultDeliveries, maxDeliveries),
				textParameter("after", "The next of the page before."),
			},
			answers: []answer{{status: http.StatusOK, doc: "A page of them.", body: DeliveryPage{}}},
			handler: s.deliveries,
		},
		{
			method: http.MethodGet, path: "/v1/deliveries/{id}", id: "getDelivery",
			doc:     "Return a delivery with its attempts.",
			answers: []answer{{status: http.StatusOK, doc: "The delivery.", body: Delivery{}}},
			handler: s.delivery,
		},
		{
			method: http.MethodPost, path: "/v1/deliveries/{id}/retry", id: "retryDelivery",
			doc:     "Post a delivery again. One that waits becomes due now, with its batch; of one that has ended another one is made, a replay.",
			answers: []answer{{status: http.StatusAccepted, doc: "What will be posted.", body: Delivery{}}},
			handler: s.retryDelivery,
		},
		{
			method: http.MethodPost, path: "/v1/replay", id: "startReplay",
			doc:     "Tell the log again. Members of the body narrow it down; without any, all of it is told to every endpoint.",
			body:    ReplayRequest{},
			answers: []answer{{status: http.StatusAccepted, doc: "The replay, which has begun.", body: Replay{}}},
			handler: s.startReplay,
		},
		{
			method: http.MethodGet, path: "/v1/replay/{id}", id: "getReplay",
			doc:     "Return how far a replay is.",
			answers: []answer{{status: http.StatusOK, doc: "How far it is.", body: Replay{}}},
			handler: s.replay,
		},
	}
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
