package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
	"github.com/pollwire/pollwire/notify"
)

// recordOutcomes writes outcomes of different deliveries, with the attempts of those
// that are there. A delivery that has ended stays so, except that a dead one can
// become delivered.
const recordOutcomes = `WITH o AS (
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::text[],
			$10::bigint[], $11::bytea[]) AS o (delivery, number, attempts, not_before, state, at, duration, status, error, encoding, response)
	), known AS (
		UPDATE deliveries d SET posts = greatest(d.posts, o.number), attempts = o.attempts, not_before = o.not_before,
			state = CASE WHEN d.state = 'waiting' OR d.state = 'dead' AND o.state = 'delivered' THEN o.state ELSE d.state END
		FROM o WHERE d.id = o.delivery RETURNING d.id
	)
	INSERT INTO attempts (delivery, number, at, duration, status, error, encoding, response)
	SELECT o.delivery, o.number, o.at, o.duration, o.status, o.error, o.encoding, o.response
	FROM o JOIN known ON known.id = o.delivery WHERE o.state <> 'superseded'
	ON CONFLICT (delivery, number) DO UPDATE SET at = excluded.at, duration = excluded.duration, status = excluded.status,
		error = excluded.error, encoding = excluded.encoding, response = excluded.response`

// outcomeRow is an outcome as it is written.
type outcomeRow struct {
	outcome  *notify.Outcome
	encoding blob.Encoding
	response []byte
}

// Record saves outcomes and returns when they are durable. An outcome of a
// delivery that retention has removed is dropped, and so is one whose endpoint is
// another node's by now. Where the delivery has ended meanwhile, its end stays,
// except that a dead one can still become delivered.
func (s *Store) Record(ctx context.Context, outcomes []notify.Outcome) error {
	if len(outcomes) == 0 {
		return nil
	}
	rounds, resources := s.roundsOf(outcomes)
	err := s.writeSome(ctx, resources, func(ctx context.Context, tx pgx.Tx, held func(resource string) bool) error {
		for _, rows := range rounds {
			rows = slices.DeleteFunc(rows, func(r outcomeRow) bool { return !held(store.EndpointResource(r.outcome.Endpoint)) })
			if len(rows) == 0 {
				continue
			}
			if _, err := tx.Exec(ctx, recordOutcomes, columnsOf(rows)...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record outcomes: %w", err)
	}
	return nil
}

// roundsOf gives outcomes in rounds of different deliveries, since one statement
// writes a row once, and the resources under whose leases they are. Each round is
// by delivery, so that all lock these in the same order.
func (s *Store) roundsOf(outcomes []notify.Outcome) (rounds [][]outcomeRow, resources []string) {
	times := make(map[int64]int)
	known := make(map[string]bool)
	for i := range outcomes {
		o := &outcomes[i]
		round := times[o.Delivery]
		times[o.Delivery]++
		if round == len(rounds) {
			rounds = append(rounds, nil)
		}
		row := outcomeRow{outcome: o}
		row.encoding, row.response = s.codec.Encode(o.Attempt.Response)
		rounds[round] = append(rounds[round], row)
		if !known[o.Endpoint] {
			known[o.Endpoint] = true
			resources = append(resources, store.EndpointResource(o.Endpoint))
		}
	}
	for _, rows := range rounds {
		slices.SortFunc(rows, func(a, b outcomeRow) int { return cmp.Compare(a.outcome.Delivery, b.outcome.Delivery) })
	}
	return rounds, resources
}

// columnsOf gives outcomes as the arguments of recordOutcomes.
func columnsOf(rows []outcomeRow) []any {
	var numbers [8][]int64
	var states, errors []string
	var responses [][]byte
	for _, r := range rows {
		o, a := r.outcome, &r.outcome.Attempt
		for i, n := range []int64{
			o.Delivery, int64(a.Number), int64(o.Attempts), store.Micros(o.NotBefore),
			store.Micros(a.At), a.Duration.Microseconds(), int64(a.Status), int64(r.encoding),
		} {
			numbers[i] = append(numbers[i], n)
		}
		states, errors, responses = append(states, string(o.State)), append(errors, text(a.Error)), append(responses, r.response)
	}
	return []any{
		numbers[0], numbers[1], numbers[2], numbers[3], states,
		numbers[4], numbers[5], numbers[6], errors, numbers[7], responses,
	}
}
