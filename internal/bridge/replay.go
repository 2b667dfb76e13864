package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// Replays is where replays are asked for and looked at.
type Replays interface {
	// AddReplays saves replays that begin, all or none. A First of an endpoint
	// that has one is left out.
	AddReplays(ctx context.Context, replays []store.Replay) error
	// ReplaysByID returns the replays of an ID, or store.ErrNotFound.
	ReplaysByID(ctx context.Context, id string) ([]store.Replay, error)
	// Retell adds another delivery of the event of one that has ended. It fails
	// with store.ErrNotFound, and with store.ErrConflict where the event waits for
	// the endpoint.
	Retell(ctx context.Context, delivery int64) (notify.Delivery, error)
	// Delivery returns a delivery with its attempts, or store.ErrNotFound.
	Delivery(ctx context.Context, id int64) (store.TrackedDelivery, []notify.Attempt, error)
}

var (
	// ErrNothingToReplay says that a replay asks for what cannot be.
	ErrNothingToReplay = errors.New("nothing to replay")
	// ErrWaits says that an event waits for an endpoint, so that there is no use
	// in telling it again.
	ErrWaits = errors.New("the event still waits for the endpoint: retry that delivery")
)

// StartReplay begins to tell the log again, to one endpoint or, where it names
// none, to each; of Replay Endpoint, Source, Since, Until and Dead are given. It
// returns when that is saved: what is told comes step by step, also after a
// restart. Events go to the endpoints that would be told them by the rules of
// today, what is dead to where it is dead. The error is
// notify.ErrUnknownEndpoint, ErrUnknownSource, ErrNothingToReplay or a
// *StoreError.
func (b *Bridge) StartReplay(ctx context.Context, r store.Replay) (store.Replay, error) {
	if !r.Since.IsZero() && !r.Until.IsZero() && !r.Since.Before(r.Until) {
		return store.Replay{}, fmt.Errorf("%w: since %s is not before until %s",
			ErrNothingToReplay, r.Since.Format(time.RFC3339), r.Until.Format(time.RFC3339))
	}
	// Nothing may be left for an endpoint that goes meanwhile: once it has gone
	// nobody looks for it again.
	b.telling.RLock()
	defer b.telling.RUnlock()
	var names []string
	known := b.roster.Load()
	for i := range known.endpoints {
		if name := known.endpoints[i].Name; r.Endpoint == "" || r.Endpoint == name {
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 0 && r.Endpoint == "":
		return store.Replay{}, fmt.Errorf("%w: there is no endpoint", ErrNothingToReplay)
	case len(names) == 0:
		return store.Replay{}, fmt.Errorf("endpoint %q: %w", r.Endpoint, notify.ErrUnknownEndpoint)
	}
	if err := b.knowsSource(ctx, r.Source); err != nil {
		return store.Replay{}, err
	}
	now := time.Now()
	id := b.newULID("rpl_", now)
	replays := make([]store.Replay, len(names))
	for i, name := range names {
		replays[i] = store.Replay{
			ID: id, Endpoint: name, Source: r.Source, Since: r.Since, Until: r.Until, Dead: r.Dead, CreatedAt: now,
		}
	}
	if err := b.store.AddReplays(ctx, replays); err != nil {
		return store.Replay{}, &StoreError{Err: err}
	}
	b.Nudge()
	return sum(replays), nil
}

// knowsSource fails where neither the configuration nor the log has a source.
func (b *Bridge) knowsSource(ctx context.Context, source string) error {
	if source == "" || b.roster.Load().states[source] != nil {
		return nil
	}
	all := store.Replay{First: true, Source: source}
	found, err := b.store.ReplayEvents(ctx, &all, 1)
	switch {
	case err != nil:
		return &StoreError{Err: err}
	case len(found) == 0:
		return fmt.Errorf("%w %q, and the log has none of that name either", ErrUnknownSource, source)
	}
	return nil
}

// Replay returns how far a replay is, or fails with store.ErrNotFound. Of one to
// several endpoints Endpoint is empty and the numbers are sums; it is finished
// when all of it is.
func (b *Bridge) Replay(ctx context.Context, id string) (store.Replay, error) {
	if id == store.FirstReplay {
		return store.Replay{}, fmt.Errorf("replay %q: %w", id, store.ErrNotFound)
	}
	replays, err := b.store.ReplaysByID(ctx, id)
	if err != nil {
		return store.Replay{}, err
	}
	return sum(replays), nil
}

// Retell tells the event of a delivery that has ended again, at once. It fails
// with store.ErrNotFound, with notify.ErrUnknownEndpoint where there is nobody to
// tell any more, and with ErrWaits where the event still waits for the endpoint.
func (b *Bridge) Retell(ctx context.Context, delivery int64) (notify.Delivery, error) {
	b.telling.RLock()
	defer b.telling.RUnlock()
	old, _, err := b.store.Delivery(ctx, delivery)
	if err != nil {
		return notify.Delivery{}, err
	}
	if b.roster.Load().byName[old.Endpoint] == nil {
		return notify.Delivery{}, fmt.Errorf("delivery %d: endpoint %q: %w", delivery, old.Endpoint, notify.ErrUnknownEndpoint)
	}
	again, err := b.store.Retell(ctx, delivery)
	if errors.Is(err, store.ErrConflict) {
		return notify.Delivery{}, fmt.Errorf("delivery %d: %w", delivery, ErrWaits)
	}
	if err != nil {
		return notify.Delivery{}, err
	}
	b.wake(again.Endpoint)
	return again, nil
}

// sum is what replays of one ID come to together.
func sum(replays []store.Replay) store.Replay {
	all := replays[0]
	if len(replays) == 1 {
		return all
	}
	all.Endpoint, all.Start, all.Reached, all.Last, all.Told, all.Waiting = "", 0, 0, 0, 0, 0
	finished := true
	for _, r := range replays {
		all.Reached += r.Reached - r.Start
		all.Last += r.Last - r.Start
		all.Told += r.Told
		all.Waiting += r.Waiting
		finished = finished && !r.FinishedAt.IsZero()
		if r.FinishedAt.After(all.FinishedAt) {
			all.FinishedAt = r.FinishedAt
		}
	}
	if !finished {
		all.FinishedAt = time.Time{}
	}
	return all
}

// newULID returns an ID: those made later sort later. A clock that is wrong by
// decades, before 1970, gives them the first time there is.
func (b *Bridge) newULID(prefix string, at time.Time) string {
	b.idMu.Lock()
	defer b.idMu.Unlock()
	return prefix + ulid.MustNew(uint64(max(at.UnixMilli(), 0)), b.ids).String()
}
