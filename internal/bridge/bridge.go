// Package bridge is the heart of pollwire: it turns an observation into events
// and deliveries, and commits them at once.
//
// It compares an answer with the last snapshot of its source, decides what of
// the difference is told to whom, and hands snapshot, events and deliveries to
// the store in one transaction. It neither asks nor tells, and whatever it has
// not committed has not happened.
package bridge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// Store is what the bridge keeps its state in.
type Store interface {
	Reader
	Replays
	ReplayWork
	// Commit writes all of a commit, or nothing.
	Commit(ctx context.Context, c *store.Commit) error
	Renamer
	// AcceptRemoval sets the source's AcceptRemoval, or fails with store.ErrNotFound.
	AcceptRemoval(ctx context.Context, source string) error
	// EventByID returns the event of an id, or fails with store.ErrNotFound.
	EventByID(ctx context.Context, id string) (notify.Event, error)
}

// Reader is what the bridge continues from.
type Reader interface {
	// Sources returns the rows of the named sources, as far as there are any; those of
	// all without a name.
	Sources(ctx context.Context, names ...string) ([]store.Source, error)
	// Source returns the row of one source, or store.ErrNotFound.
	Source(ctx context.Context, name string) (store.Source, error)
	// Snapshot returns the last snapshot of a source, or store.ErrNotFound.
	Snapshot(ctx context.Context, source string) (store.Snapshot, error)
	// Departed returns those of the keys that left the source's list of newest items.
	Departed(ctx context.Context, source string, keys []string) ([]store.Departed, error)
	// AllDeparted returns all items that left the source's list.
	AllDeparted(ctx context.Context, source string) ([]store.Departed, error)
	DetailReader
}

// DetailReader is what details are compared with.
type DetailReader interface {
	// SeenDetails returns Detail.Seen of all details of a source, by key.
	SeenDetails(ctx context.Context, source string) (map[string][32]byte, error)
	// Details returns those of the keys that the source has details of.
	Details(ctx context.Context, source string, keys []string) ([]store.Detail, error)
}

var _ Store = store.Store(nil)

// Options are what a Bridge is made of.
type Options struct {
	Store Store
	// Sources are not changed any more.
	Sources   []*Source
	Endpoints []Endpoint
	// KeepSnapshots is how many versions of a source are kept.
	KeepSnapshots int
	// Leased says that only sources are observed that were adopted; see
	// [Bridge.Adopt].
	Leased bool
	// Holds says whether this node tells an endpoint at this moment: only then its
	// replays are carried out here. Nil for yes.
	Holds func(endpoint string) bool
	// FirstGrace is how long an endpoint that is new is told out of the log, though
	// it has reached the end of it, and where it is told only what comes too: until
	// all others who commit know of it. 0 where there are none.
	FirstGrace time.Duration
	// Wake is called after each commit with the endpoints it has deliveries for;
	// without names where that may be any. It must not wait.
	Wake   func(endpoints ...string)
	Logger *slog.Logger
}

// Bridge turns observations into events and deliveries. Different sources may
// be observed concurrently, one source may not.
type Bridge struct {
	store  Store
	wake   func(endpoints ...string)
	logger *slog.Logger
	leased bool
	holds  func(endpoint string) bool
	// firstGrace is Options.FirstGrace.
	firstGrace time.Duration
	// applying is held while another roster is made, and while sources are adopted
	// or released.
	applying sync.Mutex
	// adopted are the sources that were, where they are leased, those that the
	// roster has not too. It is guarded by applying.
	adopted map[string]bool
	// telling is held for reading while a commit is written, so that the roster
	// only changes between two.
	telling sync.RWMutex
	roster  atomic.Pointer[roster]
	// nudged has one token when there may be a replay to do.
	nudged chan struct{}
	// textRules are those of texts, wholeRules those of all of a document.
	textRules, wholeRules *diff.Rules
	room                  *room
	// untold says that the failure of a source could not be told, and was logged.
	untold atomic.Bool

	idMu sync.Mutex // guards ids
	ids  *ulid.MonotonicEntropy
}

var _ poller.Observer = (*Bridge)(nil)

// ErrUnknownSource says that the configuration has no source of that name.
var ErrUnknownSource = errors.New("unknown source")

// ErrElsewhere says that a source is another node's: it was not adopted, or was
// released since, or the store says so. Nothing was written then, and nothing has
// failed.
var ErrElsewhere = poller.ErrElsewhere

// New returns a bridge that continues from what the store holds, but where each
// source is adopted by itself.
func New(ctx context.Context, o Options) (*Bridge, error) {
	text, err := diff.Compile(diff.Options{Format: diff.Text})
	if err != nil {
		return nil, fmt.Errorf("compile text rules: %w", err)
	}
	whole, err := diff.Compile(diff.Options{})
	if err != nil {
		return nil, fmt.Errorf("compile rules of a document: %w", err)
	}
	var rows []store.Source
	if !o.Leased {
		if rows, err = o.Store.Sources(ctx); err != nil {
			return nil, fmt.Errorf("load sources: %w", err)
		}
	}
	if o.Holds == nil {
		o.Holds = func(string) bool { return true }
	}
	b := &Bridge{
		store:      o.Store,
		holds:      o.Holds,
		firstGrace: o.FirstGrace,
		wake:       o.Wake,
		logger:     o.Logger,
		leased:     o.Leased,
		adopted:    make(map[string]bool),
		textRules:  text,
		wholeRules: whole,
		room:       newRoom(defaultRoom),
		nudged:     make(chan struct{}, 1),
		ids:        ulid.Monotonic(rand.Reader, 0),
	}
	r := newRoster(o.Endpoints)
	r.keep = o.KeepSnapshots
	for _, s := range o.Sources {
		st := newState(s)
		st.elsewhere = o.Leased
		r.add(s, st)
	}
	for _, row := range rows {
		if st := r.states[row.Name]; st != nil {
			st.continueFrom(row)
		}
	}
	b.roster.Store(r)
	return b, nil
}

// newID returns an event id.
func (b *Bridge) newID(at time.Time) string { return b.newULID("evt_", at) }
