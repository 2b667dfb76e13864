package daemon

import "context"

// startReplays carries out what is told besides what happens now.
func (d *Daemon) startReplays(ctx context.Context) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.bridge.RunReplays(ctx)
	}()
	d.started("replays", func(context.Context) error {
		cancel()
		<-done
		return nil
	})
	return nil
}
