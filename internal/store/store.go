// Package store names what must survive a restart: the rows, the errors, and
// the contract that every engine keeps. The engines live below it, each in a
// package of its own, and package storetest holds them to this contract.
package store

import (
	"context"
	"errors"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

var (
	// ErrNotFound says that there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that a commit was based on a snapshot that is not the
	// last one any more. Nothing was written.
	ErrConflict = errors.New("the source has changed since it was read")
)

// Source is what is kept of a source besides its snapshots.
type Source struct {
	Name string
	// RequestKey identifies the request whose answer the snapshot holds.
	RequestKey string
	// RulesKey identifies the rules under which State was adopted.
	RulesKey string
	// Version is the version of the last snapshot; 0 before the first.
	Version int64
	// Sequence is the number of the source's last change. Before its first one
	// it is 0, or the last number that the log has under its name from a source
	// that was renamed.
	Sequence int64
	// ChangedAt is the At of the last snapshot; zero before the first. A commit
	// does not write it: the engine sets it where it writes a snapshot.
	ChangedAt time.Time
	// State is what the next poll starts from, valid for RequestKey and RulesKey.
	State poller.State
	// Alert is the failure that has not recovered; its zero value when there is
	// none.
	Alert SourceAlert
	// AcceptRemoval lets the next poll remove more items than allowed. A commit
	// does not write it: only Store.AcceptRemoval sets it, and only a commit
	// with ConsumeAcceptance clears it, so that an operator's word that comes
	// between a read and a commit is not lost.
	AcceptRemoval bool
}

// OwnLimit is the name of the limit that a source shares with no other.
func OwnLimit(source string) string { return "source/" + source }

// SourceAlert is a failure of a source that was told, or one that an owner of the
// source has left to the next one to count on.
type SourceAlert struct {
	// Since is when the failures began; zero when there are none.
	Since time.Time
	// Failures counts the polls that failed in a row when it was last told, or left.
	Failures int
	Reason   string
	// ToldAt is when it was last told; zero when it was not.
	ToldAt time.Time
}

// Told says whether anybody was told.
func (a *SourceAlert) Told() bool { return !a.ToldAt.IsZero() }

// Snapshot is the last accepted state of a source: the answer as it came,
// before anything is selected or ignored.
type Snapshot struct {
	// Version counts the snapshots of a source from 1; assigned at commit.
	Version int64
	// At is when the answer was complete.
	At     time.Time
	Format diff.Format
	// Body is the answer where it has one page, else nil.
	Body []byte
	// Pages are the pages of an answer of several, nil where it has one. In a
	// Commit they are read one at a time, and each perhaps more than once. Those
	// that the store returns are read when they are asked for, and may be while
	// the context of the call that returned them lives: a page whose version has
	// gone meanwhile fails with ErrNotFound.
	Pages diff.Pages
}

// Version is what there is to know of a kept snapshot without its body.
type Version struct {
	// Number is the snapshot's Version.
	Number int64
	At     time.Time
	Format diff.Format
	// Stored is how many bytes its body or its pages take in the store. The last
	// snapshot is kept whole; of an older one often only the difference from the
	// next is. A page that newer versions have too counts for the newest of them.
	Stored int64
}

// Departed is an item that left a list of newest items. It stays known, so
// that it is not new when it comes back.
type Departed struct {
	Key  string
	Item []byte
	// At is when it left.
	At time.Time
}

// Detail is the page of its own that an item of a list has.
type Detail struct {
	Key string
	// Seen is the hash of the item in the list for which the page was fetched.
	Seen   [32]byte
	Format diff.Format
	Body   []byte
	// At is when the page was complete.
	At time.Time
}

// Commit is all that one observation, or one failure, changes of a source. It
// is written in one transaction, or not at all.
type Commit struct {
	// Source is the row as it shall be. Its Version must be that of the last
	// snapshot, else the commit fails with ErrConflict; the engine sets
	// Version, Sequence and AcceptRemoval to what the row holds once it is
	// durable. With nil the commit only appends alerts, such as those of an
	// endpoint.
	Source *Source
	// Lease is the resource under whose lease a commit without a Source is written,
	// empty for none. With one it is the source's.
	Lease string
	// ConsumeAcceptance clears the row's AcceptRemoval: the observation made
	// use of it.
	ConsumeAcceptance bool
	// Snapshot replaces the last one; nil keeps it. The engine sets its Version.
	Snapshot *Snapshot
	// Previous is the last snapshot as it was read, where the caller has it at
	// hand: it saves the engine reading it again. Nil, or one of another version
	// than Source's, makes no difference to what is written.
	Previous *Snapshot
	// KeepSnapshots is how many versions of the source are kept, at least 1.
	KeepSnapshots int
	// Forget drops all departed items and details of the source before anything
	// else is done to them: they belong to another request.
	Forget bool
	// Depart and Return add to and take from the departed items, by key.
	Depart []Departed
	Return []string
	// DropDetails takes from the details, by key; Details then adds to and
	// replaces what is kept.
	DropDetails []string
	Details     []Detail
	// Events are appended to the log, in order. The engine assigns their
	// Position and, to those that are no alerts, their Sequence, once they are
	// durable; until Commit returns without an error they stay as they were.
	Events []Event
}

// Event is an event with the deliveries that come of it.
type Event struct {
	notify.Event
	// Tell are the deliveries of the event: Endpoint, Lane, Key and Replay are
	// given, the engine fills in the rest. It leaves out those to endpoints of which
	// a Replay that is First is not finished.
	Tell []notify.Delivery
}

// Retention says what may be removed, as of a time.
type Retention struct {
	// Events before it are removed from the log, except those that a waiting
	// delivery still needs, or one that has not been dead since before it; with
	// them go their finished deliveries, departed items that left before it, and
	// replays that were finished before it.
	Events time.Time
	// Waiting deliveries that were created before it become dead.
	Waiting time.Time
}

// Survey is how the place stands where an engine keeps what it writes.
type Survey struct {
	// Problem is why what is written now may be lost, nil where nothing is wrong.
	// Reopen says that to close the store and to open it anew mends it.
	Problem error
	Reopen  bool
	// Warning is what will become a problem, such as a disk that is nearly full.
	Warning error
}

// Pruned counts what a retention run did.
type Pruned struct {
	Events, Deliveries, Departed int64
	// Expired counts the deliveries that became dead for their age.
	Expired int64
}

// Store is the whole contract of an engine. Consumers ask for the part of it
// that they use, in an interface of their own.
//
// Writes return when they are on disk. An engine whose disk failed a write
// fails every later one too, with the same *DiskError: after a failed fsync
// nobody knows what is on disk. A full disk is another thing, and so is another
// program that holds the database locked: that write fails with ErrFull or
// ErrBusy, and the next may succeed.
//
// An engine that many nodes share writes under leases: what belongs to a source, a
// limit, an endpoint, a kept token or the retention fails with ErrNotHeld where
// this node does not hold its resource. Next runs and outcomes of what is not held
// are left out without an error: they are somebody else's by now.
//
// A write whose context ends returns the context's cause at once. If it had not
// begun by then it is skipped; else it may still happen, and who needs to know
// reads again. What was passed may be used again in either case.
//
// Times are kept in UTC with microseconds. Reads see only what is durable.
type Store interface {
	poller.BudgetStore
	poller.RunStore
	poller.TokenStore
	notify.Queue
	Replays
	DeliveryLog
	Pauses

	// Source returns the row of a source, or ErrNotFound.
	Source(ctx context.Context, name string) (Source, error)
	// Sources returns the rows of the named sources, as far as there are any, in no
	// order; without a name all, by name. No name is given twice.
	Sources(ctx context.Context, names ...string) ([]Source, error)
	// Snapshot returns the last snapshot of a source, or ErrNotFound.
	Snapshot(ctx context.Context, source string) (Snapshot, error)
	// Snapshots returns the versions of a source that are kept, oldest first; none
	// for a source that is not known.
	Snapshots(ctx context.Context, source string) ([]Version, error)
	// SnapshotAt returns a version of a source as it was committed, byte for byte,
	// or ErrNotFound where there is none, or none any more.
	SnapshotAt(ctx context.Context, source string, version int64) (Snapshot, error)
	// Departed returns those of the keys that are departed items of the source.
	Departed(ctx context.Context, source string, keys []string) ([]Departed, error)
	// AllDeparted returns all departed items of the source, by key.
	AllDeparted(ctx context.Context, source string) ([]Departed, error)
	// SeenDetails returns for which items of the list the details of the source
	// were fetched: Detail.Seen by Detail.Key.
	SeenDetails(ctx context.Context, source string) (map[string][32]byte, error)
	// Details returns those of the keys that the source has details of.
	Details(ctx context.Context, source string, keys []string) ([]Detail, error)
	// Commit writes a commit.
	Commit(ctx context.Context, c *Commit) error
	// AcceptRemoval sets the AcceptRemoval of a source, or fails with ErrNotFound.
	AcceptRemoval(ctx context.Context, source string) error
	// Rename gives all that is kept of a source, the budget of its [OwnLimit], its
	// next run and its pause included, to another name; the log keeps the old one.
	// It fails with ErrNotFound where nothing is kept of the source, and with
	// ErrConflict where there is one of the new name. Numbers of changes go on from
	// the old name's, and from what the log has under the new one, if that is more.
	// Deliveries that wait in a lane of the old name go over to that of the new one,
	// since what is told under it comes after them. Subscriptions to the old name are
	// to the new.
	Rename(ctx context.Context, from, to string) error
	// AddSubscription saves a subscription, or fails with ErrConflict where there
	// is one of its ID.
	AddSubscription(ctx context.Context, s Subscription) error
	// Subscriptions returns all subscriptions, by ID.
	Subscriptions(ctx context.Context) ([]Subscription, error)
	// EndSubscription removes a subscription, the state of its endpoint and what was
	// still to be replayed to it, makes the deliveries that wait for it dead, in
	// transactions of bounded length, and counts those. It does so too where there
	// is no such subscription any more: what came late, or was left by a crash, is
	// ended by another call.
	EndSubscription(ctx context.Context, id string) (dead int64, err error)
	// EndpointNames returns the names that begin with a prefix of all endpoints for
	// which deliveries wait or that have a state, in order.
	EndpointNames(ctx context.Context, prefix string) ([]string, error)
	// EventByID returns the event of an id, or ErrNotFound.
	EventByID(ctx context.Context, id string) (notify.Event, error)
	// Events returns up to limit events of the log after a position, oldest first.
	Events(ctx context.Context, after int64, limit int) ([]notify.Event, error)
	// Log returns a page of the log.
	Log(ctx context.Context, q LogQuery) (LogPage, error)
	// Activity counts the changes of each source, alerts left out; spans without any
	// are left out too. The order is none.
	Activity(ctx context.Context, q ActivityQuery) ([]Activity, error)
	// LastPosition returns the position of the last event that was ever committed,
	// whether the log still has it or not; 0 before the first.
	LastPosition(ctx context.Context) (int64, error)
	// Overdue returns, by endpoint, what waits of the deliveries that were created
	// before a time.
	Overdue(ctx context.Context, before time.Time) ([]Overdue, error)
	// SaveOverdueTold replaces the names of the endpoints of which it was told that
	// something is overdue.
	SaveOverdueTold(ctx context.Context, endpoints []string) error
	// Prune removes what retention allows to, in transactions of bounded
	// length. What it did is returned beside an error too.
	Prune(ctx context.Context, r Retention) (Pruned, error)
	// Ping says whether the store can write.
	Ping(ctx context.Context) error
	// Survey looks at the place where the store writes, without writing.
	Survey() Survey
	// Close waits for writes under way and closes the store.
	Close() error
}
