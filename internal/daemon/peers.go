package daemon

import (
	"context"
	"errors"
	"fmt"

	"github.com/pollwire/pollwire/internal/bridge"
	"github.com/pollwire/pollwire/internal/cluster"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// peers are the nodes on the database of this one.
type peers interface {
	// Self returns the ID of this node; empty before it has joined.
	Self() string
	// Members returns all nodes as last read, this one among them.
	Members() []store.Member
	// Owner returns the node that holds a resource, as last read; false where none does.
	Owner(resource string) (store.Member, bool)
	// Status returns how this node stands.
	Status() cluster.Status
}

var _ peers = (*cluster.Node)(nil)

// nobodyError is the refusal of what no node has at the moment.
type nobodyError struct{ refusal *server.Refusal }

func (e *nobodyError) Error() string { return e.refusal.Reason }
func (e *nobodyError) Unwrap() error { return e.refusal }

// elsewhere returns the node that has a resource where that is another one; nil where
// it is this one, or there are no others. What no node has is a *nobodyError, and a
// request that another node has sent here in vain a *[server.Refusal].
func (c *control) elsewhere(ctx context.Context, resource string) (*store.Member, error) {
	if c.d.others == nil {
		return nil, nil
	}
	node, ok := c.d.others.peers.Owner(resource)
	switch {
	case !ok:
		return nil, &nobodyError{away(fmt.Sprintf("no node has %s at the moment: one takes it over within seconds, so try again", resource))}
	case node.ID == c.d.others.peers.Self():
		return nil, nil
	case isRelayed(ctx):
		return nil, away(fmt.Sprintf("%s has just gone to node %s: try again in a moment", resource, node.Name))
	}
	return &node, nil
}

// there has another node carry out a request where that has a resource. Where this
// one has it, done is false, and nothing was done.
func there[T any](ctx context.Context, c *control, resource string, e errand) (answer *T, done bool, err error) {
	node, err := c.elsewhere(ctx, resource)
	if err != nil || node == nil {
		return nil, err != nil, err
	}
	answer = new(T)
	if err := c.d.others.relay.ask(ctx, node, &e, answer); err != nil {
		return nil, true, err
	}
	return answer, true, nil
}

// nobody says of an error that no node has what it is about.
func nobody(err error) bool {
	var e *nobodyError
	return errors.As(err, &e)
}

// unknown says of an error that what only another node knows is not known at the
// moment.
func unknown(err error) bool {
	refusal, ok := errors.AsType[*server.Refusal](err)
	return ok && refusal.RetryAfter > 0
}

// moved makes the error of what has gone to another node a refusal, and leaves others
// as they are.
func moved(err error) error {
	if errors.Is(err, notify.ErrElsewhere) || errors.Is(err, bridge.ErrElsewhere) || errors.Is(err, poller.ErrElsewhere) || errors.Is(err, store.ErrNotHeld) {
		return away("it goes from one node to another: try again in a moment")
	}
	return err
}
