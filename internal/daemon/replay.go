package daemon

import (
	"context"
	"fmt"
)

// welcomeEndpoints finds out which endpoints are new, before anything is told.
func (d *Daemon) welcomeEndpoints(ctx context.Context) error {
	list, err := listeners(d.cfg)
	if err != nil {
		return err
	}
	if err := d.bridge.SetEndpoints(ctx, list); err != nil {
		return fmt.Errorf("set endpoints: %w", err)
	}
	return nil
}

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
