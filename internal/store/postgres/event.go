package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
	"github.com/pollwire/pollwire/notify"
)

const (
	eventColumns = "e.position, e.id, e.type, e.source, e.subject, e.time, e.sequence, e.alert, e.encoding, e.data"
	selectEvent  = "SELECT " + eventColumns + " FROM events e"
)

// Event returns the event at a position of the log, or store.ErrNotFound.
func (s *Store) Event(ctx context.Context, position int64) (notify.Event, error) {
	found, err := list(ctx, s, s.scanEvent, selectEvent+" WHERE position = $1", position)
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return notify.Event{}, fmt.Errorf("read event at %d: %w", position, err)
	}
	return found[0], nil
}

// EventByID returns the event of an id, or store.ErrNotFound.
func (s *Store) EventByID(ctx context.Context, id string) (notify.Event, error) {
	found, err := list(ctx, s, s.scanEvent, selectEvent+" WHERE id = $1", text(id))
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return notify.Event{}, fmt.Errorf("read event %q: %w", id, err)
	}
	return found[0], nil
}

// Events returns up to limit events of the log after a position, oldest first.
func (s *Store) Events(ctx context.Context, after int64, limit int) ([]notify.Event, error) {
	found, err := list(ctx, s, s.scanEvent,
		selectEvent+" WHERE position > $1 ORDER BY position LIMIT $2", after, max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("read events after %d: %w", after, err)
	}
	return found, nil
}

func (s *Store) scanEvent(rows pgx.Rows) (notify.Event, error) { return s.scanEventBehind(rows) }

// scanEventBehind reads an event whose columns stand behind others.
func (s *Store) scanEventBehind(rows pgx.Rows, others ...any) (notify.Event, error) {
	var e notify.Event
	var enc blob.Encoding
	var data []byte
	err := rows.Scan(append(others, &e.Position, (*stored)(&e.ID), (*stored)(&e.Type), (*stored)(&e.Source), (*stored)(&e.Subject),
		(*moment)(&e.Time), &e.Sequence, (*flag)(&e.Alert), &enc, &data)...)
	if err != nil {
		return e, err
	}
	e.Data, err = s.codec.Decode(enc, data)
	return e, err
}
