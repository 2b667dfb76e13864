package metrics

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pollwire/pollwire/internal/store"
)

// Nodes knows how this node stands among those on its database.
type Nodes interface {
	// NodeStatus returns how it stands.
	NodeStatus() NodeStatus
	// Holds says whether the node does now what a resource is for.
	Holds(resource string) bool
}

// NodeStatus is how a node stands among others.
type NodeStatus struct {
	// Members is how many nodes there are, as it sees it, itself included.
	Members int
	// Suspended says that it cannot prove that it lives, and does nothing. BeatAge is
	// how old the last proof is.
	Suspended bool
	BeatAge   time.Duration
	// Held is how many leases it has, by kind, and Free how many sources, limits and
	// endpoints no node has.
	Held map[string]int
	Free int
	// Adopted, Released and Lost count what it began to do, what it ended in order,
	// and what it had to give up as another node may have taken it.
	Adopted, Released, Lost int64
	// Unlike is how many nodes are unlike most of the others, by in what: version,
	// configuration or, unlike the database, clock.
	Unlike map[string]int
}

// nodeCollector tells how the node stands when it is asked.
type nodeCollector struct {
	nodes                                         Nodes
	members, suspended, age, leases, free, unlike *prometheus.Desc
	adoptions, releases, losses                   *prometheus.Desc
}

var _ prometheus.Collector = (*nodeCollector)(nil)

func newNodeCollector(nodes Nodes) *nodeCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("pollwire_node_"+name, help, labels, nil)
	}
	return &nodeCollector{
		nodes:     nodes,
		members:   desc("members", "Nodes that share the database, as this one sees it, itself included."),
		suspended: desc("suspended", "Whether this node cannot tell the others that it lives, and does nothing: 1, else 0."),
		age:       desc("beat_age_seconds", "How long ago this node last told the others that it lives."),
		leases:    desc("leases", "Leases that this node has, by what they are for.", "kind"),
		free:      desc("free_resources", "Sources, limits and endpoints that no node has, as this one sees it."),
		unlike:    desc("members_unlike", "Nodes that are unlike most of the others, by in what; with another clock than the database's.", "aspect"),
		adoptions: desc("adoptions_total", "Groups of leases that this node took over."),
		releases:  desc("releases_total", "Groups of leases that this node gave back in order."),
		losses:    desc("losses_total", "Groups of leases that this node lost, as it was silent for too long or the database failed over."),
	}
}

// Describe is a [prometheus.Collector]'s.
func (c *nodeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.members, c.suspended, c.age, c.leases, c.free, c.unlike, c.adoptions, c.releases, c.losses} {
		ch <- d
	}
}

// leaseKinds are what leases are for. Each is told, so that none is missing where
// there are none.
var leaseKinds = []string{"source", "limit", "endpoint", "token", "task"}

// Collect is a [prometheus.Collector]'s.
func (c *nodeCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.nodes.NodeStatus()
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	counter := func(desc *prometheus.Desc, n int64) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n))
	}
	suspended := 0.0
	if s.Suspended {
		suspended = 1
	}
	gauge(c.members, float64(s.Members))
	gauge(c.suspended, suspended)
	gauge(c.age, s.BeatAge.Seconds())
	gauge(c.free, float64(s.Free))
	for _, kind := range leaseKinds {
		gauge(c.leases, float64(s.Held[kind]), kind)
	}
	for _, aspect := range slices.Sorted(maps.Keys(s.Unlike)) {
		gauge(c.unlike, float64(s.Unlike[aspect]), aspect)
	}
	counter(c.adoptions, s.Adopted)
	counter(c.releases, s.Released)
	counter(c.losses, s.Lost)
}

// tenancy says what is this node's to tell of: where others share the database,
// each tells of what it has, so that nothing is told twice.
type tenancy struct{ nodes Nodes }

func (t tenancy) source(name string) bool {
	return t.nodes == nil || t.nodes.Holds(store.SourceResource(name))
}

func (t tenancy) limit(name string) bool {
	return t.nodes == nil || t.nodes.Holds(store.LimitResource(name))
}

// endpoint says whether what is told of an endpoint is told by this node. Of those
// that are gone it is the one that removes what is old.
func (t tenancy) endpoint(name, label string) bool {
	switch {
	case t.nodes == nil:
		return true
	case label == removed:
		return t.nodes.Holds(store.TaskPrune)
	}
	return t.nodes.Holds(store.EndpointResource(name))
}

// Released takes that this node polls sources no more: how they stand is another
// one's to tell.
func (m *Metrics) Released(sources []string) { m.sources.released(sources) }

func (s *sources) released(names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if a := s.all[name]; a != nil {
			a.tally.streak, a.tally.success = 0, time.Time{}
		}
	}
}
