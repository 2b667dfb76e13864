package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/pollwire/pollwire/internal/server"
)

// Endpoints returns how all endpoints stand.
func (c *Client) Endpoints(ctx context.Context) ([]server.Endpoint, error) {
	var list struct {
		Endpoints []server.Endpoint `json:"endpoints"`
	}
	err := c.get(ctx, nil, &list, "v1", "endpoints")
	return list.Endpoints, err
}

// ChangeEndpoint makes a change and returns how the endpoint stands then.
func (c *Client) ChangeEndpoint(ctx context.Context, name string, change server.EndpointChange) (server.Endpoint, error) {
	var endpoint server.Endpoint
	err := c.do(ctx, http.MethodPost, nil, &endpoint, "v1", "endpoints", name, string(change))
	return endpoint, err
}

// TestEndpoint posts a pollwire.ping to an endpoint.
func (c *Client) TestEndpoint(ctx context.Context, name string) (*server.Test, error) {
	var test server.Test
	if err := c.do(ctx, http.MethodPost, nil, &test, "v1", "endpoints", name, "test"); err != nil {
		return nil, err
	}
	return &test, nil
}

// DeliveryQuery says which deliveries are listed: of a state, an endpoint and the
// ID of an event, or of all where those are empty, behind the Next of a page.
type DeliveryQuery struct {
	State, Endpoint, Event, After string
	Limit                         int
}

// Deliveries returns a page of deliveries, the newest first.
func (c *Client) Deliveries(ctx context.Context, q DeliveryQuery) (*server.DeliveryPage, error) {
	query := make(url.Values)
	for name, value := range map[string]string{"state": q.State, "endpoint": q.Endpoint, "event": q.Event, "after": q.After} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if q.Limit > 0 {
		query.Set("limit", strconv.Itoa(q.Limit))
	}
	var page server.DeliveryPage
	if err := c.get(ctx, query, &page, "v1", "deliveries"); err != nil {
		return nil, err
	}
	return &page, nil
}

// Delivery returns a delivery with its attempts.
func (c *Client) Delivery(ctx context.Context, id int64) (*server.Delivery, error) {
	var delivery server.Delivery
	if err := c.get(ctx, nil, &delivery, "v1", "deliveries", strconv.FormatInt(id, 10)); err != nil {
		return nil, err
	}
	return &delivery, nil
}

// RetryDelivery has a delivery posted again, and returns what will be posted.
func (c *Client) RetryDelivery(ctx context.Context, id int64) (*server.Delivery, error) {
	var delivery server.Delivery
	if err := c.do(ctx, http.MethodPost, nil, &delivery, "v1", "deliveries", strconv.FormatInt(id, 10), "retry"); err != nil {
		return nil, err
	}
	return &delivery, nil
}

// StartReplay begins to tell the log again.
func (c *Client) StartReplay(ctx context.Context, q *server.ReplayRequest) (*server.Replay, error) {
	var replay server.Replay
	if err := c.do(ctx, http.MethodPost, q, &replay, "v1", "replay"); err != nil {
		return nil, err
	}
	return &replay, nil
}

// Replay returns how far a replay is.
func (c *Client) Replay(ctx context.Context, id string) (*server.Replay, error) {
	var replay server.Replay
	if err := c.get(ctx, nil, &replay, "v1", "replay", id); err != nil {
		return nil, err
	}
	return &replay, nil
}
