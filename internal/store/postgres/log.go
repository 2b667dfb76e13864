package postgres

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

const (
	// maxScanned is how many events one page of the log looks at, and how many
	// deliveries a page of those.
	maxScanned = 2000
	// fetched is how many events are read at once with their data, which may be large.
	fetched = 32
)

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
	heads, err := list(ctx, s, scanHead, query, args...)
	if err != nil {
		return store.LogPage{}, err
	}
	if len(heads) == 0 && q.Newest && q.Before > 0 {
		return store.LogPage{Reached: q.After}, nil
	}
	if len(heads) == 0 {
		return store.LogPage{Reached: max(q.After, last), Removed: last > q.After}, nil
	}
	wanted := s.choose(q, heads)
	if q.Newest {
		return fillNewest(ctx, q, wanted, len(heads) == limit)
	}
	return fill(ctx, q, wanted)
}

// chosen are the events of a page by turns, of which those that are wanted have
// their data read, some at a time.
type chosen struct {
	store  *Store
	heads  []notify.Event
	wanted []bool
	read   map[int64]notify.Event
}

func (s *Store) choose(q *store.LogQuery, heads []notify.Event) *chosen {
	c := &chosen{store: s, heads: heads, wanted: make([]bool, len(heads)), read: make(map[int64]notify.Event)}
	for i := range heads {
		c.wanted[i] = q.Want == nil || q.Want(&heads[i])
	}
	return c
}

// event returns a wanted one, and false where it was removed meanwhile. It reads
// up to so many that come next along.
func (c *chosen) event(ctx context.Context, i, more int) (notify.Event, bool, error) {
	position := c.heads[i].Position
	if _, ok := c.read[position]; !ok {
		var positions []int64
		for ; i < len(c.heads) && len(positions) < min(more, fetched); i++ {
			if c.wanted[i] {
				positions = append(positions, c.heads[i].Position)
			}
		}
		found, err := list(ctx, c.store, c.store.scanEvent, selectWanted, positions)
		if err != nil {
			return notify.Event{}, false, err
		}
		clear(c.read)
		for _, position := range positions {
			c.read[position] = notify.Event{}
		}
		for _, e := range found {
			c.read[e.Position] = e
		}
	}
	e := c.read[position]
	return e, e.Position != 0, nil
}

// fill takes the events that are wanted, from the first on.
func fill(ctx context.Context, q *store.LogQuery, c *chosen) (store.LogPage, error) {
	page := store.LogPage{Reached: q.After}
	size := 0
	for i := range c.heads {
		if c.wanted[i] && q.Full(len(page.Events), size) {
			break
		}
		page.Removed = page.Removed || c.heads[i].Position != page.Reached+1
		page.Reached = c.heads[i].Position
		if !c.wanted[i] {
			continue
		}
		event, found, err := c.event(ctx, i, q.Limit-len(page.Events))
		if err != nil {
			return store.LogPage{}, err
		}
		if !found {
			page.Removed = true
			continue
		}
		page.Events = append(page.Events, event)
		size += len(event.Data)
	}
	return page, nil
}

// fillNewest takes the events that are wanted, from the last one back. There may
// be more than those.
func fillNewest(ctx context.Context, q *store.LogQuery, c *chosen, more bool) (store.LogPage, error) {
	page := store.LogPage{Reached: c.heads[0].Position}
	if more {
		page.Earlier = c.heads[len(c.heads)-1].Position
	}
	size := 0
	for i := range c.heads {
		if q.Full(len(page.Events), size) {
			page.Earlier = c.heads[max(i-1, 0)].Position
			break
		}
		if !c.wanted[i] {
			continue
		}
		event, found, err := c.event(ctx, i, q.Limit-len(page.Events))
		if err != nil {
			return store.LogPage{}, err
		}
		if !found {
			continue // nobody counted on it
		}
		page.Events = append(page.Events, event)
		size += len(event.Data)
	}
	slices.Reverse(page.Events)
	return page, nil
}

func scanHead(rows pgx.Rows) (notify.Event, error) {
	var e notify.Event
	err := rows.Scan(&e.Position, (*stored)(&e.ID), (*stored)(&e.Type), (*stored)(&e.Source), (*stored)(&e.Subject),
		(*moment)(&e.Time), &e.Sequence, (*flag)(&e.Alert))
	return e, err
}
