package server

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Subscriptions keeps the endpoints that are registered over the API. Methods
// may be called concurrently and return soon after ctx has ended.
//
// A method that is given an ID that does not exist returns an error that wraps
// store.ErrNotFound. One that knows why it cannot do what was asked returns a
// [Refusal], of status 422 where a value is wrong. The text of any other error is
// logged and not told.
type Subscriptions interface {
	// Subscribe registers a URL and returns when that is durable. Where what is
	// asked for is there already, it returns that, and created is false.
	Subscribe(ctx context.Context, n NewSubscription) (s Subscription, created bool, err error)
	// Subscriptions returns all of them, the oldest first, without their secrets.
	Subscriptions(ctx context.Context) ([]Subscription, error)
	// Subscription returns one, without its secret.
	Subscription(ctx context.Context, id string) (Subscription, error)
	// Unsubscribe ends one. It returns when nothing more comes of it.
	Unsubscribe(ctx context.Context, id string) error
}

// NewSubscription is what a client asks for.
type NewSubscription struct {
	URL     string   `json:"url" required:"true" doc:"Where webhooks are posted to."`
	Sources []string `json:"sources" doc:"The names of the sources whose events are told; none for all."`
	Events  []string `json:"events" doc:"Patterns of event types, such as shop.*; none for all changes."`
	Filter  string   `json:"filter" doc:"An expression of the change, as in the configuration."`
	Secret  string   `json:"secret" doc:"Signs the webhooks (whsec_…); without it one is made."`
}

// Subscription is an endpoint that was registered, as the API tells it.
type Subscription struct {
	ID        string    `json:"id" doc:"Names it; the name of its endpoint too."`
	URL       string    `json:"url" doc:"Scheme and host of the URL: the rest may be a secret."`
	Sources   []string  `json:"sources" doc:"The names of the sources whose events are told; none for all."`
	Events    []string  `json:"events" doc:"Patterns of event types; none for all changes."`
	Filter    string    `json:"filter,omitempty" doc:"An expression of the change."`
	CreatedAt time.Time `json:"created_at" doc:"When it was registered."`
	Secret    string    `json:"secret,omitempty" doc:"Signs the webhooks; told once, when the subscription is made."`
	Problem   string    `json:"problem,omitempty" doc:"Why it is not told as it should be; missing where it is."`
}

func (s *Server) subscriptionRoutes() []route {
	if s.opts.Subscriptions == nil {
		return nil
	}
	return []route{
		{
			method: http.MethodPost, path: "/v1/subscriptions", id: "subscribe",
			doc:  "Register a URL that is told events (a REST hook). Asking again for what is there already returns that.",
			body: NewSubscription{},
			answers: []answer{
				{status: http.StatusCreated, doc: "It was made; Location is its path.", body: Subscription{}},
				{status: http.StatusOK, doc: "It was there.", body: Subscription{}},
			},
			handler: s.subscribe,
		},
		{
			method: http.MethodGet, path: "/v1/subscriptions", id: "listSubscriptions",
			doc:     "List the subscriptions, the oldest first.",
			answers: []answer{{status: http.StatusOK, doc: "All of them, without their secrets.", body: subscriptionList{}}},
			handler: s.subscriptions,
		},
		{
			method: http.MethodGet, path: "/v1/subscriptions/{id}", id: "getSubscription",
			doc:     "Return a subscription.",
			answers: []answer{{status: http.StatusOK, doc: "It, without its secret.", body: Subscription{}}},
			handler: s.subscription,
		},
		{
			method: http.MethodDelete, path: "/v1/subscriptions/{id}", id: "unsubscribe",
			doc:     "End a subscription. Nothing more is posted to it.",
			answers: []answer{{status: http.StatusNoContent, doc: "It has ended."}},
			handler: s.unsubscribe,
		},
	}
}

// subscriptionList is the answer to a question for all subscriptions.
type subscriptionList struct {
	Subscriptions []Subscription `json:"subscriptions" doc:"The subscriptions, the oldest first."`
}

// subscribe answers 201 with what was made, 200 with what was there.
func (s *Server) subscribe(w http.ResponseWriter, r *http.Request) {
	var body NewSubscription
	if bad := readBody(w, r, &body); bad != nil {
		writeProblem(w, r, bad.status, bad.detail)
		return
	}
	made, created, err := s.opts.Subscriptions.Subscribe(r.Context(), body)
	switch {
	case err != nil:
		s.fail(w, r, err, "")
	case created:
		w.Header().Set("Location", "/v1/subscriptions/"+made.ID)
		writeJSON(w, http.StatusCreated, listed(made))
	default:
		writeJSON(w, http.StatusOK, listed(made))
	}
}

func (s *Server) subscriptions(w http.ResponseWriter, r *http.Request) {
	all, err := s.opts.Subscriptions.Subscriptions(r.Context())
	if err != nil {
		s.fail(w, r, err, "")
		return
	}
	answer := subscriptionList{make([]Subscription, len(all))}
	for i, one := range all {
		answer.Subscriptions[i] = listed(one)
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Server) subscription(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	one, err := s.opts.Subscriptions.Subscription(r.Context(), id)
	if err != nil {
		s.fail(w, r, err, noSubscription(id))
		return
	}
	writeJSON(w, http.StatusOK, listed(one))
}

// unsubscribe answers 204. Some clients send a body with DELETE, which has no
// meaning (RFC 9110, section 9.3.5).
func (s *Server) unsubscribe(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := s.opts.Subscriptions.Unsubscribe(r.Context(), id); err != nil {
		s.fail(w, r, err, noSubscription(id))
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

func noSubscription(id string) string { return fmt.Sprintf("there is no subscription %q", id) }

// listed has lists for what may be nil, since clients read null as something else.
func listed(s Subscription) Subscription {
	s.Sources = append([]string{}, s.Sources...)
	s.Events = append([]string{}, s.Events...)
	s.CreatedAt = s.CreatedAt.UTC()
	return s
}
