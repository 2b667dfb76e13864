package bridge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// newNode is a bridge of one of several nodes on the database of a rig.
func newNode(t *testing.T, r *rig, sources ...*Source) (*Bridge, *leasedStore) {
	t.Helper()
	if len(sources) == 0 {
		source := r.source
		sources = []*Source{&source}
	}
	lease := &leasedStore{Store: r.store, held: true}
	b, err := New(t.Context(), Options{
		Store: lease, Sources: sources, Endpoints: r.others, KeepSnapshots: 3, Leased: true, Logger: r.logging,
		Wake: func(names ...string) { r.woken = append(r.woken, names...) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return b, lease
}

// use polls by another bridge from now on.
func (r *rig) use(b *Bridge) { r.bridge, r.polled = b, b.InitialState(r.source.Name) }

func (r *rig) mustAdopt(b *Bridge, names ...string) {
	r.t.Helper()
	if err := b.Adopt(r.t.Context(), names); err != nil {
		r.t.Fatalf("adopt: %v", err)
	}
	r.use(b)
}

// A source is observed between its adoption and its release, and not else; who
// adopts it goes on where the other one stopped.
func TestSourceIsObservedWhereItWasAdopted(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	one, _ := newNode(t, r)
	two, _ := newNode(t, r)
	r.use(one)
	mustBeElsewhere(t, r)
	r.mustAdopt(one, "shop", "unknown")
	r.mustPoll(`{"data":[{"id":1}]}`)
	r.wantStory(r.mustPoll(`{"data":[{"id":1},{"id":2}]}`), "created 2")
	r.mustAdopt(one, "shop") // does no harm
	state := r.polled
	one.Release([]string{"shop", "unknown"})
	mustBeElsewhere(t, r)
	if status, ok := one.SourceStatus("shop"); !ok || status != (SourceStatus{}) {
		t.Errorf("status where it was released: %+v, %v", status, ok)
	}
	r.mustAdopt(two, "shop")
	if r.polled != state {
		t.Errorf("the heir begins with %+v, want %+v", r.polled, state)
	}
	if status, _ := two.SourceStatus("shop"); status.Version != 2 || status.Sequence != 1 {
		t.Errorf("status where it was adopted: %+v", status)
	}
	r.wantStory(r.mustPoll(`{"data":[{"id":2}]}`), "deleted 1")
	two.Release([]string{"shop"})
	r.mustAdopt(one, "shop")
	r.wantStory(r.mustPoll(`{"data":[{"id":2},{"id":3}]}`), "created 3")
}

// mustBeElsewhere checks that the bridge has nothing to do with the source.
func mustBeElsewhere(t *testing.T, r *rig) {
	t.Helper()
	commits := r.store.commits
	if err := r.poll(`{"data":[{"id":9}]}`); !errors.Is(err, ErrElsewhere) {
		t.Errorf("observe: %v", err)
	}
	if _, err := r.bridge.Wanted(t.Context(), r.observation("application/json", `{}`)); !errors.Is(err, ErrElsewhere) {
		t.Errorf("wanted: %v", err)
	}
	if err := r.bridge.AcceptRemoval(t.Context(), "shop"); !errors.Is(err, ErrElsewhere) {
		t.Errorf("accept: %v", err)
	}
	for range 5 {
		r.bridge.Fail(t.Context(), "shop", errDisk)
	}
	if state := r.bridge.InitialState("shop"); state != (poller.State{}) {
		t.Errorf("initial state %+v", state)
	}
	if r.store.commits != commits {
		t.Error("something was committed")
	}
}

// A commit that the store refuses, since another node has the source by now, is no
// failure of the source and none of the store, and nobody is told.
func TestLostSourceHasNotFailed(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	var log bytes.Buffer
	r.logging = slog.New(slog.NewTextHandler(&log, nil))
	b, lease := newNode(t, r)
	r.mustAdopt(b, "shop")
	r.mustPoll(`{"data":[{"id":1}]}`)
	lease.held = false
	err := r.poll(`{"data":[{"id":2}]}`)
	var storeErr *StoreError
	if !errors.Is(err, ErrElsewhere) || !errors.Is(err, store.ErrNotHeld) || errors.As(err, &storeErr) {
		t.Errorf("observe: %v", err)
	}
	for range 5 {
		b.Fail(t.Context(), "shop", err)
	}
	if status, _ := b.SourceStatus("shop"); status.Failures != 0 {
		t.Errorf("status: %+v", status)
	}
	for range 5 { // of the upstream, before it is learned that it was lost
		b.Fail(t.Context(), "shop", errDisk)
	}
	if err := b.AcceptRemoval(t.Context(), "shop"); !errors.Is(err, ErrElsewhere) {
		t.Errorf("accept: %v", err)
	}
	r.wantStory(r.news())
	if strings.Contains(log.String(), "ERROR") || strings.Contains(log.String(), "WARN") {
		t.Errorf("logged:\n%s", log.String())
	}
}

// What an owner was in doubt of, and what failed with it, does not come back with
// the source.
func TestAdoptReadsAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	one, _ := newNode(t, r)
	two, _ := newNode(t, r)
	r.mustAdopt(one, "shop")
	r.mustPoll(`{"data":[{"id":1}]}`)
	r.store.after = 1
	if err := r.poll(`{"data":[{"id":1},{"id":2}]}`); err == nil {
		t.Fatal("the commit was to be in doubt")
	}
	one.Fail(t.Context(), "shop", errDisk)
	one.Release([]string{"shop"})
	r.mustAdopt(two, "shop")
	r.wantStory(r.mustPoll(`{"data":[{"id":2}]}`), "created 2", "deleted 1") // the doubtful one happened
	two.Release([]string{"shop"})
	r.mustAdopt(one, "shop")
	if status, _ := one.SourceStatus("shop"); status.Failures != 0 || status.Version != 3 {
		t.Errorf("status: %+v", status)
	}
	r.wantStory(r.mustPoll(`{"data":[{"id":2},{"id":4}]}`), "created 4")
}

// A failure that was told stays told with another owner, and its end is told.
func TestHeirTellsTheRecovery(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	one, _ := newNode(t, r)
	two, _ := newNode(t, r)
	r.mustAdopt(one, "shop")
	r.mustPoll(`{"data":[]}`)
	for range 3 {
		one.Fail(t.Context(), "shop", errDisk)
	}
	r.wantStory(r.news(), "source.failing")
	one.Release([]string{"shop"})
	r.mustAdopt(two, "shop")
	if status, _ := two.SourceStatus("shop"); status.Failures != 3 {
		t.Errorf("status: %+v", status)
	}
	two.Fail(t.Context(), "shop", errDisk)
	r.wantStory(r.news())
	r.wantStory(r.mustPoll(`{"data":[]}`), "source.recovered")
}

// A release waits for the observation under way.
func TestReleaseWaitsForTheObservation(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	s := r.source
	slow := &gatedStore{leasedStore: leasedStore{Store: r.store, held: true}, begun: make(chan struct{}), gate: make(chan struct{})}
	b, err := New(t.Context(), Options{
		Store: slow, Sources: []*Source{&s}, Endpoints: r.others, KeepSnapshots: 3, Leased: true, Logger: r.logging, Wake: func(...string) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.mustAdopt(b, "shop")
	o := r.observation("application/json", `{"data":[{"id":1}]}`)
	observed, released := make(chan error, 1), make(chan bool, 1)
	go func() { observed <- b.Observe(t.Context(), o) }()
	<-slow.begun
	go func() {
		b.Release([]string{"shop"})
		released <- slow.done.Load()
	}()
	for range 1000 {
		runtime.Gosched() // lets the release come as far as it can
	}
	close(slow.gate)
	if !<-released {
		t.Error("released while an observation was being committed")
	}
	if err := <-observed; err != nil {
		t.Errorf("observe: %v", err)
	}
}

// gatedStore does not commit before its gate is opened.
type gatedStore struct {
	leasedStore
	begun, gate chan struct{}
	done        atomic.Bool
}

func (s *gatedStore) Commit(ctx context.Context, c *store.Commit) error {
	close(s.begun)
	<-s.gate
	defer s.done.Store(true)
	return s.leasedStore.Commit(ctx, c)
}

// What was adopted stays so over changes of the configuration: a source that is
// added to it, or that left it and came back, needs no further adoption, and one
// that was not adopted is not observed.
func TestApplyKeepsWhatWasAdopted(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(`{"data":[{"id":1}]}`) // by a node before
	b, _ := newNode(t, r, &Source{Name: "other"})
	apply := func(sources ...*Source) {
		t.Helper()
		if _, err := b.Apply(t.Context(), Configuration{Sources: sources, Endpoints: r.others, KeepSnapshots: 3}); err != nil {
			t.Fatal(err)
		}
		r.use(b)
	}
	shop := r.source
	apply(&shop)
	mustBeElsewhere(t, r)
	apply()
	r.mustAdopt(b, "shop")
	apply(&shop)
	r.wantStory(r.mustPoll(`{"data":[{"id":1},{"id":2}]}`), "created 2")
	apply()
	apply(&shop)
	r.wantStory(r.mustPoll(`{"data":[{"id":1},{"id":3}]}`), "created 3", "deleted 2")
	edited := shop
	edited.FailureThreshold++
	apply(&edited)
	r.wantStory(r.mustPoll(`{"data":[{"id":1}]}`), "deleted 3")
	apply()
	b.Release([]string{"shop"})
	apply(&shop)
	mustBeElsewhere(t, r)
}

// Nothing is adopted where the store cannot be read, of a few and of many.
func TestAdoptErrors(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	var sources []*Source
	var names []string
	for i := range 64 {
		s := r.source
		s.Name = fmt.Sprint("shop-", i)
		sources, names = append(sources, &s), append(names, s.Name)
	}
	b, _ := newNode(t, r, sources...)
	r.store.unreadable = errDisk
	var storeErr *StoreError
	for _, some := range [][]string{names[:1], names} {
		if err := b.Adopt(t.Context(), some); !errors.Is(err, errDisk) || !errors.As(err, &storeErr) {
			t.Errorf("adopt: %v", err)
		}
	}
	r.store.unreadable = nil
	r.source.Name = "shop-1"
	r.use(b)
	if err := r.poll(`{"data":[]}`); !errors.Is(err, ErrElsewhere) {
		t.Errorf("observe: %v", err)
	}
	r.mustAdopt(b, names...)
	r.mustPoll(`{"data":[]}`)
}
