package sqlite

import (
	"context"
	"fmt"

	"github.com/pollwire/pollwire/notify"
)

// outcomeRow is an outcome as it is written, with memory of its own.
type outcomeRow struct {
	outcome  notify.Outcome
	encoding encoding
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
		rows[i].encoding, rows[i].response = s.codec.encode(o.Attempt.Response)
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
	for _, r := range rows {
		o, a := r.outcome, r.outcome.Attempt
		result, err := s.exec(`UPDATE deliveries SET posts = max(posts, ?1), attempts = ?2, not_before = ?3,
			state = CASE WHEN state = 'waiting' OR state = 'dead' AND ?4 = 'delivered' THEN ?4 ELSE state END
			WHERE id = ?5`, a.Number, o.Attempts, micros(o.NotBefore), string(o.State), o.Delivery)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if n > 0 && o.State != notify.Superseded {
			values = append(values, o.Delivery, a.Number, micros(a.At), a.Duration.Microseconds(), a.Status, a.Error,
				int64(r.encoding), r.response)
		}
	}
	return s.insert(&insertAttempts, values)
}
