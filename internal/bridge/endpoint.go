package bridge

import (
	"context"
	"fmt"
	"time"

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

// EndpointAlert tells the other endpoints what e.Untold says of one.
func (b *Bridge) EndpointAlert(ctx context.Context, e notify.EndpointState) error {
	return b.tellOf(ctx, store.EndpointResource(e.Name), e.Untold, time.Now(), alertData{
		Name: e.Name, Reason: e.Reason, Since: e.Since, Count: max(e.Failures, 1),
	})
}

// tellOf commits an alert that belongs to no source, under a lease. What it tells of is done
// and will not come again, so it is told even where ctx ends because we stop.
func (b *Bridge) tellOf(ctx context.Context, lease, eventType string, at time.Time, data alertData) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTimeout)
	defer cancel()
	r := b.roster.Load()
	events := []store.Event{b.alert(eventType, at, data)}
	if err := b.write(ctx, &store.Commit{Lease: lease, Events: events}, r); err != nil {
		return fmt.Errorf("tell %s of %s: %w", eventType, data.Name, err)
	}
	if names := told(events); len(names) > 0 {
		b.wake(names...)
	}
	return nil
}
