package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
	"github.com/pollwire/pollwire/notify"
)

const (
	selectTracked = `SELECT d.id, d.endpoint, d.lane, d.key, d.batch, d.event, d.posts, d.attempts, d.not_before, d.replay,
		d.state, d.created_at, e.id, e.type, e.source, e.subject,
		coalesce(a.number, 0), coalesce(a.at, 0), coalesce(a.duration, 0), coalesce(a.status, 0), coalesce(a.error, '')
		FROM deliveries d JOIN events e ON e.position = d.event
		LEFT JOIN attempts a ON a.delivery = d.id AND a.number = d.posts `
	// recentDeliveries are few enough to be looked at in one read.
	recentDeliveries = selectTracked + `WHERE d.id IN (SELECT id FROM deliveries WHERE id < ? ORDER BY id DESC LIMIT ?)
		ORDER BY d.id DESC`
	// The states that are asked for when something is wrong have indexes, which are
	// by endpoint, and are used only where the state stands in the query.
	waitingDeliveries = selectTracked + `WHERE d.state = 'waiting' AND d.endpoint = ? AND d.id < ? ORDER BY d.id DESC LIMIT ?`
	deadDeliveries    = selectTracked + `WHERE d.state = 'dead' AND d.endpoint = ? AND d.id < ? ORDER BY d.id DESC LIMIT ?`
	nextWaitingName   = `SELECT endpoint FROM deliveries WHERE state = 'waiting' AND endpoint > ? ORDER BY endpoint LIMIT 1`
	nextDeadName      = `SELECT endpoint FROM deliveries WHERE state = 'dead' AND endpoint > ? ORDER BY endpoint LIMIT 1`
	// An event has few deliveries: one for each endpoint, and its replays.
	deliveriesOfEvent = selectTracked + `WHERE d.event = (SELECT position FROM events WHERE id = ?1) AND d.id < ?2
		AND (?3 = '' OR d.state = ?3) AND (?4 = '' OR d.endpoint = ?4) ORDER BY d.id DESC LIMIT ?5`
	selectAttempts = `SELECT number, at, duration, status, error, encoding, response FROM attempts WHERE delivery = ? ORDER BY number`
	countWaiting   = `SELECT w.endpoint, w.n, d.created_at FROM
		(SELECT endpoint, count(*) AS n, min(id) AS first FROM deliveries INDEXED BY deliveries_waiting WHERE state = 'waiting' GROUP BY endpoint) w
		JOIN deliveries d ON d.id = w.first ORDER BY w.endpoint`
	countDead = `SELECT endpoint, count(*), 0 FROM deliveries INDEXED BY deliveries_dead WHERE state = 'dead' GROUP BY endpoint ORDER BY endpoint`
)

// Deliveries returns a page of deliveries, the newest first.
func (s *Store) Deliveries(ctx context.Context, q store.DeliveryQuery) (store.DeliveryPage, error) {
	if q.Before <= 0 {
		q.Before = math.MaxInt64
	}
	var page store.DeliveryPage
	var err error
	switch {
	case q.Limit <= 0:
	case q.Event != "":
		page, err = s.ofEvent(ctx, &q)
	case q.State == notify.Waiting:
		page, err = s.indexed(ctx, &q, waitingDeliveries, nextWaitingName)
	case q.State == notify.Dead:
		page, err = s.indexed(ctx, &q, deadDeliveries, nextDeadName)
	default:
		page, err = s.recent(ctx, &q)
	}
	if err != nil {
		return store.DeliveryPage{}, fmt.Errorf("read deliveries: %w", err)
	}
	return page, nil
}

// ofEvent lists the deliveries of one event.
func (s *Store) ofEvent(ctx context.Context, q *store.DeliveryQuery) (store.DeliveryPage, error) {
	found, err := list(ctx, s.reader, scanTracked, deliveriesOfEvent, q.Event, q.Before, string(q.State), q.Endpoint, q.Limit)
	if err != nil {
		return store.DeliveryPage{}, err
	}
	return fullPage(found, q.Limit), nil
}

// fullPage is the page of what was found, which something may follow where it is
// as much as was asked for.
func fullPage(found []store.TrackedDelivery, limit int) store.DeliveryPage {
	page := store.DeliveryPage{Deliveries: found}
	if len(found) == limit {
		page.Next = found[limit-1].ID
	}
	return page
}

// indexed lists a state that has an index, of one endpoint or of each.
func (s *Store) indexed(ctx context.Context, q *store.DeliveryQuery, query, nextName string) (store.DeliveryPage, error) {
	names := []string{q.Endpoint}
	if q.Endpoint == "" {
		var err error
		if names, err = s.endpointsOf(ctx, nextName); err != nil {
			return store.DeliveryPage{}, err
		}
	}
	var all []store.TrackedDelivery
	for _, name := range names {
		found, err := list(ctx, s.reader, scanTracked, query, name, q.Before, q.Limit)
		if err != nil {
			return store.DeliveryPage{}, err
		}
		all = newest(append(all, found...), q.Limit)
	}
	return fullPage(all, q.Limit), nil
}

