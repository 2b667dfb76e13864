// Package cluster shares out what there is to do among the nodes on one database.
//
// Each node says in the database that it lives, and holds leases there for what it
// does. Who should do what follows from who lives, by a hash, so that the nodes
// need not talk: each claims what is its own and free, and gives up what should be
// another's. What is done under a lease is not the package's affair: it says when
// that begins, when it ends, and whether it may go on at this moment.
//
// Leases are no more than a promise among the nodes. What keeps a late one from
// writing is the database itself, by the epochs that [Node.Epoch] tells.
package cluster

import (
	"context"
	"log/slog"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// Store is the database that the nodes share. All times are of its clock. Every
// method may be called concurrently, and ends soon after ctx does.
type Store interface {
	Registry
	Census
	Ledger
}

// Registry is where a node says that it lives.
type Registry interface {
	// Join adds a member, seen now. One that is there already is seen now.
	Join(ctx context.Context, m store.Member) error
	// Beat says that a member lives, and what its Config, ConfiguredAt, Leaving and
	// ClockAhead are now; false where there is no such member, because it left or was buried,
	// and store.ErrNewTimeline where there is none because the database went on from an
	// earlier state of it.
	Beat(ctx context.Context, m store.Member) (alive bool, err error)
	// Leave removes a member, so that all of its leases are free. There need not be
	// one.
	Leave(ctx context.Context, id string) error
}

// Census is where a node looks for the others.
type Census interface {
	// Members returns all members, by ID. Leases need not be set. SeenAt and Age
	// together are what the database's clock said while it was asked.
	Members(ctx context.Context) ([]store.Member, error)
	// Bury removes those of the members that were not seen for so long, so that all
	// of their leases are free, and returns which. It removes nobody where the
	// member that asks was not seen for half as long.
	Bury(ctx context.Context, by string, silence time.Duration, ids []string) (buried []string, err error)
	// Pulse returns how far the database has come.
	Pulse(ctx context.Context) (store.Pulse, error)
}

// Ledger is where leases are kept.
type Ledger interface {
	// Claim gives a member those groups of resources that are free as a whole, each
	// lease with its next epoch, and returns their leases. What the member holds
	// already counts as free. It waits for writes that are under way under the
	// leases as they were, but not for long: a group may then be left out. A node
	// that is no member gets nothing.
	Claim(ctx context.Context, node string, groups [][]string) ([]store.Lease, error)
	// Free ends leases, as far as they are still as they are given, and makes others
	// look.
	Free(ctx context.Context, leases []store.Lease) error
	// Leases returns all leases whose Since is not before that; the free ones, too.
	Leases(ctx context.Context, since time.Time) ([]store.Lease, error)
}

// Group are resources that must be with the same node.
type Group struct {
	// Key decides who should hold it. It should stay the same as long as what the
	// group is about does.
	Key string
	// Resources are in no other group.
	Resources []string
}

// Options are what a Node is made of. The functions are called from goroutines of
// the node, Adopt and Release concurrently for different groups.
type Options struct {
	Store Store
	// Self is what others are told of this node. Its ID is made anew for each life.
	Self store.Member
	// Logger may be nil.
	Logger *slog.Logger
	// Adopt begins to do what the groups are for. They are held from before the call,
	// so that what it begins may write and ask at once. With an error none of them
	// counts as adopted: all are given to Release, and claimed again after a while.
	// ctx ends early where the leases are lost meanwhile; then Release is called too.
	Adopt func(ctx context.Context, groups []Group) error
	// Release ends that, and returns when nothing of it is under way. In the meantime
	// the groups are still held, unless they are lost: then another node may do it
	// already, nothing can be written any more, and nothing new may be asked. When
	// ctx ends time is up, and what is under way is cut short. A group is not adopted
	// again before its Release has returned.
	Release func(ctx context.Context, groups []Group, lost bool)
	// Resumed says that Holds may be true again, after the node was suspended. It must
	// not wait. May be nil.
	Resumed func()
	// Pulsed says that something was committed or changed, by whichever node, since
	// the call before; the first one counts from the start. It is not called again
	// before it has returned. May be nil.
	Pulsed func(ctx context.Context, before, now store.Pulse)
	// Met says that Members returns others than before, or one that was configured
	// anew. It must not wait. May be nil.
	Met func()
}
