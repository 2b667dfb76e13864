package daemon

import (
	"context"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// pulseAgain is how soon what could not be looked at is looked at again.
const pulseAgain = time.Second

// pulsed looks at what was committed and changed, by whichever node, since the last
// time. It returns when it has seen all of it, or ctx has ended: whatever it misses
// would wait for something else to happen.
func (d *Daemon) pulsed(ctx context.Context, before, now store.Pulse) {
	if now.Position != before.Position {
		d.log.Grown()
	}
	if now.Delivery != before.Delivery {
		d.until(ctx, "node cannot see who is to be told", func(ctx context.Context) error {
			names, err := d.shared.Told(ctx, before.Delivery, now.Delivery)
			if err == nil && len(names) > 0 {
				d.dispatcher.Wake(names...)
			}
			return err
		})
	}
	if now.Generation == before.Generation {
		return
	}
	d.others.look()
	d.bridge.Nudge()
	d.until(ctx, "node cannot see which sources are paused", d.pauses.load)
	d.until(ctx, "node cannot see who subscribed", d.subscriptions.Refresh)
}

// until does something again until there is no error, or ctx has ended.
func (d *Daemon) until(ctx context.Context, failure string, do func(context.Context) error) {
	again := time.NewTimer(0)
	defer again.Stop()
	for failed := false; ; failed = true {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
		err := do(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		if !failed {
			d.logger.Warn(failure, "err", err) //nolint:sloglint // one of a few
		}
		again.Reset(pulseAgain)
	}
}
