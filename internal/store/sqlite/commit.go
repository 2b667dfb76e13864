package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
	"github.com/pollwire/pollwire/notify"
)

// wholeEvery says which versions stay whole when newer ones come, so that the
// way from a whole version to any other one has an end where very many are kept.
const wholeEvery = 256

// Commit writes a commit.
func (s *Store) Commit(ctx context.Context, c *store.Commit) error {
	name := "alerts"
	if c.Source != nil {
		name = "source " + c.Source.Name
	}
	rows, err := s.encodeCommit(ctx, c, time.Now())
	if err != nil {
		return fmt.Errorf("commit %s: %w", name, err)
	}
	if err = s.stage(ctx, c, rows); err == nil {
		err = s.write(ctx, rows.size, rows.write)
	}
	s.tidy(ctx, rows, err)
	if err != nil {
		return fmt.Errorf("commit %s: %w", name, err)
	}
	rows.adopt(c)
	return nil
}

func (s *Store) encodeCommit(ctx context.Context, c *store.Commit, now time.Time) (*commitRows, error) {
	r := &commitRows{
		now: store.Micros(now), keep: int64(max(c.KeepSnapshots, 1)), consume: c.ConsumeAcceptance, forget: c.Forget,
		paged: s.lastPage.Load() > 0, loose: &s.loose,
	}
	if c.Source != nil {
		source := *c.Source
		r.source = &source
	}
	if c.Snapshot != nil {
		if c.Snapshot.Body != nil && c.Snapshot.Pages != nil {
			return nil, errors.New("a snapshot with both a body and pages")
		}
		row := s.encodeBlob("", c.Snapshot.At, c.Snapshot.Body, r)
		row.format = string(c.Snapshot.Format)
		r.snapshot = &row
		r.previous = s.encodePrevious(ctx, c, r)
	}
	for _, d := range c.Depart {
		r.departed = append(r.departed, s.encodeBlob(d.Key, d.At, d.Item, r))
	}
	r.returned = append(r.returned, c.Return...)
	for _, d := range c.Details {
		row := s.encodeBlob(d.Key, d.At, d.Body, r)
		row.format, row.seen = string(d.Format), bytes.Clone(d.Seen[:])
		r.details = append(r.details, row)
	}
	r.dropped = append(r.dropped, c.DropDetails...)
	for _, e := range c.Events {
		if !e.Alert && (c.Source == nil || e.Source != c.Source.Name) {
			return nil, fmt.Errorf("event %s is of source %s", e.ID, e.Source)
		}
		row := eventRow{event: e.Event, tell: append([]notify.Delivery(nil), e.Tell...)}
		row.event.Data = nil
		row.encoding, row.data = s.codec.Encode(e.Data)
		r.events = append(r.events, row)
		r.size += len(row.data) + 256*(1+len(row.tell))
		if !e.Alert {
			r.changes++
		}
	}
	if r.source == nil && r.needsSource() {
		return nil, errors.New("changes of a source without its row")
	}
	return r, nil
}

// encodePrevious returns the last snapshot as its difference from that of the
// commit; nil leaves it as it is. Should it not be the last one any more, the
// commit meets a conflict anyway. What cannot be read is left too: it must not
// keep a change from being committed.
func (s *Store) encodePrevious(ctx context.Context, c *store.Commit, r *commitRows) *blobRow {
	if c.Source == nil || c.Source.Version == 0 || r.keep == 1 || c.Source.Version%wholeEvery == 0 ||
		len(c.Snapshot.Body) < blob.CompressFrom {
		return nil
	}
	previous := c.Previous
	if previous == nil || previous.Version != c.Source.Version {
		last, err := s.Snapshot(ctx, c.Source.Name)
		if err != nil || last.Version != c.Source.Version {
			return nil
		}
		previous = &last
	}
	enc, blob, ok := s.codec.Delta(c.Snapshot.Body, previous.Body)
	if !ok {
		return nil
	}
	r.size += len(blob) + 256
	return &blobRow{encoding: enc, blob: blob}
}

func (s *Store) encodeBlob(key string, at time.Time, data []byte, r *commitRows) blobRow {
	row := blobRow{key: key, at: store.Micros(at)}
	row.encoding, row.blob = s.codec.Encode(data)
	r.size += len(row.blob) + 256
	return row
}

// adopt sets in a commit what its write gave.
func (r *commitRows) adopt(c *store.Commit) {
	if c.Source != nil {
		c.Source.Version, c.Source.Sequence, c.Source.AcceptRemoval = r.version, r.sequence, r.accept
	}
	if c.Snapshot != nil {
		c.Snapshot.Version = r.version
		if c.Source != nil {
			c.Source.ChangedAt = store.FromMicros(store.Micros(c.Snapshot.At))
		}
	}
	delivery, sequence := r.first.delivery, r.sequence-r.changes
	for i := range c.Events {
		e := &c.Events[i]
		e.Position = r.first.position + int64(i)
		e.Sequence = 0
		if !e.Alert {
			sequence++
			e.Sequence = sequence
		}
		e.Tell = r.events[i].tell
		for j := range e.Tell {
			e.Tell[j].ID, e.Tell[j].Position = delivery, e.Position
			delivery++
		}
	}
}
