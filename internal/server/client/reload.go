package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/pollwire/pollwire/internal/server"
)

// Reload lets the daemon take its configuration anew, and returns what came of it.
func (c *Client) Reload(ctx context.Context) (server.Reload, error) {
	var done server.Reload
	err := c.do(ctx, http.MethodPost, nil, &done, "v1", "reload")
	return done, err
}

// LastReload returns what came of the last reload. With a wait it waits so long,
// in whole seconds up to 60, for one after a number.
func (c *Client) LastReload(ctx context.Context, after int, wait time.Duration) (server.Reload, error) {
	query := make(url.Values)
	if after > 0 {
		query.Set("after", strconv.Itoa(after))
	}
	if wait > 0 {
		query.Set("wait", strconv.Itoa(int(wait/time.Second)))
	}
	var done server.Reload
	err := c.get(ctx, query, &done, "v1", "reload")
	return done, err
}
