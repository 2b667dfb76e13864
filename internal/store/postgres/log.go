package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// fetched is how many events are read at once with their data, which may be large.
const fetched = 32

const (
	// selectHeads leaves out what takes the time: the data.
	selectHeads    = "SELECT position, id, type, source, subject, time, sequence, alert FROM events WHERE position > $1 ORDER BY position LIMIT $2"
	selectNewest   = "SELECT position, id, type, source, subject, time, sequence, alert FROM events WHERE position > $1 AND position < $2 ORDER BY position DESC LIMIT $3"
	selectPosition = "SELECT position FROM log_head WHERE id = 1"
	selectWanted   = selectEvent + " WHERE e.position = ANY($1)"
)

// LastPosition returns the position of the last event that was ever committed.
func (s *Store) LastPosition(ctx context.Context) (int64, error) {
	found, err := list(ctx, s, scanID, selectPosition)
	if err == nil && len(found) == 0 {
		err = store.ErrDamaged
	}
	if err != nil {
		return 0, fmt.Errorf("read last position of the log: %w", err)
	}
	return found[0], nil
}

// Log returns a page of the log.
func (s *Store) Log(ctx context.Context, q store.LogQuery) (store.LogPage, error) {
	page, err := store.ReadLog(ctx, logReader{s}, &q, fetched)
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
		return list(ctx, r.Store, scanHead, selectNewest, q.After, q.End(), limit)
	}
	return list(ctx, r.Store, scanHead, selectHeads, q.After, limit)
}

// Whole returns events with their data.
func (r logReader) Whole(ctx context.Context, positions []int64) ([]notify.Event, error) {
	return list(ctx, r.Store, r.scanEvent, selectWanted, positions)
}

func scanHead(rows pgx.Rows) (notify.Event, error) {
	var e notify.Event
	err := rows.Scan(&e.Position, (*stored)(&e.ID), (*stored)(&e.Type), (*stored)(&e.Source), (*stored)(&e.Subject),
		(*moment)(&e.Time), &e.Sequence, (*flag)(&e.Alert))
	return e, err
}
