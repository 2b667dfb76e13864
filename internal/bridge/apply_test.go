package bridge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// apply replaces all that the rig's bridge has.
func (r *rig) apply(sources []*Source, endpoints ...Endpoint) map[string]string {
	r.t.Helper()
	renamed, err := r.bridge.Apply(r.t.Context(), Configuration{Sources: sources, Endpoints: endpoints, KeepSnapshots: 3})
	if err != nil {
		r.t.Fatalf("apply: %v", err)
	}
	return renamed
}

func (r *rig) has(source string) bool { return r.bridge.roster.Load().states[source] != nil }

// TestChangedRulesMeetTheStoredAnswer: what an edit alone makes different is not
// told, what changed since is.
func TestChangedRulesMeetTheStoredAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(`{"data":[{"id":1,"v":"a","w":1}]}`)
	s := list()
	s.Rules = rules(diff.Options{Items: &diff.Items{Path: "data", Key: []string{"id"}}, Ignore: []string{"v"}})
	r.apply([]*Source{&s}, r.others...)
	if state := r.bridge.InitialState("shop"); state != (poller.State{}) {
		t.Errorf("the next poll starts from %+v, and would not meet the new rules", state)
	}
	r.polled = poller.State{}
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":"b","w":1}]}`))
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":"b","w":2}]}`), "updated 1")
}

// TestAnswerToAnOldRequestIsNone: it would be compared, and stored, as one to the
// new request.
func TestAnswerToAnOldRequestIsNone(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(isUp)
	s := list()
	s.RequestKey = "another request"
	r.apply([]*Source{&s}, r.others...)
	o := r.observation("application/json", isDown)
	o.RequestKey = "request"
	if err := r.bridge.Observe(t.Context(), o); !errors.Is(err, poller.ErrReplaced) {
		t.Errorf("observe: %v", err)
	}
	if _, err := r.bridge.Wanted(t.Context(), o); !errors.Is(err, poller.ErrReplaced) {
		t.Errorf("wanted: %v", err)
	}
	if _, err := r.bridge.Preview(t.Context(), o); !errors.Is(err, poller.ErrReplaced) {
		t.Errorf("preview: %v", err)
	}
	r.wantStory(r.news())
	o.RequestKey = s.RequestKey
	if err := r.bridge.Observe(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	r.wantStory(r.news(), "source.rebaselined")
}

// TestRemovedSourceKeepsItsHistory: what it was is there when it is back.
func TestRemovedSourceKeepsItsHistory(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(isUp)
	r.wantStory(r.mustPoll(isDown), "updated 1")
	r.apply(nil, r.others...)
	if err := r.poll(isUp); !errors.Is(err, ErrUnknownSource) || r.has("shop") {
		t.Errorf("poll of a source that is gone: %v", err)
	}
	if err := r.bridge.AcceptRemoval(t.Context(), "shop"); !errors.Is(err, ErrUnknownSource) {
		t.Errorf("accept: %v", err)
	}
	r.bridge.Fail(t.Context(), "shop", errDisk) // of nobody
	s := list()
	r.apply([]*Source{&s}, r.others...)
	if r.bridge.InitialState("shop") == (poller.State{}) {
		t.Error("the poller's state is lost")
	}
	events := r.mustPoll(isUp)
	r.wantStory(events, "updated 1")
	if events[0].Sequence != 2 {
		t.Errorf("sequence %d", events[0].Sequence)
	}
}

// TestManyNewSources are continued from what the store has of them.
func TestManyNewSources(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(isUp)
	var sources []*Source
	for i := range 64 {
		s := list()
		s.Name = fmt.Sprint("s", i)
		sources = append(sources, &s)
	}
	r.apply(sources, r.others...)
	s := list()
	r.apply(append(sources, &s), r.others...)
	if r.bridge.InitialState("shop") == (poller.State{}) {
		t.Error("the state is lost")
	}
}

// renaming is a source that was shop before.
func (r *rig) renaming(name string) (map[string]string, error) {
	s := list()
	s.Name = name
	formerly, err := r.bridge.Renames(r.t.Context(), map[string]string{name: "shop", "b": "none"})
	if err != nil {
		return nil, err
	}
	return r.bridge.Apply(r.t.Context(), Configuration{Sources: []*Source{&s}, Endpoints: r.others, KeepSnapshots: 3, Formerly: formerly})
}

// TestSourceIsRenamedWhileRunning: it goes on where it stopped under its older
// name, and a second time there is nothing to take over.
func TestSourceIsRenamedWhileRunning(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(isUp)
	r.wantStory(r.mustPoll(isDown), "updated 1")
	for _, want := range []map[string]string{{"store": "shop"}, {}} {
		if renamed, err := r.renaming("store"); err != nil || fmt.Sprint(renamed) != fmt.Sprint(want) {
			t.Fatalf("renamed %v, want %v: %v", renamed, want, err)
		}
	}
	r.source.Name = "store"
	events := r.mustPoll(isUp)
	r.wantStory(events, "updated 1")
	if e := events[0]; e.Source != "store" || e.Sequence != 2 {
		t.Errorf("event %+v", e)
	}
}

// renamingStore fails renames.
type renamingStore struct {
	*faultyStore
	// fails are the names that nothing can be renamed from.
	fails []string
	// then is done after a rename.
	then func()
}

func (s *renamingStore) Rename(ctx context.Context, from, to string) error {
	if slices.Contains(s.fails, from) {
		return errDisk
	}
	err := s.faultyStore.Rename(ctx, from, to)
	if s.then != nil {
		s.then()
	}
	return err
}

// TestRenameThatFailsIsUndone: whatever fails, the sources go on as they were.
func TestRenameThatFailsIsUndone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		harm func(*rig, *renamingStore)
		torn bool
	}{
		"rename":        {func(_ *rig, s *renamingStore) { s.fails = []string{"shop"} }, false},
		"read after it": {func(r *rig, s *renamingStore) { s.then = func() { r.store.unreadable = errDisk } }, false},
		"undo": {func(r *rig, s *renamingStore) {
			s.then = func() { r.store.unreadable = errDisk }
			s.fails = []string{"store"}
		}, true},
	} {
		r := newRig(t, list())
		s := &renamingStore{faultyStore: r.store}
		r.bridge.store = s
		r.mustPoll(isUp)
		test.harm(r, s)
		_, err := r.renaming("store")
		var storeErr *StoreError
		if !errors.Is(err, errDisk) || !errors.As(err, &storeErr) || errors.Is(err, ErrTorn) != test.torn {
			t.Errorf("%s: %v", name, err)
		}
		r.store.unreadable, s.then = nil, nil
		if test.torn {
			continue
		}
		if r.has("store") || !r.has("shop") {
			t.Errorf("%s: the sources are others", name)
		}
		r.wantStory(r.mustPoll(isDown), "updated 1")
	}
}

