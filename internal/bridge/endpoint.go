package bridge

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/pollwire/pollwire/internal/expression"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// Endpoint says which events an endpoint is told, and how they keep their order.
type Endpoint struct {
	Name string
	// Sources are those that it is told of, changes and alerts; nil for all that
	// notify it.
	Sources []string
	// Events are globs of event types; empty means every change and no alert.
	Events []string
	// Filter says which changes; nil for all. Alerts are not filtered.
	Filter *expression.Program
	// Order is the order that its deliveries keep.
	Order notify.Order
	// Latest tells of an item only what is latest, where it was not told before.
	Latest bool
	// Past tells it, where it is new, the log from Since on, which is zero for all
	// of it, before what happens now. An endpoint is new once: see SetEndpoints.
	Past  bool
	Since time.Time
}

// tellTimeout bounds how long a stop waits for an event to be committed.
const tellTimeout = 5 * time.Second

// EndpointAlert tells the other endpoints what e.Untold says of one. Where it was told
// before, and nobody knew, it tells nobody again: whoever asks for it does so until
// he knows, also after another node has taken over the endpoint.
func (b *Bridge) EndpointAlert(ctx context.Context, e notify.EndpointState) error {
	id := alertID(&e)
	if known, err := b.isLogged(ctx, id); err != nil || known {
		return err
	}
	alert := b.alert(e.Untold, time.Now(), alertData{
		Name: e.Name, Reason: e.Reason, Since: e.Since, Count: max(e.Failures, 1),
	})
	if id != "" {
		alert.ID = id
	}
	return b.tellOf(ctx, store.EndpointResource(e.Name), alert)
}

// alertID is the ID of what is to be told of an endpoint, the same on every node;
// empty where nothing tells it from what was told before.
func alertID(e *notify.EndpointState) string {
	if e.Since.IsZero() {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", e.Name, e.Untold, store.Micros(e.Since)))
	var id ulid.ULID
	// Neither fails: the time lies within thousands of years, the entropy fits.
	_ = id.SetTime(uint64(max(e.Since.UnixMilli(), 0)))
	_ = id.SetEntropy(sum[:len(id.Entropy())])
	return "evt_" + id.String()
}

// isLogged says whether the log has an event, and wakes whoever it has deliveries for
// then. Of an empty ID it has none.
func (b *Bridge) isLogged(ctx context.Context, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTimeout)
	defer cancel()
	_, err := b.store.EventByID(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look whether it was told: %w", err)
	}
	b.wake()
	return true, nil
}

// tellOf commits an alert that belongs to no source, under a lease. What it tells of is done
// and will not come again, so it is told even where ctx ends because we stop.
func (b *Bridge) tellOf(ctx context.Context, lease string, alert store.Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTimeout)
	defer cancel()
	r := b.roster.Load()
	events := []store.Event{alert}
	if err := b.write(ctx, &store.Commit{Lease: lease, Events: events}, r); err != nil {
		return fmt.Errorf("tell %s of %s: %w", alert.Type, alert.Source, err)
	}
	if names := told(events); len(names) > 0 {
		b.wake(names...)
	}
	return nil
}
