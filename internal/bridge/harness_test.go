package bridge

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/sqlite"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// checker is a *testing.T or a *rapid.T.
type checker interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// rig is a bridge on a real database, with as much of a poller as it takes to
// keep the state between polls. Its one source is shop.
type rig struct {
	t       checker
	path    string
	store   *faultyStore
	source  Source
	others  []Endpoint
	bridge  *Bridge
	polled  poller.State // what the poller would start from
	doubt   bool         // whether answers are doubtful, as pages by offset are
	woken   []string     // "*" for a wake without names
	seen    int64        // position of the last event that news gave
	etag    int
	logging *slog.Logger
}

// list is the source of most tests: a list of items that ignores their noise.
func list() Source {
	return Source{
		Name:             "shop",
		RequestKey:       "request",
		Rules:            rules(diff.Options{Items: &diff.Items{Path: "data", Key: []string{"id"}}, Ignore: []string{"noise"}}),
		Items:            true,
		Window:           Complete,
		MaxRemoved:       MaxRemoved{Percent: 50, IsPercent: true},
		EventType:        "shop.order",
		Events:           []diff.Kind{diff.Created, diff.Updated, diff.Deleted},
		Notify:           []string{"you"},
		FailureThreshold: 3,
		ReminderInterval: time.Hour,
	}
}

// document is a source of one thing.
func document() Source {
	s := list()
	s.Items, s.Window, s.Rules = false, "", rules(diff.Options{Ignore: []string{"noise"}})
	return s
}

func rules(o diff.Options) *diff.Rules {
	r, err := diff.Compile(o)
	if err != nil {
		panic(err) // the options are the tests' own
	}
	return r
}

// newRig starts a bridge on a new database; the endpoints are you, who hears
// all changes, and ops, who hears all alerts.
func newRig(t *testing.T, s Source) *rig {
	t.Helper()
	return openRig(t, t.TempDir(), s)
}

func openRig(t checker, dir string, s Source) *rig {
	t.Helper()
	r := &rig{
		t: t, path: filepath.Join(dir, "pollwire.db"), source: s,
		others: []Endpoint{
			{Name: "you", Order: notify.OrderSource},
			{Name: "ops", Events: []string{"pollwire.*"}, Order: notify.OrderSource},
		},
		logging: slog.New(slog.DiscardHandler),
	}
	if err := copyEmpty(r.path); err != nil {
		t.Fatalf("make an empty database: %v", err)
	}
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: r.path, Version: "test"})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	r.store = &faultyStore{Store: db}
	r.restart()
	return r
}

// emptyDatabase is a database of the present schema that holds nothing. Property
// tests open hundreds, and its migrations take longer than what they are about.
var emptyDatabase = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "bridge")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "pollwire.db")
	db, err := sqlite.Open(context.Background(), sqlite.Options{Path: path, Version: "test"})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// copyEmpty puts an empty database where there is none.
func copyEmpty(path string) error {
	empty, err := emptyDatabase()
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return os.WriteFile(path, empty, 0o600)
}

// restart makes a new bridge on the same database, with the source as it is now.
func (r *rig) restart() {
	r.t.Helper()
	source := r.source
	b, err := New(r.t.Context(), Options{
		Store: r.store, Sources: []*Source{&source}, Endpoints: r.others, KeepSnapshots: 3, Logger: r.logging,
		Wake: func(names ...string) {
			if len(names) == 0 {
				names = []string{"*"}
			}
			r.woken = append(r.woken, names...)
		},
	})
	if err != nil {
		r.t.Fatalf("new bridge: %v", err)
	}
	r.bridge, r.polled = b, b.InitialState(r.source.Name)
}

// observation is what a fetcher makes of an answer, with a body of its own.
func (r *rig) observation(contentType, body string) *poller.Observation {
	r.etag++
	o := &poller.Observation{
		Source: r.source.Name, At: time.Now(), Status: 200, ContentType: contentType, Body: []byte(body), Doubtful: r.doubt,
		State: poller.State{ETag: fmt.Sprintf(`"%d"`, r.etag), RawHash: sha256.Sum256([]byte(body))},
	}
	if o.State.RawHash == r.polled.RawHash {
		o.Unchanged, o.Body = true, nil
	}
	return o
}

// poll answers a poll with JSON, and returns what the bridge said of it.
func (r *rig) poll(body string) error { return r.pollAs("application/json", body) }

func (r *rig) pollAs(contentType, body string) error {
	o := r.observation(contentType, body)
	buffer := o.Body
	err := r.bridge.Observe(r.t.Context(), o)
	if err == nil {
		r.polled = o.State
	}
	// The buffer of the body is the next one's now.
	copy(buffer, bytes.Repeat([]byte("#"), len(buffer)))
	return err
}

// mustPoll polls an answer that must be accepted, and returns its news.
func (r *rig) mustPoll(body string) []notify.Event {
	r.t.Helper()
	if err := r.poll(body); err != nil {
		r.t.Fatalf("poll of %s: %v", body, err)
	}
	return r.news()
}

