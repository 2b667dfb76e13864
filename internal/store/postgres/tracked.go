package postgres

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

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
	// Which deliveries are listed is decided by their IDs, so that nothing else is
	// joined with more of them.
	byIDs   = "WHERE d.id = ANY(ARRAY("
	newest  = ")) ORDER BY d.id DESC"
	ofOne   = "SELECT id FROM deliveries WHERE state = '%[1]s' AND endpoint = $3 AND id < $1 ORDER BY id DESC LIMIT $2"
	ofNames = `WITH RECURSIVE names (name) AS (
			SELECT min(endpoint) FROM deliveries WHERE state = '%[1]s'
			UNION ALL
			SELECT (SELECT min(endpoint) FROM deliveries WHERE state = '%[1]s' AND endpoint > name) FROM names WHERE name IS NOT NULL
		)
		SELECT d.id FROM names CROSS JOIN LATERAL
			(SELECT id FROM deliveries WHERE state = '%[1]s' AND endpoint = name AND id < $1 ORDER BY id DESC LIMIT $2) d
		ORDER BY d.id DESC LIMIT $2`

	// recentDeliveries are few enough to be looked at in one read.
	recentDeliveries = `SELECT id, ($3 = '' OR state = $3) AND ($4 = '' OR endpoint = $4)
		FROM deliveries WHERE id < $1 ORDER BY id DESC LIMIT $2`
	theseDeliveries = selectTracked + "WHERE d.id = ANY($1) ORDER BY d.id DESC"
	// An event has few deliveries: one for each endpoint, and its replays. All of them
	// are found before they are sorted.
	deliveriesOfEvent = selectTracked + byIDs + `SELECT id FROM (SELECT * FROM deliveries
			WHERE event = (SELECT position FROM events WHERE id = $3) OFFSET 0) o
		WHERE id < $1 AND ($4 = '' OR state = $4) AND ($5 = '' OR endpoint = $5) ORDER BY id DESC LIMIT $2` + newest
	selectAttempts = `SELECT number, at, duration, status, error, encoding, response FROM attempts WHERE delivery = $1 ORDER BY number`
	selectDepths   = `SELECT coalesce(w.endpoint, x.endpoint), coalesce(w.n, 0), coalesce(x.n, 0), coalesce(d.created_at, 0)
		FROM (SELECT endpoint, count(*) AS n, min(id) AS first FROM deliveries WHERE state = 'waiting' GROUP BY endpoint) w
		FULL JOIN (SELECT endpoint, count(*) AS n FROM deliveries WHERE state = 'dead' GROUP BY endpoint) x ON x.endpoint = w.endpoint
		LEFT JOIN deliveries d ON d.id = w.first ORDER BY 1`
)

// The states that are asked for when something is wrong have indexes, which are by
// endpoint, and are used only where the state stands in the query.
var (
	waitingOfOne = selectTracked + byIDs + fmt.Sprintf(ofOne, notify.Waiting) + newest
	waitingOfAll = selectTracked + byIDs + fmt.Sprintf(ofNames, notify.Waiting) + newest
	deadOfOne    = selectTracked + byIDs + fmt.Sprintf(ofOne, notify.Dead) + newest
	deadOfAll    = selectTracked + byIDs + fmt.Sprintf(ofNames, notify.Dead) + newest
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
		page, err = s.fullPage(ctx, q.Limit, deliveriesOfEvent, q.Before, q.Limit, text(q.Event), string(q.State), text(q.Endpoint))
	case q.State == notify.Waiting && q.Endpoint == "":
		page, err = s.fullPage(ctx, q.Limit, waitingOfAll, q.Before, q.Limit)
	case q.State == notify.Waiting:
		page, err = s.fullPage(ctx, q.Limit, waitingOfOne, q.Before, q.Limit, text(q.Endpoint))
	case q.State == notify.Dead && q.Endpoint == "":
		page, err = s.fullPage(ctx, q.Limit, deadOfAll, q.Before, q.Limit)
	case q.State == notify.Dead:
		page, err = s.fullPage(ctx, q.Limit, deadOfOne, q.Before, q.Limit, text(q.Endpoint))
	default:
		page, err = s.recent(ctx, &q)
	}
	if err != nil {
		return store.DeliveryPage{}, fmt.Errorf("read deliveries: %w", err)
	}
	return page, nil
}

