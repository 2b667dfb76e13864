package postgres

import (
	"slices"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

const (
	// takeNumbers locks the end of the log until the transaction ends. It is the last
	// row that is locked.
	takeNumbers = `UPDATE log_head SET position = position + $1, delivery = delivery + $2 WHERE id = 1
		RETURNING position - $1, delivery - $2`
	insertEvents = `INSERT INTO events (position, id, type, source, subject, time, sequence, alert, encoding, data)
		SELECT (SELECT position FROM log_head WHERE id = 1) - $1 + u.n, u.id, u.type, u.source, u.subject, u.time, u.sequence,
		u.alert, u.encoding, decode(u.data, 'base64')
		FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS u (n, id, type, source, subject, time, sequence, alert, encoding, data)`
	// insertDeliveries leaves out what is told endpoints that are still to be told the
	// log before it. The replay that does it comes to these events too: it ends with
	// the end of the log locked, so that none falls between the two.
	insertDeliveries = `INSERT INTO deliveries (id, event, endpoint, lane, key, state, posts, attempts, not_before, replay, created_at)
		SELECT (SELECT delivery FROM log_head WHERE id = 1) - $2 + u.n, (SELECT position FROM log_head WHERE id = 1) - $1 + u.event,
		u.endpoint, u.lane, u.key, 'waiting', 0, 0, 0, u.replay, u.at
		FROM unnest($3, $4, $5, $6, $7, $8, $9) AS u (n, event, endpoint, lane, key, replay, at)
		WHERE NOT EXISTS (SELECT 1 FROM replays r WHERE r.endpoint = u.endpoint AND r.first = 1 AND r.finished_at = 0)
		RETURNING id`
)

// logScript adds to the log what commits append to it.
type logScript struct {
	commits []*commit
	// The places of what the statements give, -1 of those that are left out.
	numbers, told int
}

func newLogScript(s *script, commits []*commit) *logScript {
	l := &logScript{commits: commits, numbers: -1, told: -1}
	var n, at, sequence, alert, encoding []int64
	var id, kind, source, subject []string
	var data [][]byte
	var d tellColumns
	for _, c := range commits {
		next := c.Sequence - c.Changes
		for _, row := range c.Events {
			e, own := row.Event, int64(0)
			if !e.Alert {
				next++
				own = next
			}
			n = append(n, int64(len(n))+1)
			id, kind, source, subject = append(id, e.ID), append(kind, e.Type), append(source, e.Source), append(subject, e.Subject)
			at, sequence, alert = append(at, store.Micros(e.Time)), append(sequence, own), append(alert, number(e.Alert))
			encoding, data = append(encoding, int64(row.Encoding)), append(data, row.Data)
			for _, tell := range row.Tell {
				d.add(int64(len(n)), c.Now, tell)
			}
		}
	}
	if len(n) == 0 {
		return l
	}

	l.numbers = s.add(takeNumbers, int64(len(n)), int64(len(d.n)))
	s.add(insertEvents, int64(len(n)), n, id, kind, source, subject, at, sequence, alert, encoding, data)
	if len(d.n) > 0 {
		l.told = s.add(insertDeliveries, int64(len(n)), int64(len(d.n)), d.n, d.event, d.endpoint, d.lane, d.key, d.replay, d.at)
	}
	return l
}

// tellColumns are deliveries by columns.
type tellColumns struct {
	n, event, replay, at []int64
	endpoint, lane, key  []string
}

func (d *tellColumns) add(event, now int64, tell notify.Delivery) {
	d.n, d.event, d.at = append(d.n, int64(len(d.n))+1), append(d.event, event), append(d.at, now)
	d.endpoint, d.lane, d.key = append(d.endpoint, tell.Endpoint), append(d.lane, tell.Lane), append(d.key, tell.Key)
	d.replay = append(d.replay, number(tell.Replay))
}

// read sets in the commits the numbers that they were given.
func (l *logScript) read(found results) {
	if l.numbers < 0 {
		return
	}
	numbers := found[l.numbers].Rows[0] // without that row the events had found no position
	position, delivery := integer(numbers[0]), integer(numbers[1])
	told := make(map[int64]bool)
	if l.told >= 0 {
		for _, row := range found[l.told].Rows {
			told[integer(row[0])] = true
		}
	}
	for _, c := range l.commits {
		c.Position = position + 1
		for i := range c.Events {
			position++
			for j := range c.Events[i].Tell {
				delivery++
				c.Events[i].Tell[j].ID = delivery
			}
			c.Events[i].Tell = slices.DeleteFunc(c.Events[i].Tell, func(d notify.Delivery) bool { return !told[d.ID] })
		}
	}
}
