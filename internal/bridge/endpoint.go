package bridge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// tellTimeout bounds how long a stop waits for an event to be committed.
const tellTimeout = 5 * time.Second

// EndpointDisabled tells the other endpoints of one that was disabled.
func (b *Bridge) EndpointDisabled(ctx context.Context, e notify.EndpointState) {
	b.tellOf(ctx, b.alert("pollwire.endpoint.disabled", time.Now(), alertData{
		Name: e.Name, Reason: e.Reason, Since: e.Since, Count: 1,
	}))
}

// Expired tells of deliveries that became dead because they waited too long.
func (b *Bridge) Expired(ctx context.Context, deliveries []notify.Delivery) {
	count := make(map[string]int)
	for i := range deliveries {
		count[deliveries[i].Endpoint]++
	}
	now := time.Now()
	for _, name := range slices.Sorted(maps.Keys(count)) {
		n := count[name]
		b.tellOf(ctx, b.alert("pollwire.endpoint.failing", now, alertData{
			Name: name, Since: now, Count: n,
			Reason: fmt.Sprintf("%d deliveries waited longer than storage.retention.waiting and are dead", n),
		}))
	}
}

// tellOf commits an event that belongs to no source. What it tells of is done
// and will not come again, so it is told even where ctx ends because we stop.
func (b *Bridge) tellOf(ctx context.Context, event store.Event) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTimeout)
	defer cancel()
	events := []store.Event{event}
	if err := b.store.Commit(ctx, &store.Commit{Events: events}); err != nil {
		b.logger.Error("alert not told", "type", event.Type, "name", event.Source, "err", err)
		return
	}
	if names := told(events); len(names) > 0 {
		b.wake(names...)
	}
}