// TestApplyThatFailsChangesNothing: new endpoints are saved first.
func TestApplyThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(isUp)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.bridge.Apply(ctx, Configuration{Endpoints: []Endpoint{{Name: "new"}}}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	r.wantStory(r.mustPoll(isDown), "updated 1")
	if got := r.waiting("you"); len(got) != 1 {
		t.Errorf("told %v", got)
	}
}

// TestNothingIsLostBetweenTwoConfigurations: while sources are told to one endpoint
// and then to another, or are away and back, each change is told once, to the one
// or the other, and the numbers go on without a gap.
func TestNothingIsLostBetweenTwoConfigurations(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	// Those of the rig are for one goroutine.
	r.bridge.store, r.bridge.wake = r.store.Store, func(...string) {}
	named := func(name, endpoint string, ignore ...string) *Source {
		s := document()
		s.Name, s.Notify, s.FailureThreshold = name, []string{endpoint}, 1000
		s.Rules = rules(diff.Options{Ignore: ignore})
		return &s
	}
	names := []string{"a", "b", "c"}
	configuration := func(turn int) Configuration {
		endpoint := fmt.Sprint("e", turn%2)
		c := Configuration{Endpoints: []Endpoint{{Name: endpoint}}, KeepSnapshots: 3}
		for i, name := range names {
			if name == "c" && turn%3 == 1 {
				continue // gone for a while
			}
			c.Sources = append(c.Sources, named(name, endpoint, fmt.Sprint("noise", turn%(i+2))))
		}
		return c
	}
	if _, err := r.bridge.Apply(t.Context(), configuration(0)); err != nil {
		t.Fatal(err)
	}
	var polling, applying sync.WaitGroup
	accepted := make([]int, len(names))
	stop := make(chan struct{})
	for n, name := range names {
		polling.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				o := &poller.Observation{
					Source: name, RequestKey: "request", Status: 200, ContentType: "application/json",
					Body: fmt.Appendf(nil, `{"v":%d}`, i), At: time.Now(),
				}
				switch err := r.bridge.Observe(t.Context(), o); {
				case err == nil:
					accepted[n]++
				case !errors.Is(err, ErrUnknownSource):
					t.Errorf("%s: %v", name, err)
					return
				}
			}
		})
	}
	applying.Go(func() {
		for turn := range 40 {
			if _, err := r.bridge.Apply(t.Context(), configuration(turn)); err != nil {
				t.Error(err)
			}
			for range rand.IntN(3) {
				if err := r.bridge.SetEndpoints(t.Context(), configuration(turn).Endpoints); err != nil {
					t.Error(err)
				}
			}
		}
	})
	applying.Wait()
	close(stop)
	polling.Wait()
	checkTold(t, r, names, accepted)
}

// checkTold looks whether all accepted answers but the first made an event each,
// in the order of their numbers, each told once.
func checkTold(t *testing.T, r *rig, names []string, accepted []int) {
	t.Helper()
	told := make(map[int64]int)
	for _, endpoint := range []string{"e0", "e1"} {
		deliveries, err := r.store.Waiting(t.Context(), endpoint, 0, 100_000)
		if err != nil {
			t.Fatal(err)
		}
		for i := range deliveries {
			told[deliveries[i].Position]++
		}
	}
	last := make(map[string]int64)
	for _, e := range mustAll(t, r.store) {
		if told[e.Position] != 1 {
			t.Errorf("event %d of %s is told %d times", e.Sequence, e.Source, told[e.Position])
		}
		if last[e.Source]++; e.Sequence != last[e.Source] {
			t.Fatalf("event %d of %s follows %d", e.Sequence, e.Source, last[e.Source]-1)
		}
	}
	for n, name := range names {
		if last[name] != int64(accepted[n]-1) || accepted[n] < 10 {
			t.Errorf("%s: %d answers were accepted, and made %d events", name, accepted[n], last[name])
		}
	}
}

// mustAll is the whole log.
func mustAll(t *testing.T, s store.Store) (all []notify.Event) {
	t.Helper()
	for after := int64(0); ; {
		page, err := s.Events(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		after = page[len(page)-1].Position
	}
}
