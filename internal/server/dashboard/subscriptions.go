package dashboard

import (
	"fmt"
	"net/http"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

// subscriptionsView is what the page of subscriptions shows.
type subscriptionsView struct {
	Subscriptions []server.Subscription
	Empty         emptyState
}

// subscriptions lists what was registered over the API.
func (h *Handler) subscriptions(r *http.Request) (*view, error) {
	v := &subscriptionsView{Empty: emptyState{
		"subscriptions", "No subscriptions", "Programs register a URL of their own by POST /v1/subscriptions. Each becomes an endpoint.",
	}}
	if h.opts.Subscriptions == nil {
		return &view{Title: "Subscriptions", Page: v}, nil
	}
	var err error
	if v.Subscriptions, err = h.opts.Subscriptions.Subscriptions(r.Context()); err != nil {
		return nil, fmt.Errorf("list subscriptions: %w", err)
	}
	return &view{Title: "Subscriptions", Page: v}, nil
}

// endSubscription ends one.
func (h *Handler) endSubscription(r *http.Request) (*done, error) {
	id := r.PathValue("id")
	if h.opts.Subscriptions == nil {
		return nil, fmt.Errorf("subscription %q: %w", id, store.ErrNotFound)
	}
	if err := h.opts.Subscriptions.Unsubscribe(r.Context(), id); err != nil {
		return nil, err
	}
	return &done{Message: fmt.Sprintf("Subscription %s has ended.", id), To: "/subscriptions"}, nil
}
