package daemon

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

// self is this process as others see it.
type self struct {
	// name is what the node is called, host the machine that it runs on.
	name, host string
	started    time.Time
}

func newSelf(name string) self { return self{NodeName(name), hostName(), time.Now().UTC()} }

// hostName is the name of this machine.
func hostName() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		return "localhost" // nothing but a name to show
	}
	return host
}

func (c *control) Nodes(context.Context) (*server.NodeList, error) {
	setup := c.d.setup.Load()
	return &server.NodeList{Nodes: []server.Node{{
		Name: c.d.self.name, PID: os.Getpid(), Self: true, Version: c.d.o.Version, StartedAt: c.d.self.started, ConfiguredAt: setup.made,
		Sources: len(setup.enabled()), Endpoints: len(c.d.dispatcher.Status()),
	}}}, nil
}

func (c *control) Node(ctx context.Context, id string) (*server.Node, error) {
	list, err := c.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list.Nodes {
		if n := &list.Nodes[i]; n.ID != "" && n.ID == id || n.Name == id {
			return n, nil
		}
	}
	return nil, fmt.Errorf("node %q: %w", id, store.ErrNotFound)
}

func (c *control) Limits(context.Context) ([]server.Limit, error) {
	sharing := make(map[string][]string)
	setup := c.d.setup.Load()
	for _, name := range setup.names() {
		if limit := setup.sources[name].asked.Limit; limit != "" {
			sharing[limit] = append(sharing[limit], name)
		}
	}
	status := c.d.limiter.Limits()
	list := make([]server.Limit, len(status))
	for i := range status {
		s := &status[i]
		list[i] = server.Limit{
			Name: s.Name, Requests: s.Requests, PerSeconds: s.Per.Seconds(), Reserve: s.Reserve, Burst: s.Burst, Concurrency: s.Concurrency,
			Used: s.Used, Left: s.Left, UnderWay: s.UnderWay, Waiting: s.Waiting, PausedUntil: instant(s.PausedUntil),
			Sources: append([]string{}, sharing[s.Name]...),
		}
	}
	return list, nil
}
