package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// relabelBatch bounds the deliveries that one transaction relabels, so that
// other writes never wait long for it.
const relabelBatch = 1000

const (
	findRelabel = `SELECT d.id, d.lane, d.replay, e.source, e.subject
		FROM (SELECT id, lane, replay, event FROM deliveries WHERE state = 'waiting' AND endpoint = $1 AND id > $2 ORDER BY id LIMIT $3 FOR UPDATE) d
		JOIN events e ON e.position = d.event ORDER BY d.id`
	relabel = `UPDATE deliveries d SET lane = n.lane FROM unnest($1::bigint[], $2::text[]) AS n (id, lane) WHERE d.id = n.id`
)

// Relabel gives the waiting deliveries of an endpoint whose lane is none of an
// order's the one that they have in it.
func (s *Store) Relabel(ctx context.Context, endpoint string, order notify.Order) error {
	if !slices.Contains([]notify.Order{notify.OrderNone, notify.OrderItem, notify.OrderSource, notify.OrderEndpoint}, order) {
		return fmt.Errorf("relabel deliveries of endpoint %s: no order %q", endpoint, order)
	}
	for after := int64(0); ; {
		var found int
		err := s.write(ctx, []string{store.EndpointResource(endpoint)}, func(ctx context.Context, tx pgx.Tx) (err error) {
			found, after, err = relabelSome(ctx, tx, endpoint, order, after)
			return err
		})
		if err != nil {
			return fmt.Errorf("relabel deliveries of endpoint %s: %w", endpoint, err)
		}
		if found < relabelBatch {
			return nil
		}
	}
}

// relabelSome relabels the next deliveries after an ID, and returns how many it has
// looked at, and the last of them.
func relabelSome(ctx context.Context, tx pgx.Tx, endpoint string, order notify.Order, after int64) (found int, last int64, err error) {
	type labeled struct {
		id     int64
		lane   string
		replay bool
		event  notify.Event
	}
	scan := func(rows pgx.Rows) (l labeled, err error) {
		err = rows.Scan(&l.id, (*stored)(&l.lane), (*flag)(&l.replay), (*stored)(&l.event.Source), (*stored)(&l.event.Subject))
		return l, err
	}
	all, err := selectRows(ctx, tx, scan, findRelabel, text(endpoint), after, relabelBatch)
	if err != nil || len(all) == 0 {
		return 0, after, err
	}
	var ids []int64
	var lanes []string
	for i := range all {
		l := &all[i]
		if lane := order.Relabel(l.lane, l.replay, &l.event); lane != l.lane {
			ids, lanes = append(ids, l.id), append(lanes, text(lane))
		}
	}
	if len(ids) > 0 {
		_, err = tx.Exec(ctx, relabel, ids, lanes)
	}
	return len(all), all[len(all)-1].id, err
}
