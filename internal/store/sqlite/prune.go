package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pollwire/pollwire/internal/store"
)

// pruneBatch bounds the rows that one transaction of a retention run takes, so
// that other writes never wait long for it.
const pruneBatch = 200

// The queries by which a retention run finds what is old, a batch at a time.
const (
	findOldDeliveries = `SELECT e.time, d.id FROM events e CROSS JOIN deliveries d ON d.event = e.position
		WHERE e.time < ?1 AND (e.time, d.id) > (?2, ?3) AND d.state <> 'waiting'
		AND (d.state <> 'dead' OR d.not_before < ?1)
		AND NOT EXISTS (SELECT 1 FROM deliveries w WHERE w.event = e.position AND w.state = 'waiting')
		ORDER BY e.time, d.id LIMIT ?4`
	findOldEvents = `SELECT time, position FROM events e
		WHERE time < ?1 AND (time, position) > (?2, ?3)
		AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.position)
		ORDER BY time, position LIMIT ?4`
	deleteDeparted = `DELETE FROM departed WHERE (source, key) IN
		(SELECT source, key FROM departed WHERE at < ? ORDER BY at LIMIT ?)`
)

// Prune removes what retention allows to, in transactions of bounded length.
// What is old is looked for by reading, and looked at again in the transaction
// that removes it.
func (s *Store) Prune(ctx context.Context, r store.Retention) (store.Pruned, error) {
	var done store.Pruned
	steps := []func() error{
		func() error { return s.expire(ctx, store.Micros(r.Waiting), &done) },
		func() error { return s.pruneDeliveries(ctx, store.Micros(r.Events), &done) },
		func() error { return s.pruneEvents(ctx, store.Micros(r.Events), &done) },
		func() error { return s.pruneDeparted(ctx, store.Micros(r.Events), &done) },
		func() error { return s.pruneReplays(ctx, store.Micros(r.Events)) },
		func() error { return s.vacuum(ctx) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return done, fmt.Errorf("prune: %w", err)
		}
	}
	return done, nil
}

// pruneDeliveries removes the finished deliveries of old events that no waiting
// one needs, and their attempts. A dead one stays to be seen for as long as an
// event does, from when it died, which its not_before tells.
func (s *Store) pruneDeliveries(ctx context.Context, before int64, done *store.Pruned) error {
	const remove = "DELETE FROM deliveries WHERE state <> 'waiting' AND id IN "
	return s.pruneRows(ctx, findOldDeliveries, remove, before, &done.Deliveries)
}

// pruneEvents removes old events that have no deliveries any more.
func (s *Store) pruneEvents(ctx context.Context, before int64, done *store.Pruned) error {
	const remove = `DELETE FROM events WHERE NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event = position) AND position IN `
	return s.pruneRows(ctx, findOldEvents, remove, before, &done.Events)
}

// pruneRows removes batch by batch what look finds after (time, number), and
// counts it.
func (s *Store) pruneRows(ctx context.Context, look, remove string, before int64, count *int64) error {
	type place struct{ time, number int64 }
	scan := func(rows *sql.Rows) (p place, err error) {
		err = rows.Scan(&p.time, &p.number)
		return p, err
	}
	for last := (place{time: -1 << 62}); ; {
		old, err := list(ctx, s.reader, scan, look, before, last.time, last.number, pruneBatch)
		if err != nil || len(old) == 0 {
			return err
		}
		last = old[len(old)-1]
		numbers := make([]int64, len(old))
		for i, p := range old {
			numbers[i] = p.number
		}
		var removed int64
		err = s.write(ctx, 256*len(old), func(s *session) error {
			var err error
			removed, err = removeRows(s, remove, numbers)
			return err
		})
		if err != nil {
			return err
		}
		*count += removed
	}
}

// removeRows runs a DELETE that ends in IN for all numbers.
func removeRows(s *session, remove string, numbers []int64) (int64, error) {
	var removed int64
	for args := range chunks(numbers) {
		n, err := s.change(remove+"("+placeholders(len(args))+")", args...)
		if err != nil {
			return 0, err
		}
		removed += n
	}
	return removed, nil
}

// pruneDeparted removes departed items that left before a time.
func (s *Store) pruneDeparted(ctx context.Context, before int64, done *store.Pruned) error {
	for {
		var removed int64
		err := s.write(ctx, 256*pruneBatch, func(s *session) (err error) {
			removed, err = s.change(deleteDeparted, before, pruneBatch)
			return err
		})
		if err != nil {
			return err
		}
		done.Departed += removed
		if removed < pruneBatch {
			return nil
		}
	}
}

// vacuum gives free pages back to the file system once they are a quarter of
// the file; fewer are better kept for the next rows.
func (s *Store) vacuum(ctx context.Context) error {
	type space struct{ free, all int64 }
	scan := func(rows *sql.Rows) (f space, err error) {
		err = rows.Scan(&f.free, &f.all)
		return f, err
	}
	for {
		found, err := list(ctx, s.reader, scan,
			"SELECT (SELECT freelist_count FROM pragma_freelist_count), (SELECT page_count FROM pragma_page_count)")
		if err != nil || found[0].free < checkpointPages || found[0].free < found[0].all/4 {
			return err
		}
		err = s.write(ctx, 4096*pruneBatch, func(s *session) error {
			_, err := s.exec("PRAGMA incremental_vacuum(200)")
			return err
		})
		if err != nil {
			return err
		}
	}
}
