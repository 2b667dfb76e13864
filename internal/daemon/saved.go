package daemon

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// savedSources are what the database has of sources that other nodes may have.
type savedSources struct {
	rows map[string]store.Source
	next map[string]time.Time
}

// savedSources reads what the database has of sources, of all where none is named;
// nil where there are no other nodes.
func (c *control) savedSources(ctx context.Context, names ...string) (*savedSources, error) {
	if c.d.others == nil {
		return nil, nil
	}
	saved := &savedSources{rows: make(map[string]store.Source)}
	rows, err := c.d.store.Sources(ctx, names...)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		saved.rows[rows[i].Name] = rows[i]
	}
	saved.next, err = c.d.store.NextRuns(ctx, names...)
	return saved, err
}

// tellSaved is what the API tells of a source that another node has, or none.
func (c *control) tellSaved(s *source, saved *savedSources) server.Source {
	name := s.asked.Name
	node, held := c.d.others.peers.Owner(store.SourceResource(name))
	row, paused := saved.rows[name], c.d.pauses.of(name)
	told := server.Source{
		Name: name, Request: c.d.fetcher.Describe(s.asked), Schedule: s.schedule, Limit: s.asked.Limit,
		Reason: row.Alert.Reason, Failures: row.Alert.Failures, FailingSince: instant(row.Alert.Since),
		Paused: !paused.IsZero(), PausedSince: instant(paused), NextRun: instant(saved.next[name]),
		Node: node.Name, Saved: held, Version: row.Version, Sequence: row.Sequence, ChangedAt: instant(row.ChangedAt),
	}
	if !s.enabled || told.Paused {
		told.NextRun = nil
	}
	told.State = stateOf(s, &told)
	return told
}

// standing is how an endpoint stands, by the node that has it or by what is saved.
type standing struct {
	notify.EndpointStatus
	// node is the name of the node that has it, empty for none; saved says that this
	// is another one.
	node  string
	saved bool
}

// standings are how all endpoints stand, by name.
func (c *control) standings(ctx context.Context) ([]standing, error) {
	status := c.d.dispatcher.Status()
	list := make([]standing, 0, len(status))
	served := make(map[string]bool, len(status))
	for i := range status {
		s := standing{EndpointStatus: status[i]}
		if c.d.others != nil {
			if !c.d.others.has(store.EndpointResource(s.Name)) {
				continue
			}
			s.node = c.d.self.name
		}
		list, served[s.Name] = append(list, s), true
	}
	if c.d.others == nil {
		return list, nil
	}
	states, err := c.d.store.EndpointStates(ctx)
	if err != nil {
		return nil, err
	}
	kept := make(map[string]notify.EndpointState, len(states))
	for i := range states {
		kept[states[i].Name] = states[i]
	}
	now := time.Now()
	for name, enabled := range c.d.dispatcher.Configured() {
		if served[name] {
			continue
		}
		state := kept[name]
		state.Name = name
		node, held := c.d.others.peers.Owner(store.EndpointResource(name))
		list = append(list, standing{
			EndpointStatus: notify.EndpointStatus{EndpointState: state, Enabled: enabled, Breaker: state.Breaker(now)},
			node:           node.Name, saved: held,
		})
	}
	slices.SortFunc(list, func(a, b standing) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// savedLimits are the limits of other nodes, as they were saved last.
func (c *control) savedLimits(ctx context.Context) ([]server.Limit, error) {
	if c.d.others == nil {
		return nil, nil
	}
	var limits []poller.Limit
	var names []string
	for _, l := range c.d.setup.Load().limits {
		if !c.d.others.has(store.LimitResource(l.Name)) {
			limits, names = append(limits, l), append(names, l.Name)
		}
	}
	if names == nil {
		return nil, nil
	}
	budgets, err := c.d.store.Budgets(ctx, names...)
	if err != nil {
		return nil, err
	}
	kept := make(map[string]poller.Budget, len(budgets))
	for _, b := range budgets {
		kept[b.Limit] = b
	}
	now := time.Now()
	list := make([]server.Limit, len(limits))
	for i := range limits {
		l := &limits[i]
		b := kept[l.Name]
		used := b.Reserved
		for _, spend := range b.Spent {
			if now.Sub(spend.At) < l.Per {
				used += spend.Count
			}
		}
		node, held := c.d.others.peers.Owner(store.LimitResource(l.Name))
		list[i] = server.Limit{
			Name: l.Name, Requests: l.Requests, PerSeconds: l.Per.Seconds(), Reserve: l.Reserve, Burst: l.Burst, Concurrency: l.Concurrency,
			Used: used, Left: max(0, l.Requests-l.Reserve-used), Node: node.Name, Saved: held,
		}
		if b.PausedUntil.After(now) {
			list[i].PausedUntil = instant(b.PausedUntil)
		}
	}
	return list, nil
}
