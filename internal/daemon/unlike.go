package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

// unlike returns in what nodes are unlike most of the others, or the database, by their
// IDs. Of equally many those are right that came to it last. Only nodes of one version are compared by
// their configuration: another one may take a different fingerprint of the same.
func unlike(members []store.Member) map[string][]server.NodeAspect {
	differs := make(map[string][]server.NodeAspect)
	others := func(members []store.Member, aspect server.NodeAspect, value func(*store.Member) (string, time.Time)) {
		right := usual(members, value)
		for i := range members {
			if v, _ := value(&members[i]); v != right {
				differs[members[i].ID] = append(differs[members[i].ID], aspect)
			}
		}
	}
	others(members, server.NodeVersion, func(m *store.Member) (string, time.Time) { return m.Version, m.StartedAt })
	byVersion := make(map[string][]store.Member)
	for i := range members {
		byVersion[members[i].Version] = append(byVersion[members[i].Version], members[i])
	}
	for _, alike := range byVersion {
		others(alike, server.NodeConfiguration, func(m *store.Member) (string, time.Time) { return m.Config, m.ConfiguredAt })
	}
	for i := range members {
		if m := &members[i]; m.ClockAhead != 0 {
			differs[m.ID] = append(differs[m.ID], server.NodeClock)
		}
	}
	return differs
}

// usual is the value that most members have; of equally many the one that came last.
func usual(members []store.Member, value func(*store.Member) (string, time.Time)) string {
	type having struct {
		value string
		n     int
		last  time.Time
	}
	all := make(map[string]having)
	for i := range members {
		v, at := value(&members[i])
		h := all[v]
		h.value, h.n = v, h.n+1
		if at.After(h.last) {
			h.last = at
		}
		all[v] = h
	}
	if len(all) == 0 {
		return ""
	}
	return slices.MaxFunc(slices.Collect(maps.Values(all)), func(a, b having) int {
		return cmp.Or(cmp.Compare(a.n, b.n), a.last.Compare(b.last), cmp.Compare(a.value, b.value))
	}).value
}

// unlikeness keeps what of the nodes was said to be unlike, so that it is said once.
type unlikeness struct {
	mu   sync.Mutex
	said map[string]bool
}

// compare logs in what nodes are unlike others, once for each, and that they are all
// alike again. It is to be called when other nodes are there than before, or one has
// another configuration.
func (o *others) compare() {
	members := o.peers.Members()
	differs := unlike(members)
	u := &o.unlikeness
	u.mu.Lock()
	defer u.mu.Unlock()
	now := make(map[string]bool)
	for i := range members {
		m := &members[i]
		for _, aspect := range differs[m.ID] {
			what := m.Version
			switch aspect {
			case server.NodeConfiguration:
				what = m.Config
			case server.NodeClock:
				continue // the node says so itself
			}
			key := m.ID + " " + string(aspect) + " " + what
			now[key] = true
			if !u.said[key] {
				o.logger.Warn("node is unlike most of the others", "node", m.Name, "in", string(aspect), "is", what)
			}
		}
	}
	if len(u.said) > 0 && len(now) == 0 {
		o.logger.Info("nodes are alike again")
	}
	u.said = now
}

// nodeChecks are those of a node among others: that it does what it has, and that all
// are alike.
func (o *others) checks() []server.Check {
	return []server.Check{
		{Name: "node", Func: func(context.Context) error {
			if s := o.peers.Status(); s.Suspended {
				return errors.New("this node cannot tell the others through the database that it lives, and does nothing until it can")
			}
			return nil
		}},
		{Name: "nodes", Warning: true, Func: func(context.Context) error { return alike(o.peers.Members()) }},
	}
}

// alike says which nodes are unlike the others, and the way out; nil where none is.
func alike(members []store.Member) error {
	differs := unlike(members)
	names := make(map[server.NodeAspect][]string)
	for i := range members {
		for _, aspect := range differs[members[i].ID] {
			name := members[i].Name
			if aspect == server.NodeClock {
				name += fmt.Sprintf(" (%+.1f s)", members[i].ClockAhead.Seconds())
			}
			names[aspect] = append(names[aspect], name)
		}
	}
	var said []string
	if list := names[server.NodeVersion]; list != nil {
		slices.Sort(list)
		said = append(said, fmt.Sprintf("%s: another version than most nodes; bring all to the same", strings.Join(list, ", ")))
	}
	if list := names[server.NodeConfiguration]; list != nil {
		slices.Sort(list)
		said = append(said, fmt.Sprintf("%s: another configuration than most nodes; give all the same files, and reload each", strings.Join(list, ", ")))
	}
	if list := names[server.NodeClock]; list != nil {
		slices.Sort(list)
		said = append(said, fmt.Sprintf("%s: another time than the database; set the clocks of all nodes, and of the database's machine, by NTP, as chrony does it", strings.Join(list, ", ")))
	}
	if said == nil {
		return nil
	}
	return errors.New(strings.Join(said, "; "))
}

// countUnlike is how many nodes are unlike the others, by in what.
func countUnlike(members []store.Member) map[string]int {
	counts := map[string]int{string(server.NodeVersion): 0, string(server.NodeConfiguration): 0, string(server.NodeClock): 0}
	for _, aspects := range unlike(members) {
		for _, aspect := range aspects {
			counts[string(aspect)]++
		}
	}
	return counts
}
