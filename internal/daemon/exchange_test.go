package daemon

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pollwire/pollwire/internal/cluster"
	"github.com/pollwire/pollwire/internal/store"
)

// exchange is what nodes share, in memory: what they ask each other, and who they are.
type exchange struct {
	mu      sync.Mutex
	rows    []*letter
	owners  map[string]string // resource to the ID of a node; the one of "" owns all else
	members []store.Member
	stirs   int
	// look is called when something was left; nil for nobody.
	look func(node string)
	// down is what every call returns; nil for none.
	down error
}

// letter is a request and its answer.
type letter struct {
	store.Relayed
	answer store.RelayedAnswer
}

var _ meeting = (*exchange)(nil)

// enter begins a call.
func (x *exchange) enter() error {
	x.mu.Lock()
	return x.down
}

func (x *exchange) find(id string) *letter {
	if i := slices.IndexFunc(x.rows, func(l *letter) bool { return l.ID == id }); i >= 0 {
		return x.rows[i]
	}
	return nil
}

func (x *exchange) Ask(_ context.Context, r *store.Relayed) error {
	err := x.enter()
	if err == nil && !slices.ContainsFunc(x.members, func(m store.Member) bool { return m.ID == r.Node }) {
		err = store.ErrNotFound
	}
	if err == nil {
		x.rows = append(x.rows, &letter{Relayed: *r})
	}
	look := x.look
	x.mu.Unlock()
	if err == nil && look != nil {
		look(r.Node)
	}
	return err
}

func (x *exchange) Await(_ context.Context, id string) (store.RelayedAnswer, error) {
	err := x.enter()
	defer x.mu.Unlock()
	if err != nil {
		return store.RelayedAnswer{}, err
	}
	l := x.find(id)
	if l == nil {
		return store.RelayedAnswer{}, fmt.Errorf("request: %w", store.ErrNotFound)
	}
	return l.answer, nil
}

func (x *exchange) Withdraw(_ context.Context, id string) (bool, error) {
	err := x.enter()
	defer x.mu.Unlock()
	l := x.find(id)
	if err != nil || l == nil || l.answer.Taken {
		return false, err
	}
	x.rows = slices.DeleteFunc(x.rows, func(other *letter) bool { return other == l })
	return true, nil
}

func (x *exchange) Pending(_ context.Context, node string, limit int) (taken []store.Relayed, err error) {
	err = x.enter()
	defer x.mu.Unlock()
	for _, l := range x.rows {
		if err == nil && l.Node == node && !l.answer.Taken && len(taken) < limit {
			l.answer.Taken = true
			taken = append(taken, l.Relayed)
		}
	}
	return taken, err
}

func (x *exchange) Answer(_ context.Context, id string, status int, body []byte) error {
	err := x.enter()
	defer x.mu.Unlock()
	if l := x.find(id); l != nil && err == nil {
		l.answer.Status, l.answer.Body = status, body
	}
	return err
}

func (x *exchange) Leases(context.Context, time.Time) (leases []store.Lease, err error) {
	err = x.enter()
	defer x.mu.Unlock()
	for resource, node := range x.owners {
		leases = append(leases, store.Lease{Resource: resource, Node: node, Epoch: 1, Since: time.Unix(1e9, 0)})
	}
	return leases, err
}

func (x *exchange) Stir(context.Context) error {
	err := x.enter()
	defer x.mu.Unlock()
	x.stirs++
	return err
}

// seat is what a node of a exchange sees of the others.
type seat struct {
	*exchange
	id     string
	status cluster.Status
}

var _ peers = (*seat)(nil)

func (s *seat) Self() string           { return s.id }
func (s *seat) Status() cluster.Status { return s.status }

func (s *seat) Members() []store.Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.members)
}

func (s *seat) Owner(resource string) (store.Member, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, named := s.owners[resource]
	if !named {
		id = s.owners[""]
	}
	if i := slices.IndexFunc(s.members, func(m store.Member) bool { return m.ID == id }); i >= 0 {
		return s.members[i], true
	}
	return store.Member{}, false
}