// newest sorts deliveries and keeps the newest of them.
func newest(found []store.TrackedDelivery, limit int) []store.TrackedDelivery {
	slices.SortFunc(found, func(a, b store.TrackedDelivery) int { return cmp.Compare(b.ID, a.ID) })
	return found[:min(len(found), limit)]
}

// endpointsOf goes from name to name, however many deliveries each has.
func (s *Store) endpointsOf(ctx context.Context, nextName string) ([]string, error) {
	var names []string
	for last := ""; ; {
		found, err := list(ctx, s.reader, scanName, nextName, last)
		if err != nil || len(found) == 0 {
			return names, err
		}
		last = found[0]
		names = append(names, last)
	}
}

// recent looks at the newest deliveries for those that are wanted.
func (s *Store) recent(ctx context.Context, q *store.DeliveryQuery) (store.DeliveryPage, error) {
	limit := q.Limit
	if q.State != "" || q.Endpoint != "" {
		limit = store.MaxScanned
	}
	found, err := list(ctx, s.reader, scanTracked, recentDeliveries, q.Before, limit)
	if err != nil {
		return store.DeliveryPage{}, err
	}
	var page store.DeliveryPage
	if len(found) == limit {
		page.Next = found[len(found)-1].ID
	}
	for i := range found {
		d := &found[i]
		if q.State != "" && d.State != q.State || q.Endpoint != "" && d.Endpoint != q.Endpoint {
			continue
		}
		page.Deliveries = append(page.Deliveries, *d)
		if len(page.Deliveries) == q.Limit {
			if i+1 < len(found) {
				page.Next = d.ID
			}
			break
		}
	}
	return page, nil
}

// Delivery returns one delivery with its attempts, or store.ErrNotFound.
func (s *Store) Delivery(ctx context.Context, id int64) (store.TrackedDelivery, []notify.Attempt, error) {
	found, err := list(ctx, s.reader, scanTracked, selectTracked+"WHERE d.id = ?", id)
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}
	var attempts []notify.Attempt
	if err == nil {
		attempts, err = list(ctx, s.reader, s.scanAttempt, selectAttempts, id)
	}
	if err != nil {
		return store.TrackedDelivery{}, nil, fmt.Errorf("read delivery %d: %w", id, err)
	}
	return found[0], attempts, nil
}

// Depths returns how many deliveries of each endpoint wait or are dead.
func (s *Store) Depths(ctx context.Context) ([]store.Depth, error) {
	type count struct {
		endpoint string
		n, first int64
	}
	scan := func(rows *sql.Rows) (c count, err error) {
		err = rows.Scan(&c.endpoint, &c.n, &c.first)
		return c, err
	}
	waiting, err := list(ctx, s.reader, scan, countWaiting)
	if err != nil {
		return nil, fmt.Errorf("count waiting deliveries: %w", err)
	}
	dead, err := list(ctx, s.reader, scan, countDead)
	if err != nil {
		return nil, fmt.Errorf("count dead deliveries: %w", err)
	}
	depths := make([]store.Depth, 0, len(waiting)+len(dead))
	for _, c := range waiting {
		depths = append(depths, store.Depth{Endpoint: c.endpoint, Waiting: c.n, Oldest: store.FromMicros(c.first)})
	}
	for _, c := range dead {
		i := slices.IndexFunc(depths, func(d store.Depth) bool { return d.Endpoint == c.endpoint })
		if i < 0 {
			i = len(depths)
			depths = append(depths, store.Depth{Endpoint: c.endpoint})
		}
		depths[i].Dead = c.n
	}
	slices.SortFunc(depths, func(a, b store.Depth) int { return strings.Compare(a.Endpoint, b.Endpoint) })
	return depths, nil
}

func scanTracked(rows *sql.Rows) (store.TrackedDelivery, error) {
	var d store.TrackedDelivery
	var notBefore, created, at, duration int64
	err := rows.Scan(&d.ID, &d.Endpoint, &d.Lane, &d.Key, &d.Batch, &d.Position, &d.Posts, &d.Attempts, &notBefore, &d.Replay,
		&d.State, &created, &d.EventID, &d.EventType, &d.Source, &d.Subject,
		&d.Last.Number, &at, &duration, &d.Last.Status, &d.Last.Error)
	d.NotBefore, d.CreatedAt, d.Last.At = store.FromMicros(notBefore), store.FromMicros(created), store.FromMicros(at)
	d.Last.Duration = time.Duration(duration) * time.Microsecond
	return d, err
}

func (s *Store) scanAttempt(rows *sql.Rows) (notify.Attempt, error) {
	var a notify.Attempt
	var at, duration int64
	var enc blob.Encoding
	var response []byte
	if err := rows.Scan(&a.Number, &at, &duration, &a.Status, &a.Error, &enc, &response); err != nil {
		return a, err
	}
	a.At, a.Duration = store.FromMicros(at), time.Duration(duration)*time.Microsecond
	var err error
	a.Response, err = s.codec.Decode(enc, response)
	return a, err
}