// fullPage is the page of what a query finds, which something may follow where it
// is as much as was asked for.
func (s *Store) fullPage(ctx context.Context, limit int, query string, args ...any) (store.DeliveryPage, error) {
	found, err := list(ctx, s, scanTracked, query, args...)
	page := store.DeliveryPage{Deliveries: found}
	if err == nil && len(found) == limit {
		page.Next = found[limit-1].ID
	}
	return page, err
}

// recent looks at the newest deliveries for those that are wanted.
func (s *Store) recent(ctx context.Context, q *store.DeliveryQuery) (store.DeliveryPage, error) {
	type looked struct {
		id     int64
		wanted bool
	}
	scan := func(rows pgx.Rows) (l looked, err error) {
		err = rows.Scan(&l.id, &l.wanted)
		return l, err
	}
	limit := q.Limit
	if q.State != "" || q.Endpoint != "" {
		limit = store.MaxScanned
	}
	all, err := list(ctx, s, scan, recentDeliveries, q.Before, limit, string(q.State), text(q.Endpoint))
	if err != nil {
		return store.DeliveryPage{}, err
	}
	var page store.DeliveryPage
	if len(all) == limit {
		page.Next = all[len(all)-1].id
	}
	var ids []int64
	for i, l := range all {
		if !l.wanted {
			continue
		}
		ids = append(ids, l.id)
		if len(ids) == q.Limit {
			if i+1 < len(all) {
				page.Next = l.id
			}
			break
		}
	}
	if len(ids) > 0 {
		page.Deliveries, err = list(ctx, s, scanTracked, theseDeliveries, ids)
	}
	if q.State != "" { // one that has ended since it was looked at is no answer
		page.Deliveries = slices.DeleteFunc(page.Deliveries, func(d store.TrackedDelivery) bool { return d.State != q.State })
	}
	return page, err
}

// Delivery returns one delivery with its attempts, or store.ErrNotFound.
func (s *Store) Delivery(ctx context.Context, id int64) (store.TrackedDelivery, []notify.Attempt, error) {
	found, err := list(ctx, s, scanTracked, theseDeliveries, []int64{id})
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}
	var attempts []notify.Attempt
	if err == nil {
		attempts, err = list(ctx, s, s.scanAttempt, selectAttempts, id)
	}
	if err != nil {
		return store.TrackedDelivery{}, nil, fmt.Errorf("read delivery %d: %w", id, err)
	}
	return found[0], attempts, nil
}

// Depths returns how many deliveries of each endpoint wait or are dead.
func (s *Store) Depths(ctx context.Context) ([]store.Depth, error) {
	scan := func(rows pgx.Rows) (d store.Depth, err error) {
		err = rows.Scan((*stored)(&d.Endpoint), &d.Waiting, &d.Dead, (*moment)(&d.Oldest))
		return d, err
	}
	found, err := list(ctx, s, scan, selectDepths)
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	return found, nil
}

func scanTracked(rows pgx.Rows) (store.TrackedDelivery, error) {
	var d store.TrackedDelivery
	err := rows.Scan(&d.ID, (*stored)(&d.Endpoint), (*stored)(&d.Lane), (*stored)(&d.Key), (*stored)(&d.Batch),
		&d.Position, &d.Posts, &d.Attempts, (*moment)(&d.NotBefore), (*flag)(&d.Replay),
		&d.State, (*moment)(&d.CreatedAt), (*stored)(&d.EventID), (*stored)(&d.EventType), (*stored)(&d.Source), (*stored)(&d.Subject),
		&d.Last.Number, (*moment)(&d.Last.At), (*span)(&d.Last.Duration), &d.Last.Status, (*stored)(&d.Last.Error))
	return d, err
}

func (s *Store) scanAttempt(rows pgx.Rows) (notify.Attempt, error) {
	var a notify.Attempt
	var enc blob.Encoding
	var response []byte
	err := rows.Scan(&a.Number, (*moment)(&a.At), (*span)(&a.Duration), &a.Status, (*stored)(&a.Error), &enc, &response)
	if err != nil {
		return a, err
	}
	a.Response, err = s.codec.Decode(enc, response)
	return a, err
}
