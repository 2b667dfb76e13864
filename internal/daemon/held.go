package daemon

import (
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
func (c *control) heldBack(endpoint string) []string {
	var reasons []string
	status := c.d.dispatcher.Status()
	for i := range status {
		if endpoint != "" && status[i].Name != endpoint {
			continue
		}
		if reason := held(&status[i]); reason != "" {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}

// tellReplay is what the API tells of a replay.
func (c *control) tellReplay(r *store.Replay) *server.Replay {
	told := server.NewReplay(r)
	if told.FinishedAt == nil || told.Waiting > 0 {
		told.Held = c.heldBack(r.Endpoint)
	}
	return &told
}
