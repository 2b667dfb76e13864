package dashboard

import (
	"fmt"
	"net/http"

	"github.com/pollwire/pollwire/internal/server"
)

// pollSource makes a source due now.
func (h *Handler) pollSource(r *http.Request) (*done, error) {
	name := r.PathValue("name")
	if err := h.opts.Controller.Poll(r.Context(), name); err != nil {
		return nil, err
	}
	return &done{Message: name + " is polled now."}, nil
}

// changeSource pauses or resumes a source.
func changeSource(change server.SourceChange, message string) func(*Handler, *http.Request) (*done, error) {
	return func(h *Handler, r *http.Request) (*done, error) {
		name := r.PathValue("name")
		if _, err := h.opts.Controller.ChangeSource(r.Context(), name, change); err != nil {
			return nil, err
		}
		return &done{Message: fmt.Sprintf(message, name)}, nil
	}
}

// acceptRemoval lets the next poll of a source remove more items than allowed.
func (h *Handler) acceptRemoval(r *http.Request) (*done, error) {
	name := r.PathValue("name")
	if err := h.opts.Controller.AcceptRemoval(r.Context(), name); err != nil {
		return nil, err
	}
	return &done{Message: "The next poll of " + name + " may remove as many items as it likes."}, nil
}
