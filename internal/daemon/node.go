package daemon

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/pollwire/pollwire/internal/cluster"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

// silentFor is how long a node has not been heard of that does nothing any more: it
// stops some time before others may take over what it has.
const silentFor = cluster.Silence - 2*time.Second

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
	if c.d.others != nil {
		return c.tellMembers(), nil
	}
	setup := c.d.setup.Load()
	return &server.NodeList{Nodes: []server.Node{{
		Name: c.d.self.name, PID: os.Getpid(), Self: true, Version: c.d.o.Version, StartedAt: c.d.self.started, ConfiguredAt: setup.made,
		Sources: len(setup.enabled()), Endpoints: len(c.d.dispatcher.Status()),
	}}}, nil
}

// Node returns the node of an ID or a name. Of several of one name, as while one
// takes the place of another, it is the one that started last.
func (c *control) Node(ctx context.Context, id string) (*server.Node, error) {
	list, err := c.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	var found *server.Node
	for i := range list.Nodes {
		n := &list.Nodes[i]
		if n.ID != "" && n.ID == id {
			found = n
			break
		}
		if n.Name == id && (found == nil || n.StartedAt.After(found.StartedAt)) {
			found = n
		}
	}
	if found == nil {
		return nil, fmt.Errorf("node %q: %w", id, store.ErrNotFound)
	}
	if c.d.others == nil {
		return found, nil
	}
	leases, err := c.d.others.database.Leases(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	for _, l := range leases {
		if l.Node == found.ID {
			found.Leases = append(found.Leases, server.Lease{Resource: l.Resource, Since: l.Since.UTC()})
		}
	}
	slices.SortFunc(found.Leases, func(a, b server.Lease) int { return cmp.Compare(a.Resource, b.Resource) })
	return found, nil
}

// tellMembers is what the API tells of the nodes that share the database.
func (c *control) tellMembers() *server.NodeList {
	members, status, self := c.d.others.peers.Members(), c.d.others.peers.Status(), c.d.others.peers.Self()
	has, free := c.d.holdings()
	differs := unlike(members)
	now := time.Now().UTC()
	list := &server.NodeList{Nodes: make([]server.Node, len(members)), Free: free}
	for i := range members {
		m := &members[i]
		age, h := m.Age, has[m.ID]
		n := server.Node{
			ID: m.ID, Name: m.Name, Host: m.Host, PID: m.PID, State: server.NodeOK, Version: m.Version, Configuration: m.Config,
			Differs: differs[m.ID], ClockAhead: m.ClockAhead.Seconds(), StartedAt: m.StartedAt.UTC(), ConfiguredAt: m.ConfiguredAt.UTC(),
			Sources: h.sources, Endpoints: h.endpoints, Limits: h.limits, Held: m.Leases,
		}
		silent := age >= silentFor
		if m.ID == self {
			n.Self, age, silent = true, status.Age, status.Suspended
		}
		switch {
		case silent:
			n.State = server.NodeSuspended
		case m.Leaving:
			n.State = server.NodeLeaving
		}
		n.SeenAt = instant(now.Add(-age))
		list.Nodes[i] = n
	}
	slices.SortFunc(list.Nodes, func(a, b server.Node) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return list
}

// holding is how much a node has.
type holding struct{ sources, endpoints, limits int }

// holdings are how much each node has of what there is, by its ID, and how much none
// has.
func (d *Daemon) holdings() (has map[string]holding, free int) {
	has = make(map[string]holding)
	owner := func(resource string, add func(*holding)) {
		node, ok := d.others.peers.Owner(resource)
		if !ok {
			free++
			return
		}
		h := has[node.ID]
		add(&h)
		has[node.ID] = h
	}
	limits := make(map[string]bool)
	for name, s := range d.setup.Load().sources {
		owner(store.SourceResource(name), func(h *holding) { h.sources++ })
		if limit := s.asked.Limit; limit != "" && limit != store.OwnLimit(name) {
			limits[limit] = true
		}
	}
	for limit := range limits {
		owner(store.LimitResource(limit), func(h *holding) { h.limits++ })
	}
	for name := range d.dispatcher.Configured() {
		owner(store.EndpointResource(name), func(h *holding) { h.endpoints++ })
	}
	return has, free
}

func (c *control) Limits(ctx context.Context) ([]server.Limit, error) {
	list, err := c.savedLimits(ctx)
	if err != nil {
		return nil, err
	}
	status := c.d.limiter.Limits()
	for i := range status {
		s := &status[i]
		if c.d.others != nil && !c.d.others.has(store.LimitResource(s.Name)) {
			continue
		}
		told := server.Limit{
			Name: s.Name, Requests: s.Requests, PerSeconds: s.Per.Seconds(), Reserve: s.Reserve, Burst: s.Burst, Concurrency: s.Concurrency,
			Used: s.Used, Left: s.Left, UnderWay: s.UnderWay, Waiting: s.Waiting, PausedUntil: instant(s.PausedUntil),
		}
		if c.d.others != nil {
			told.Node = c.d.self.name
		}
		list = append(list, told)
	}
	sharing := make(map[string][]string)
	setup := c.d.setup.Load()
	for _, name := range setup.names() {
		if limit := setup.sources[name].asked.Limit; limit != "" {
			sharing[limit] = append(sharing[limit], name)
		}
	}
	for i := range list {
		list[i].Sources = append([]string{}, sharing[list[i].Name]...)
	}
	slices.SortFunc(list, func(a, b server.Limit) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}
