package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// WholeEvery says which versions stay whole when newer ones come, so that the
// way from a whole version to any other one has an end where very many are kept.
const WholeEvery = 256

// Commit is a commit as it is written. It is made before the writer is asked, so
// that no other write waits while it is compressed, and owns all its memory.
type Commit struct {
	Source   *store.Source
	Consume  bool
	Snapshot *Row
	// Previous is the last snapshot as its difference from this one, nil where it is
	// left as it is.
	Previous *Row
	Keep     int64
	// Staging are the snapshot's pages, nil where it has one body.
	Staging  *Staging
	Forget   bool
	Departed []Row
	Returned []string
	Details  []Row
	Dropped  []string
	Events   []Event
	// Changes counts the events that take a sequence number.
	Changes int64
	// Now is the time of the write, and Size about how many bytes it writes.
	Now  int64
	Size int

	// What the write gave, valid once it is durable: that of the source's row, and the
	// position of the first event.
	Version, Sequence int64
	Accept            bool
	Position          int64
}

// Row is a snapshot, a departed item or a detail.
type Row struct {
	Key      string
	Format   string
	Seen     []byte
	At       int64
	Encoding Encoding
	Blob     []byte
}

// Event is an event with the deliveries that come of it. The engine takes out those
// that it does not make, and gives the others their IDs.
type Event struct {
	Event    notify.Event // without Data
	Encoding Encoding
	Data     []byte
	Tell     []notify.Delivery
}

// Pack packs a commit. The last snapshot is read by last where the commit has not
// got it.
func (c *Codec) Pack(ctx context.Context, from *store.Commit, now time.Time, last func(ctx context.Context, source string) (store.Snapshot, error)) (*Commit, error) {
	r := &Commit{Now: store.Micros(now), Keep: int64(max(from.KeepSnapshots, 1)), Consume: from.ConsumeAcceptance, Forget: from.Forget}
	if from.Source != nil {
		source := *from.Source
		r.Source = &source
	}
	if from.Snapshot != nil {
		if from.Snapshot.Body != nil && from.Snapshot.Pages != nil {
			return nil, errors.New("a snapshot with both a body and pages")
		}
		row := r.row(c, "", from.Snapshot.At, from.Snapshot.Body)
		row.Format = string(from.Snapshot.Format)
		r.Snapshot = &row
		r.Previous = r.previous(ctx, c, from, last)
	}
	for _, d := range from.Depart {
		r.Departed = append(r.Departed, r.row(c, d.Key, d.At, d.Item))
	}
	r.Returned = append(r.Returned, from.Return...)
	for _, d := range from.Details {
		row := r.row(c, d.Key, d.At, d.Body)
		row.Format, row.Seen = string(d.Format), bytes.Clone(d.Seen[:])
		r.Details = append(r.Details, row)
	}
	r.Dropped = append(r.Dropped, from.DropDetails...)
	if err := r.addEvents(c, from); err != nil {
		return nil, err
	}
	if r.Source == nil && (r.Snapshot != nil || r.Forget || len(r.Departed)+len(r.Returned)+len(r.Details)+len(r.Dropped) > 0) {
		return nil, errors.New("changes of a source without its row")
	}
	return r, nil
}

func (r *Commit) addEvents(c *Codec, from *store.Commit) error {
	for _, e := range from.Events {
		if !e.Alert && (from.Source == nil || e.Source != from.Source.Name) {
			return fmt.Errorf("event %s is of source %s", e.ID, e.Source)
		}
		row := Event{Event: e.Event, Tell: append([]notify.Delivery(nil), e.Tell...)}
		row.Event.Data = nil
		row.Encoding, row.Data = c.Encode(e.Data)
		r.Events = append(r.Events, row)
		r.Size += len(row.Data) + 256*(1+len(row.Tell))
		if !e.Alert {
			r.Changes++
		}
	}
	return nil
}

// previous returns the last snapshot as its difference from that of the commit;
// nil leaves it as it is. Should it not be the last one any more, the commit meets
// a conflict anyway. What cannot be read is left too: it must not keep a change
// from being committed.
func (r *Commit) previous(ctx context.Context, c *Codec, from *store.Commit, last func(ctx context.Context, source string) (store.Snapshot, error)) *Row {
	if from.Source == nil || from.Source.Version == 0 || r.Keep == 1 || from.Source.Version%WholeEvery == 0 ||
		len(from.Snapshot.Body) < CompressFrom {
		return nil
	}
	previous := from.Previous
	if previous == nil || previous.Version != from.Source.Version {
		found, err := last(ctx, from.Source.Name)
		if err != nil || found.Version != from.Source.Version {
			return nil
		}
		previous = &found
	}
	enc, blob, ok := c.Delta(from.Snapshot.Body, previous.Body)
	if !ok {
		return nil
	}
	r.Size += len(blob) + 256
	return &Row{Encoding: enc, Blob: blob}
}

func (r *Commit) row(c *Codec, key string, at time.Time, data []byte) Row {
	row := Row{Key: key, At: store.Micros(at)}
	row.Encoding, row.Blob = c.Encode(data)
	r.Size += len(row.Blob) + 256
	return row
}

// Adopt sets in the commit that was packed what its write gave.
func (r *Commit) Adopt(to *store.Commit) {
	if to.Source != nil {
		to.Source.Version, to.Source.Sequence, to.Source.AcceptRemoval = r.Version, r.Sequence, r.Accept
	}
	if to.Snapshot != nil {
		to.Snapshot.Version = r.Version
		if to.Source != nil {
			to.Source.ChangedAt = store.FromMicros(store.Micros(to.Snapshot.At))
		}
	}
	sequence := r.Sequence - r.Changes
	for i := range to.Events {
		e := &to.Events[i]
		e.Position = r.Position + int64(i)
		e.Sequence = 0
		if !e.Alert {
			sequence++
			e.Sequence = sequence
		}
		e.Tell = r.Events[i].Tell
		for j := range e.Tell {
			e.Tell[j].Position = e.Position
		}
	}
}
