package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/pollwire/pollwire/internal/server"
)

// Events returns a page of the log, or of what q.Endpoint would be told. The
// events carry their IDs for cursors.
func (c *Client) Events(ctx context.Context, q *server.EventQuery) (*server.EventPage, error) {
	query := make(url.Values)
	for name, value := range map[string]string{"after": q.After, "source": q.Source, "type": q.Type, "subject": q.Subject, "before": q.Before} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if q.NewestFirst {
		query.Set("order", "newest")
	}
	switch {
	case q.Newest:
		query.Set("last", strconv.Itoa(q.Limit))
	case q.Limit > 0:
		query.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Wait > 0 {
		query.Set("wait", q.Wait.String())
	}
	path := []string{"v1", "events"}
	if q.Endpoint != "" {
		path = []string{"v1", "endpoints", q.Endpoint, "events"}
	}
	var page server.EventPage
	if err := c.get(ctx, query, &page, path...); err != nil {
		return nil, err
	}
	return &page, nil
}