// news are the events that came into the log since it was last asked.
func (r *rig) news() []notify.Event {
	r.t.Helper()
	events, err := r.store.Events(r.t.Context(), r.seen, 10_000)
	if err != nil {
		r.t.Fatalf("read events: %v", err)
	}
	if len(events) > 0 {
		r.seen = events[len(events)-1].Position
	}
	return events
}

func (r *rig) row() store.Source {
	r.t.Helper()
	row, err := r.store.Source(r.t.Context(), r.source.Name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		r.t.Fatalf("read source: %v", err)
	}
	return row
}

// waiting are the positions of the events that an endpoint is to be told.
func (r *rig) waiting(endpoint string) []int64 {
	r.t.Helper()
	deliveries, err := r.store.Waiting(r.t.Context(), endpoint, 0, 10_000)
	if err != nil {
		r.t.Fatalf("read deliveries: %v", err)
	}
	positions := make([]int64, len(deliveries))
	for i := range deliveries {
		positions[i] = deliveries[i].Position
		if want := r.source.Name; deliveries[i].Lane != want {
			r.t.Errorf("delivery in lane %s, not %s", deliveries[i].Lane, want)
		}
	}
	return positions
}

// story is events in short: "updated 7", "source.failing".
func story(events []notify.Event) []string {
	short := []string{}
	for _, e := range events {
		if e.Alert {
			short = append(short, e.Type[len("pollwire."):])
			continue
		}
		short = append(short, dataOf(e).Change+" "+e.Subject)
	}
	return short
}

func (r *rig) wantStory(events []notify.Event, want ...string) {
	r.t.Helper()
	if d := cmp.Diff(append([]string{}, want...), story(events)); d != "" {
		r.t.Errorf("events (-want +got):\n%s", d)
	}
}

// payload is the data of a change or an alert.
type payload struct {
	Change       string
	Key          *string
	Before       json.RawMessage
	After        json.RawMessage
	Changed      []string
	Patch        json.RawMessage
	Hash         string
	PreviousHash string `json:"previous_hash"`

	Name, Reason string
	Since        time.Time
	Count        int
}

func dataOf(e notify.Event) (d payload) {
	if err := json.Unmarshal(e.Data, &d); err != nil {
		panic(fmt.Sprintf("%v: %s", err, e.Data))
	}
	return d
}

// faultyStore is a store whose next writes can be made to go wrong.
type faultyStore struct {
	store.Store
	// before fails the next commits, which then do not happen; after fails
	// those that have happened.
	before, after int
	// late fails the next commit, which happens before the one that follows it.
	late    bool
	pending *store.Commit
	commits int
	// atHand is the version that the last commit had at hand, 0 for none.
	atHand int64
	// unreadable fails what the bridge reads.
	unreadable error
}

var errDisk = errors.New("the disk says no")

func (s *faultyStore) Commit(ctx context.Context, c *store.Commit) error {
	if s.before > 0 {
		s.before--
		return errDisk
	}
	if s.late {
		s.late, s.pending = false, copyOf(c)
		return errDisk
	}
	if s.pending != nil {
		if err := s.Store.Commit(ctx, s.pending); err != nil {
			return err
		}
		s.pending = nil
	}
	own := c
	s.atHand = 0
	if c.Previous != nil {
		s.atHand = c.Previous.Version
	}
	if s.after > 0 {
		own = copyOf(c)
	}
	err := s.Store.Commit(ctx, own)
	if err == nil {
		s.commits++
	}
	if err == nil && s.after > 0 {
		s.after--
		return errDisk
	}
	return err
}

// copyOf is a commit of its own, so that what was passed stays as it was, as after any
// error.
func copyOf(c *store.Commit) *store.Commit {
	own := *c
	own.Events = slices.Clone(c.Events)
	if c.Source != nil {
		row := *c.Source
		own.Source = &row
	}
	if c.Snapshot != nil {
		snapshot := *c.Snapshot
		snapshot.Body = bytes.Clone(snapshot.Body)
		own.Snapshot = &snapshot
	}
	return &own
}

func (s *faultyStore) Sources(ctx context.Context, names ...string) ([]store.Source, error) {
	if s.unreadable != nil {
		return nil, s.unreadable
	}
	return s.Store.Sources(ctx, names...)
}

func (s *faultyStore) Source(ctx context.Context, name string) (store.Source, error) {
	if s.unreadable != nil {
		return store.Source{}, s.unreadable
	}
	return s.Store.Source(ctx, name)
}

func (s *faultyStore) Snapshot(ctx context.Context, source string) (store.Snapshot, error) {
	if s.unreadable != nil {
		return store.Snapshot{}, s.unreadable
	}
	return s.Store.Snapshot(ctx, source)
}

func (s *faultyStore) AllDeparted(ctx context.Context, source string) ([]store.Departed, error) {
	if s.unreadable != nil {
		return nil, s.unreadable
	}
	return s.Store.AllDeparted(ctx, source)
}

func (s *faultyStore) Departed(ctx context.Context, source string, keys []string) ([]store.Departed, error) {
	if s.unreadable != nil {
		return nil, s.unreadable
	}
	return s.Store.Departed(ctx, source, keys)
}
