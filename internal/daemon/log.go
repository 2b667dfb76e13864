package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/pollwire/pollwire/internal/eventlog"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// loggedDatabase tells the log of what is committed.
type loggedDatabase struct {
	database
	log *eventlog.Log
}

// Commit commits, and tells the log where it grew.
func (d *loggedDatabase) Commit(ctx context.Context, c *store.Commit) error {
	err := d.database.Commit(ctx, c)
	// One that was given up may have been written all the same.
	if len(c.Events) > 0 {
		d.log.Grown()
	}
	return err
}

func (c *control) Events(ctx context.Context, q *server.EventQuery) (*server.EventPage, error) {
	query := eventlog.Query{
		After: q.After, Source: q.Source, Type: q.Type, Subject: q.Subject,
		Limit: q.Limit, MaxBytes: q.MaxBytes, Newest: q.Newest, NewestFirst: q.NewestFirst, Before: q.Before, Wait: q.Wait, Stop: q.Stop,
	}
	if q.Endpoint != "" {
		if !c.hasEndpoint(q.Endpoint) {
			return nil, fmt.Errorf("endpoint %q: %w", q.Endpoint, store.ErrNotFound)
		}
		query.Told = func(e *notify.Event) bool { return c.d.bridge.Tells(q.Endpoint, e) }
	}
	page, err := c.d.log.Read(ctx, &query)
	if bad, ok := errors.AsType[*eventlog.CursorError](err); ok {
		status := http.StatusBadRequest
		if bad.Lost {
			status = http.StatusGone
		}
		return nil, &server.Refusal{Status: status, Reason: bad.Reason}
	}
	if err != nil {
		return nil, err
	}
	return c.eventPage(&page)
}

func (c *control) eventPage(page *eventlog.Page) (*server.EventPage, error) {
	told := &server.EventPage{Events: make([]server.LoggedEvent, len(page.Events)), Next: page.Next, More: page.More, Removed: page.Removed, Previous: page.Previous}
	link := c.d.setup.Load().link
	for i := range page.Events {
		e := &page.Events[i]
		envelope, err := notify.Envelope(&e.Event, link)
		if err != nil {
			return nil, err
		}
		told.Events[i] = server.LoggedEvent{Envelope: envelope, Cursor: e.Cursor}
	}
	return told, nil
}

// hasEndpoint says whether there is an endpoint of that name, of the
// configuration or registered at run time.
func (c *control) hasEndpoint(name string) bool {
	_, ok := c.d.dispatcher.Configured()[name]
	return ok
}
