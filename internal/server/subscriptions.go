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
	// URL is where webhooks are posted to.
	URL string `json:"url"`
	// Sources are the names of those whose events are told; none for all.
	Sources []string `json:"sources"`
	// Events are patterns of event types, such as shop.*; none for all changes.
	Events []string `json:"events"`
	// Filter is an expression of the change, as in the configuration.
	Filter string `json:"filter"`
	// Secret signs the webhooks (whsec_…); without it one is made.
	Secret string `json:"secret"`
}

// Subscription is an endpoint that was registered, as the API tells it.
type Subscription struct {
	// ID is the endpoint's name too.
	ID string `json:"id"`
	// URL is scheme and host of it: the rest may be a secret.
	URL       string    `json:"url"`
	Sources   []string  `json:"sources"`
	Events    []string  `json:"events"`
	Filter    string    `json:"filter,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	// Secret is told once, when the subscription is made.
	Secret string `json:"secret,omitempty"`
	// Problem says why it is not told as it should be; empty where it is.
	Problem string `json:"problem,omitempty"`
}

func (s *Server) routeSubscriptions(mux *http.ServeMux) {
	if s.opts.Subscriptions == nil {
		return
	}
	mux.HandleFunc("POST /v1/subscriptions", s.subscribe)
	mux.HandleFunc("GET /v1/subscriptions", s.subscriptions)
	mux.HandleFunc("GET /v1/subscriptions/{id}", s.subscription)
	mux.HandleFunc("DELETE /v1/subscriptions/{id}", s.unsubscribe)
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
	answer := struct {
		Subscriptions []Subscription `json:"subscriptions"`
	}{make([]Subscription, len(all))}
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
