package client

import (
	"context"
	"net/http"

	"github.com/pollwire/pollwire/internal/server"
)

// Sources returns how all sources stand.
func (c *Client) Sources(ctx context.Context) ([]server.Source, error) {
	var list struct {
		Sources []server.Source `json:"sources"`
	}
	err := c.get(ctx, nil, &list, "v1", "sources")
	return list.Sources, err
}

// Source returns how one stands.
func (c *Client) Source(ctx context.Context, name string) (*server.Source, error) {
	var source server.Source
	if err := c.get(ctx, nil, &source, "v1", "sources", name); err != nil {
		return nil, err
	}
	return &source, nil
}

// Polls returns the last polls of a source, the newest first.
func (c *Client) Polls(ctx context.Context, source string) ([]server.Poll, error) {
	var list server.PollList
	err := c.get(ctx, nil, &list, "v1", "sources", source, "polls")
	return list.Polls, err
}

// ChangeSource makes a change and returns how the source stands then.
func (c *Client) ChangeSource(ctx context.Context, name string, change server.SourceChange) (*server.Source, error) {
	var source server.Source
	if err := c.do(ctx, http.MethodPost, nil, &source, "v1", "sources", name, string(change)); err != nil {
		return nil, err
	}
	return &source, nil
}

// Limits returns how all rate limits stand.
func (c *Client) Limits(ctx context.Context) ([]server.Limit, error) {
	var list struct {
		Limits []server.Limit `json:"limits"`
	}
	err := c.get(ctx, nil, &list, "v1", "limits")
	return list.Limits, err
}

// Nodes returns the daemons that share the database.
func (c *Client) Nodes(ctx context.Context) ([]server.Node, error) {
	var list struct {
		Nodes []server.Node `json:"nodes"`
	}
	err := c.get(ctx, nil, &list, "v1", "nodes")
	return list.Nodes, err
}
