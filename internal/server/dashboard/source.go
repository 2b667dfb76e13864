package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/pollwire/pollwire/internal/server"
)

// shownChangesOf is how many changes of a source its page shows at once.
const shownChangesOf = 20

// sourceView is what the page of one source shows.
type sourceView struct {
	*server.Source
	// Back is the page itself, for its forms to lead back to.
	Back     string
	Activity activity
	Polls    pollsView
	// Unread says why the polls are not known at the moment; empty where they are.
	Unread string
	Events []event
	Pager  pager
	// Earlier says that the timeline does not begin with the newest change.
	Earlier bool
}

// source shows one source: how it stands, its changes and its polls.
func (h *Handler) source(r *http.Request) (*view, error) {
	ctx, name := r.Context(), r.PathValue("name")
	s, err := h.opts.Controller.Source(ctx, name)
	if err != nil {
		return nil, err
	}
	polls, err := h.opts.Controller.Polls(ctx, name)
	unread := ""
	if refusal, ok := errors.AsType[*server.Refusal](err); ok && refusal.RetryAfter > 0 {
		unread = refusal.Reason // another node has them, which cannot be asked now
	} else if err != nil {
		return nil, fmt.Errorf("look at polls: %w", err)
	}
	before := r.URL.Query().Get("before")
	page, err := h.opts.Controller.Events(ctx, &server.EventQuery{
		Source: name, Newest: true, Before: before, Limit: shownChangesOf, MaxBytes: eventBytes,
	})
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	path := "/sources/" + s.Name
	v := &sourceView{
		Source: s, Back: path, Activity: newActivity(s.Changes), Polls: newPolls(polls), Unread: unread, Events: newestFirst(page, h.log), Earlier: before != "",
		Pager: pager{Label: "Pages of changes", BeforeText: "Newest", AfterText: "Older"},
	}
	if before != "" {
		v.Pager.Before = path
	}
	if page.Previous != "" {
		v.Pager.After = path + "?" + url.Values{"before": {page.Previous}}.Encode()
	}
	return &view{Title: s.Name, Page: v}, nil
}

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
