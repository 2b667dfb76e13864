package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

// shownLog is how many events a page of the log shows.
const shownLog = 50

// eventsView is what the page of the log shows.
type eventsView struct {
	Search eventSearch
	Events []event
	Pager  pager
	Empty  emptyState
}

// eventSearch is what the log is searched for.
type eventSearch struct {
	// ID finds one event; the others choose, and take all where they are empty.
	ID, Source, Type, Key string
	// before is the cursor of the page.
	before string
}

func readEventSearch(query url.Values) eventSearch {
	get := func(name string) string { return strings.TrimSpace(query.Get(name)) }
	return eventSearch{ID: get("id"), Source: get("source"), Type: get("type"), Key: query.Get("key"), before: get("before")}
}

// Any says whether anything is searched for.
func (s eventSearch) Any() bool { return s.ID+s.Source+s.Type+s.Key != "" }

// address is that of a page of what is searched for.
func (s eventSearch) address(before string) string {
	return address("/events", "source", s.Source, "type", s.Type, "key", s.Key, "before", before)
}

// address is a path with the names and values by turns of a query; those of no
// value are left out.
func address(path string, pairs ...string) string {
	query := make(url.Values)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// events shows the log, the newest event first.
func (h *Handler) events(r *http.Request) (*view, error) {
	v := &eventsView{Search: readEventSearch(r.URL.Query())}
	var err error
	if v.Search.ID != "" {
		err = h.findEvent(r, v)
	} else {
		err = h.readLog(r, v)
	}
	if err != nil {
		return nil, err
	}
	v.Empty = emptyState{"events", "Nothing has changed yet", "The first look at a source is its baseline. What differs from it will be listed here."}
	if v.Search.Any() {
		v.Empty = emptyState{"search", "Nothing was found", "The log has no such event, or no longer: storage.retention.events says how long they are kept."}
	}
	return &view{Title: "Events", Page: v}, nil
}

// findEvent finds an event by its ID.
func (h *Handler) findEvent(r *http.Request, v *eventsView) error {
	envelope, err := h.opts.Controller.Event(r.Context(), v.Search.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	found, err := newEvent(envelope)
	if err != nil {
		return err
	}
	v.Events = []event{found}
	return nil
}

// readLog reads a page of the log.
func (h *Handler) readLog(r *http.Request, v *eventsView) error {
	s := v.Search
	page, err := h.opts.Controller.Events(r.Context(), &server.EventQuery{
		Newest: true, Source: s.Source, Type: s.Type, Subject: s.Key, Before: s.before, Limit: shownLog, MaxBytes: eventBytes,
	})
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	v.Events = newestFirst(page, h.log)
	v.Pager = pager{Label: "Pages of the log", BeforeText: "Newest", AfterText: "Older"}
	if s.before != "" {
		v.Pager.Before = s.address("")
	}
	if page.Previous != "" {
		v.Pager.After = s.address(page.Previous)
	}
	return nil
}
