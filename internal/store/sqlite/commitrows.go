package sqlite

import (
	"database/sql"
	"slices"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
	"github.com/pollwire/pollwire/notify"
)

// commitRows is a commit as it is written.
type commitRows struct {
	*blob.Commit
	// paged says that the database has had pages at all. Where it had none, no
	// version that goes is asked for them.
	paged bool
	// loose learns of the pages of versions that go.
	loose *blob.LoosePages
	// loosened says that pages went with their versions.
	loosened bool
}

func (r *commitRows) write(s *session) error {
	if r.Source != nil {
		if err := r.writeSource(s); err != nil {
			return err
		}
	}
	if r.Snapshot != nil {
		if err := r.writeSnapshot(s); err != nil {
			return err
		}
	}
	if r.Forget {
		if err := r.writeForget(s); err != nil {
			return err
		}
	}
	if err := r.writeDeparted(s); err != nil {
		return err
	}
	if err := r.writeDetails(s); err != nil {
		return err
	}
	return r.writeEvents(s)
}

func (r *commitRows) writeSource(s *session) error {
	src := r.Source
	var grow int64
	if r.Snapshot != nil {
		grow = 1
	}
	rows, err := s.query(`UPDATE sources SET request_key = ?, rules_key = ?, etag = ?, last_modified = ?, raw_hash = ?, cursor = ?,
		alert_since = ?, alert_failures = ?, alert_reason = ?, alert_told_at = ?,
		version = version + ?, sequence = sequence + ?, accept_removal = accept_removal AND NOT ?
		WHERE name = ? AND version = ? RETURNING version, sequence, accept_removal`,
		src.RequestKey, src.RulesKey, src.State.ETag, src.State.LastModified, src.State.RawHash[:], src.State.Cursor,
		store.Micros(src.Alert.Since), src.Alert.Failures, src.Alert.Reason, store.Micros(src.Alert.ToldAt),
		grow, r.Changes, r.Consume, src.Name, src.Version)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	if rows.Next() {
		return errOr(rows.Scan(&r.Version, &r.Sequence, &r.Accept), rows.Close())
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if src.Version != 0 {
		return store.ErrConflict
	}
	return r.insertSource(s, grow)
}

// insertSource makes the row of a new source. Its numbers go on after those
// that the log has under its name, of a source that has another name now.
func (r *commitRows) insertSource(s *session, version int64) error {
	src := r.Source
	rows, err := s.query(`INSERT INTO sources (name, request_key, rules_key, etag, last_modified, raw_hash, cursor,
		alert_since, alert_failures, alert_reason, alert_told_at, version, sequence)
		VALUES (?1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? + (`+lastSequence+`)) ON CONFLICT DO NOTHING RETURNING sequence`,
		src.Name, src.RequestKey, src.RulesKey, src.State.ETag, src.State.LastModified, src.State.RawHash[:], src.State.Cursor,
		store.Micros(src.Alert.Since), src.Alert.Failures, src.Alert.Reason, store.Micros(src.Alert.ToldAt), version, r.Changes)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		return errOr(rows.Err(), store.ErrConflict)
	}
	r.Version, r.Accept = version, false
	return errOr(rows.Scan(&r.Sequence), rows.Close())
}

// writeSnapshot replaces the last snapshot's whole body first, so that the new
// one can take its place in the file. Since the oldest versions go first, the
// one that another is rebuilt from is always kept longer.
func (r *commitRows) writeSnapshot(s *session) error {
	if p := r.Previous; p != nil {
		_, err := s.exec("UPDATE snapshots SET encoding = ?, body = ? WHERE source = ? AND version = ? AND length(body) > ?",
			int64(p.Encoding), p.Blob, r.Source.Name, r.Version-1, len(p.Blob))
		if err != nil {
			return err
		}
	}
	_, err := s.exec("INSERT INTO snapshots (source, version, at, format, encoding, body) VALUES (?, ?, ?, ?, ?, ?)",
		r.Source.Name, r.Version, r.Snapshot.At, r.Snapshot.Format, int64(r.Snapshot.Encoding), r.Snapshot.Blob)
	if err != nil {
		return err
	}
	if r.Staging != nil {
		if err := r.listPages(s); err != nil {
			return err
		}
	}
	return r.deleteVersions(s)
}

