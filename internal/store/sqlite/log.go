package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// maxScanned is how many events one page of the log looks at.
const maxScanned = 2000

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

// Log returns a page of the log. What is chosen is decided by events without
// their data, and only the data of those that were chosen is read.
func (s *Store) Log(ctx context.Context, q store.LogQuery) (store.LogPage, error) {
	page, err := s.log(ctx, &q)
	if err != nil {
		return store.LogPage{}, fmt.Errorf("read log after %d: %w", q.After, err)
	}
	return page, nil
}

func (s *Store) log(ctx context.Context, q *store.LogQuery) (store.LogPage, error) {
	// It is read first: where nothing is found behind After, what was committed
	// up to here has been removed, and what comes meanwhile is not passed over.
	last, err := s.LastPosition(ctx)
	if err != nil {
		return store.LogPage{}, err
	}
	limit := maxScanned
	if q.Want == nil {
		limit = min(max(q.Limit, 1), maxScanned)
	}
	query, args := selectHeads, []any{q.After, limit}
	if q.Newest {
		before := q.Before
		if before <= 0 {
			before = math.MaxInt64
		}
		query, args = selectNewest, []any{q.After, before, limit}
	}
	heads, err := list(ctx, s.reader, scanHead, query, args...)
	if err != nil {
		return store.LogPage{}, err
	}
	if len(heads) == 0 && q.Newest && q.Before > 0 {
		return store.LogPage{Reached: q.After}, nil
	}
	if len(heads) == 0 {
		return store.LogPage{Reached: max(q.After, last), Removed: last > q.After}, nil
	}
	if q.Newest {
		return s.fillNewest(ctx, q, heads, len(heads) == limit)
	}
	return s.fill(ctx, q, heads)
}

// fill reads the data of the events that are wanted, from the first on.
func (s *Store) fill(ctx context.Context, q *store.LogQuery, heads []notify.Event) (store.LogPage, error) {
	page := store.LogPage{Reached: q.After}
	size := 0
	for i := range heads {
		head := &heads[i]
		wanted := q.Want == nil || q.Want(head)
		if wanted && q.Full(len(page.Events), size) {
			break
		}
		page.Removed = page.Removed || head.Position != page.Reached+1
		page.Reached = head.Position
		if !wanted {
			continue
		}
		event, err := s.Event(ctx, head.Position)
		switch {
		case errors.Is(err, store.ErrNotFound): // removed meanwhile
			page.Removed = true
		case err != nil:
			return store.LogPage{}, err
		default:
			page.Events = append(page.Events, event)
			size += len(event.Data)
		}
	}
	return page, nil
}

// fillNewest reads the data of the events that are wanted, from the last one
// back. There may be more than those heads.
func (s *Store) fillNewest(ctx context.Context, q *store.LogQuery, heads []notify.Event, more bool) (store.LogPage, error) {
	page := store.LogPage{Reached: heads[0].Position}
	if more {
		page.Earlier = heads[len(heads)-1].Position
	}
	size := 0
	for i := range heads {
		if q.Full(len(page.Events), size) {
			page.Earlier = heads[max(i-1, 0)].Position
			break
		}
		if q.Want != nil && !q.Want(&heads[i]) {
			continue
		}
		event, err := s.Event(ctx, heads[i].Position)
		if errors.Is(err, store.ErrNotFound) {
			continue // nobody counted on it
		}
		if err != nil {
			return store.LogPage{}, err
		}
		page.Events = append(page.Events, event)
		size += len(event.Data)
	}
	slices.Reverse(page.Events)
	return page, nil
}

func scanHead(rows *sql.Rows) (notify.Event, error) {
	var e notify.Event
	var at int64
	err := rows.Scan(&e.Position, &e.ID, &e.Type, &e.Source, &e.Subject, &at, &e.Sequence, &e.Alert)
	e.Time = store.FromMicros(at)
	return e, err
}
