package sqlite

import (
	"context"
	"fmt"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"

	"github.com/pollwire/pollwire/notify"
)

// outcomeRow is an outcome as it is written, with memory of its own.
type outcomeRow struct {
	outcome  notify.Outcome
	encoding blob.Encoding
	response []byte
}

// Record saves outcomes and returns when they are durable. An outcome of a
// delivery that retention has removed is dropped. Where the delivery has ended
// meanwhile, its end stays, except that a dead one can still become delivered.
func (s *Store) Record(ctx context.Context, outcomes []notify.Outcome) error {
	if len(outcomes) == 0 {
		return nil
	}
	rows := make([]outcomeRow, len(outcomes))
	size := 0
	for i, o := range outcomes {
		rows[i].outcome = o
		rows[i].encoding, rows[i].response = s.codec.Encode(o.Attempt.Response)
		size += len(rows[i].response) + 256
	}
	err := s.write(ctx, size, func(s *session) error { return recordOutcomes(s, rows) })
	if err != nil {
		return fmt.Errorf("record outcomes: %w", err)
	}
	return nil
}

func recordOutcomes(s *session, rows []outcomeRow) error {
	insertAttempts := bulk{
		into:    "INSERT INTO attempts (delivery, number, at, duration, status, error, encoding, response)",
		columns: 8,
		suffix: `ON CONFLICT DO UPDATE SET at = excluded.at, duration = excluded.duration, status = excluded.status,
			error = excluded.error, encoding = excluded.encoding, response = excluded.response`,
	}
	values := make([]any, 0, len(rows)*insertAttempts.columns)
	for len(rows) > 0 {
		n, known, err := updateDelivered(s, rows)
		if err == nil && n == 0 {
			n = 1
			known, err = updateDelivery(s, &rows[0])
		}
		if err != nil {
			return err
		}
		for _, r := range rows[:n] {
			o, a := r.outcome, r.outcome.Attempt
			if known && o.State != notify.Superseded {
				values = append(values, o.Delivery, a.Number, store.Micros(a.At), a.Duration.Microseconds(), a.Status, a.Error,
					int64(r.encoding), r.response)
			}
		}
		rows = rows[n:]
	}
	return s.insert(&insertAttempts, values)
}

// alike is how many deliveries one statement ends.
const alike = 256

// updateDelivered ends the deliveries of the first rows by one statement where
// they were delivered in the same way, as nearly all are, and returns how many.
// It ends none where one of them has ended before, or is gone.
func updateDelivered(s *session, rows []outcomeRow) (int, bool, error) {
	first := &rows[0].outcome
	seen := make(map[int64]bool, alike)
	var ids []int64
	for i := range rows[:min(len(rows), alike)] {
		o := &rows[i].outcome
		if o.State != notify.Delivered || o.Attempts != first.Attempts || o.Attempt.Number != first.Attempt.Number || seen[o.Delivery] {
			break
		}
		seen[o.Delivery] = true
		ids = append(ids, o.Delivery)
	}
	if len(ids) < 2 {
		return 0, false, nil
	}
	for args := range chunks(ids) {
		left, err := selectRows(s, scanID, "SELECT count(*) FROM deliveries WHERE state = 'waiting' AND posts < ? AND id IN ("+
			placeholders(len(args))+")", append([]any{first.Attempt.Number}, args...)...)
		if err != nil || left[0] < int64(len(ids)) {
			return 0, false, err
		}
		_, err = s.exec("UPDATE deliveries SET posts = ?, attempts = ?, not_before = ?, state = 'delivered' WHERE id IN ("+
			placeholders(len(args))+")", append([]any{first.Attempt.Number, first.Attempts, store.Micros(first.NotBefore)}, args...)...)
		if err != nil {
			return 0, false, err
		}
	}
	return len(ids), true, nil
}

// updateDelivery writes one outcome and reports whether its delivery is there.
func updateDelivery(s *session, r *outcomeRow) (bool, error) {
	o := &r.outcome
	n, err := s.change(`UPDATE deliveries SET posts = max(posts, ?1), attempts = ?2, not_before = ?3,
		state = CASE WHEN state = 'waiting' OR state = 'dead' AND ?4 = 'delivered' THEN ?4 ELSE state END
		WHERE id = ?5`, o.Attempt.Number, o.Attempts, store.Micros(o.NotBefore), string(o.State), o.Delivery)
	return n > 0, err
}
