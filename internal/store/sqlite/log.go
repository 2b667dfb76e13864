package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

const (
	// selectHeads leaves out what takes the time: the data.
	selectHeads    = "SELECT position, id, type, source, subject, time, sequence, alert FROM events WHERE position > ? ORDER BY position LIMIT ?"
	selectNewest   = "SELECT position, id, type, source, subject, time, sequence, alert FROM events WHERE position > ? AND position < ? ORDER BY position DESC LIMIT ?"
	selectPosition = "SELECT seq FROM sqlite_sequence WHERE name = 'events'"
)

// LastPosition returns the position of the last event that was ever committed.
func (s *Store) LastPosition(ctx context.Context) (int64, error) {
	found, err := list(ctx, s.reader, func(rows *sql.Rows) (position int64, err error) {
		err = rows.Scan(&position)
		return position, err
	}, selectPosition)
	if err != nil {
		return 0, fmt.Errorf("read last position of the log: %w", err)
	}
	if len(found) == 0 {
		return 0, nil
	}
	return found[0], nil
}

// Log returns a page of the log. Its events are read one by one, which costs no
// round trip here.
func (s *Store) Log(ctx context.Context, q store.LogQuery) (store.LogPage, error) {
	page, err := store.ReadLog(ctx, logReader{s}, &q, 1)
	if err != nil {
		return store.LogPage{}, fmt.Errorf("read log after %d: %w", q.After, err)
	}
	return page, nil
}

// logReader reads what pages of the log are made of.
type logReader struct{ *Store }

var _ store.LogReader = logReader{}

// Heads returns events without their data.
func (r logReader) Heads(ctx context.Context, q *store.LogQuery, limit int) ([]notify.Event, error) {
	if q.Newest {
		return list(ctx, r.reader, scanHead, selectNewest, q.After, q.End(), limit)
	}
	return list(ctx, r.reader, scanHead, selectHeads, q.After, limit)
}

// Whole returns events with their data.
func (r logReader) Whole(ctx context.Context, positions []int64) ([]notify.Event, error) {
	var whole []notify.Event
	for _, position := range positions {
		event, err := r.Event(ctx, position)
		switch {
		case errors.Is(err, store.ErrNotFound): // removed meanwhile
		case err != nil:
			return nil, err
		default:
			whole = append(whole, event)
		}
	}
	return whole, nil
}

func scanHead(rows *sql.Rows) (notify.Event, error) {
	var e notify.Event
	var at int64
	err := rows.Scan(&e.Position, &e.ID, &e.Type, &e.Source, &e.Subject, &at, &e.Sequence, &e.Alert)
	e.Time = store.FromMicros(at)
	return e, err
}
