package daemon

import (
	"context"
	"fmt"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// held says why nothing is posted to an endpoint until somebody changes that, and
// how; empty where nothing holds it back.
func held(e *notify.EndpointStatus) string {
	switch {
	case !e.Enabled:
		return fmt.Sprintf("endpoint %q has enabled: false in the configuration: its deliveries wait until that is changed", e.Name)
	case e.Disabled:
		return fmt.Sprintf("endpoint %q is disabled (%s): its deliveries wait until 'pollwire enable endpoint/%s'", e.Name, e.Reason, e.Name)
	case e.Paused:
		return fmt.Sprintf("endpoint %q is paused: its deliveries wait until 'pollwire resume endpoint/%s'", e.Name, e.Name)
	}
	return ""
}

// heldBack says of an endpoint, or with an empty name of all, what holds them back.
func (c *control) heldBack(ctx context.Context, endpoint string) ([]string, error) {
	status, err := c.standings(ctx)
	if err != nil {
		return nil, err
	}
	var reasons []string
	for i := range status {
		if endpoint != "" && status[i].Name != endpoint {
			continue
		}
		if reason := held(&status[i].EndpointStatus); reason != "" {
			reasons = append(reasons, reason)
		}
	}
	return reasons, nil
}

// tellReplay is what the API tells of a replay.
func (c *control) tellReplay(ctx context.Context, r *store.Replay) (*server.Replay, error) {
	told := server.NewReplay(r)
	if told.FinishedAt == nil || told.Waiting > 0 {
		var err error
		if told.Held, err = c.heldBack(ctx, r.Endpoint); err != nil {
			return nil, err
		}
	}
	return &told, nil
}
