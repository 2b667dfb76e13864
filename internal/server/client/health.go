package client

import (
	"context"

	"github.com/pollwire/pollwire/internal/server"
)

// Health returns how the daemon stands, with the reasons.
func (c *Client) Health(ctx context.Context) (*server.Health, error) {
	var h server.Health
	if err := c.get(ctx, nil, &h, "v1", "health"); err != nil {
		return nil, err
	}
	return &h, nil
}