func (r *commitRows) writeDeparted(s *session) error {
	insertDeparted := bulk{
		into:    "INSERT INTO departed (source, key, at, encoding, item)",
		columns: 5,
		suffix:  "ON CONFLICT DO UPDATE SET at = excluded.At, encoding = excluded.Encoding, item = excluded.item",
	}
	var values []any
	for _, d := range r.Departed {
		values = append(values, r.Source.Name, d.Key, d.At, int64(d.Encoding), d.Blob)
	}
	if err := s.insert(&insertDeparted, values); err != nil {
		return err
	}
	return r.deleteKeys(s, "DELETE FROM departed WHERE source = ? AND key IN ", r.Returned)
}

func (r *commitRows) writeDetails(s *session) error {
	if err := r.deleteKeys(s, "DELETE FROM details WHERE source = ? AND key IN ", r.Dropped); err != nil {
		return err
	}
	insertDetails := bulk{
		into:    "INSERT INTO details (source, key, seen, at, format, encoding, body)",
		columns: 7,
		suffix: `ON CONFLICT DO UPDATE SET seen = excluded.Seen, at = excluded.At, format = excluded.Format,
			encoding = excluded.Encoding, body = excluded.body`,
	}
	var values []any
	for _, d := range r.Details {
		values = append(values, r.Source.Name, d.Key, d.Seen, d.At, d.Format, int64(d.Encoding), d.Blob)
	}
	return s.insert(&insertDetails, values)
}

// writeForget removes all that is known of items that are not in the list.
func (r *commitRows) writeForget(s *session) error {
	for _, query := range []string{"DELETE FROM departed WHERE source = ?", "DELETE FROM details WHERE source = ?"} {
		if _, err := s.exec(query, r.Source.Name); err != nil {
			return err
		}
	}
	return nil
}

// deleteKeys runs a DELETE of the source's that ends in IN for all keys.
func (r *commitRows) deleteKeys(s *session, query string, keys []string) error {
	for args := range chunks(keys) {
		_, err := s.exec(query+"("+placeholders(len(args))+")", append([]any{r.Source.Name}, args...)...)
		if err != nil {
			return err
		}
	}
	return nil
}

// leaveOut takes from the events what is told endpoints that are still to be told
// the log before them. The replay that does it comes to these events too.
func (r *commitRows) leaveOut(s *session) error {
	scan := func(rows *sql.Rows) (endpoint string, err error) {
		err = rows.Scan(&endpoint)
		return endpoint, err
	}
	behind, err := selectRows(s, scan, "SELECT endpoint FROM replays WHERE first = 1 AND finished_at = 0")
	if err != nil || len(behind) == 0 {
		return err
	}
	for i := range r.Events {
		r.Events[i].Tell = slices.DeleteFunc(r.Events[i].Tell, func(d notify.Delivery) bool {
			return slices.Contains(behind, d.Endpoint)
		})
	}
	return nil
}

func (r *commitRows) writeEvents(s *session) error {
	if slices.ContainsFunc(r.Events, func(e blob.Event) bool { return len(e.Tell) > 0 }) {
		if err := r.leaveOut(s); err != nil {
			return err
		}
	}
	r.Position = s.ids.position + 1
	insertEvents := bulk{
		into:    "INSERT INTO events (position, id, type, source, subject, time, sequence, alert, encoding, data)",
		columns: 10,
	}
	insertDeliveries := bulk{
		into:    "INSERT INTO deliveries (id, event, endpoint, lane, key, state, posts, attempts, not_before, replay, created_at)",
		columns: 11,
	}
	var events, deliveries []any
	sequence := r.Sequence - r.Changes
	for _, row := range r.Events {
		s.ids.position++
		var own int64
		if !row.Event.Alert {
			sequence++
			own = sequence
		}
		e := row.Event
		events = append(events, s.ids.position, e.ID, e.Type, e.Source, e.Subject, store.Micros(e.Time),
			own, e.Alert, int64(row.Encoding), row.Data)
		for i, d := range row.Tell {
			s.ids.delivery++
			row.Tell[i].ID = s.ids.delivery
			deliveries = append(deliveries, s.ids.delivery, s.ids.position, d.Endpoint, d.Lane, d.Key,
				string(notify.Waiting), 0, 0, 0, d.Replay, r.Now)
		}
	}
	if err := s.insert(&insertEvents, events); err != nil {
		return err
	}
	return s.insert(&insertDeliveries, deliveries)
}
