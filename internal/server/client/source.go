package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/pollwire/pollwire/diff"
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
	var list server.NodeList
	err := c.get(ctx, nil, &list, "v1", "nodes")
	return list.Nodes, err
}

// Node returns one of them, by its ID or its name, with what it holds.
func (c *Client) Node(ctx context.Context, id string) (*server.Node, error) {
	var node server.Node
	if err := c.get(ctx, nil, &node, "v1", "nodes", id); err != nil {
		return nil, err
	}
	return &node, nil
}

// Snapshot returns a page of an accepted answer of a source: of the last one
// where no version is asked for, and the first page where no page is.
func (c *Client) Snapshot(ctx context.Context, q server.SnapshotQuery) (*server.Snapshot, error) {
	query := make(url.Values)
	if q.Version > 0 {
		query.Set("version", strconv.FormatInt(q.Version, 10))
	}
	if q.Page > 0 {
		query.Set("page", strconv.Itoa(q.Page))
	}
	req, err := c.request(ctx, http.MethodGet, nil, []string{"v1", "sources", q.Source, "snapshot"})
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = query.Encode()
	header, body, err := c.read(req)
	if err != nil {
		return nil, err
	}
	snapshot := &server.Snapshot{Body: body, Format: diff.Format(header.Get("Pollwire-Format"))}
	snapshot.At, err = http.ParseTime(header.Get("Last-Modified"))
	if err == nil {
		snapshot.Version, err = strconv.ParseInt(header.Get("Pollwire-Version"), 10, 64)
	}
	if err == nil {
		snapshot.Pages, err = strconv.Atoi(header.Get("Pollwire-Pages"))
	}
	if err != nil {
		return nil, fmt.Errorf("read the daemon's answer: %w", err)
	}
	return snapshot, nil
}
