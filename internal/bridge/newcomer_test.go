package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// wantAll holds what an endpoint is told to the whole log as it would be told
// it: each event once, in order, and none marked as a replay.
func (r *rig) wantAll(endpoint string) {
	r.t.Helper()
	var want, got []int64
	r.seen = 0
	for page := r.news(); len(page) > 0; page = r.news() {
		for i := range page {
			if r.bridge.Tells(endpoint, &page[i]) {
				want = append(want, page[i].Position)
			}
		}
	}
	deliveries, err := r.store.Waiting(r.t.Context(), endpoint, 0, 1_000_000)
	if err != nil {
		r.t.Fatalf("read deliveries: %v", err)
	}
	for _, d := range deliveries {
		got = append(got, d.Position)
		if d.Replay {
			r.t.Errorf("%s: delivery %d is marked as a replay", endpoint, d.ID)
		}
	}
	if !slices.Equal(want, got) {
		r.t.Errorf("%s is told %d, want %d", endpoint, got, want)
	}
}

// TestNewEndpointIsToldThePast from where it says, before what happens now, and
// once in its life.
func TestNewEndpointIsToldThePast(t *testing.T) {
	inReplayBubble(t, []Endpoint{{Name: "you"}}, func(t *testing.T, r *rig) {
		r.mustPoll(items(1, 1))
		r.mustPoll(items(1, 2))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		<-ctx.Done()
		r.mustPoll(items(1, 3))
		all := Endpoint{Name: "all", Past: true, Order: notify.OrderSource, Latest: true}
		list := []Endpoint{
			{Name: "you"},
			all,
			{Name: "some", Past: true, Filter: when(`key != "3"`)},
			{Name: "since", Past: true, Since: time.Now().Add(-time.Minute)},
			{Name: "later", Past: true, Since: time.Now().Add(time.Minute)},
			{Name: "now"},
		}
		r.setEndpoints(list...)
		r.mustPoll(items(1, 4))
		r.wantTold("all")
		r.replayFor(time.Second)
		r.mustPoll(items(1, 5))
		for range 2 {
			r.wantAll("all")
			r.wantTold("all", "created 2", "created 3", "created 4", "created 5")
			r.wantTold("some", "created 2", "created 4", "created 5")
			r.wantTold("since", "created 3", "created 4", "created 5")
			r.wantTold("later", "created 4", "created 5")
			r.wantTold("now", "created 4", "created 5")
			// It is not new a second time, also with another from or after it was gone.
			r.setEndpoints()
			r.setEndpoints(list...)
			r.setEndpoints(all, Endpoint{Name: "now", Past: true})
			r.restart()
			r.setEndpoints(list...)
			r.replayFor(time.Minute)
		}
		deliveries, _ := r.tell("all")
		if d := deliveries[0]; d.Lane != "shop" {
			t.Errorf("delivery %+v", d)
		}
	})
}

// TestEndpointThatGoesWhileItIsToldThePast goes on there when it is back, and
// misses nothing of what came meanwhile.
func TestEndpointThatGoesWhileItIsToldThePast(t *testing.T) {
	inReplayBubble(t, nil, func(t *testing.T, r *rig) {
		r.mustPoll(items(1, 1))
		r.mustPoll(items(1, 700))
		past := Endpoint{Name: "new", Past: true}
		r.setEndpoints(past)
		step := newReplayer(r.bridge)
		if moved, open, err := step.round(t.Context()); !moved || !open || err != nil {
			t.Fatal(moved, open, err)
		}
		r.setEndpoints()
		r.mustPoll(items(1, 900))
		r.replayFor(time.Minute)
		if deliveries, _ := r.tell("new"); len(deliveries) != replayStep {
			t.Errorf("told %d while it is gone", len(deliveries))
		}
		r.setEndpoints(past)
		r.replayFor(time.Minute)
		r.wantAll("new")
	})
}

// TestEndpointsThatCannotBeSaved leave the ones that there were.
func TestEndpointsThatCannotBeSaved(t *testing.T) {
	t.Parallel()
	s, _ := shopOf()
	r := newRig(t, s)
	r.setEndpoints(Endpoint{Name: "old"})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errDisk)
	err := r.bridge.SetEndpoints(ctx, []Endpoint{{Name: "new", Past: true}})
	var storeErr *StoreError
	if !errors.As(err, &storeErr) || !errors.Is(err, errDisk) {
		t.Errorf("got %v", err)
	}
	r.mustPoll(items(1, 1))
	r.mustPoll(items(1, 2))
	r.wantTold("old", "created 2")
	r.wantTold("new")
}

// TestNewEndpointIsToldTheLogOnce whatever happens in whatever order: changes,
// steps of the replay, writes that fail or only seem to, crashes, and endpoints
// that come and go.
func TestNewEndpointIsToldTheLogOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s, _ := shopOf()
		s.FailureThreshold = 1
		r := openRig(rt, t.TempDir(), s)
		r.setEndpoints()
		broken := &brokenReplays{Store: r.store.Store}
		r.store.Store = broken
		endpoints := []Endpoint{
			{Name: "new", Past: true},
			{Name: "picky", Past: true, Filter: when(`key == "2"`), Events: []string{"*", "pollwire.*"}, Order: notify.OrderItem},
		}
		set := false // whether the endpoints are there
		n := 0
		poll := func(rt *rapid.T) {
			n++
			_ = r.poll(items(1, 1+n%7)) // may be made to fail
		}
		rt.Repeat(map[string]func(*rapid.T){
			"poll": poll,
			"more": poll,
			"fail": func(*rapid.T) { r.bridge.Fail(r.t.Context(), "shop", errDisk) },
			"step": func(*rapid.T) { _, _, _ = newReplayer(r.bridge).round(r.t.Context()) },
			"commit fails": func(rt *rapid.T) {
				r.store.before, r.store.after = rapid.IntRange(0, 1).Draw(rt, "before"), rapid.IntRange(0, 1).Draw(rt, "after")
			},
			"step fails": func(rt *rapid.T) {
				broken.before, broken.after = rapid.IntRange(0, 1).Draw(rt, "before"), rapid.IntRange(0, 1).Draw(rt, "after")
			},
			"come": func(*rapid.T) { r.setEndpoints(endpoints...); set = true },
			"crash": func(*rapid.T) {
				r.restart()
				if set {
					r.setEndpoints(endpoints...)
				}
			},
		})
		r.store.before, r.store.after, broken.before, broken.after = 0, 0, 0, 0
		r.setEndpoints(endpoints...)
		for open := true; open; {
			var err error
			if _, open, err = newReplayer(r.bridge).round(r.t.Context()); err != nil {
				rt.Fatal(err)
			}
		}
		for range 3 {
			poll(rt)
		}
		r.wantAll("new")
		r.wantAll("picky")
	})
}

// TestNewEndpointBesideCommits is told the log once and in order while many
// sources change, and others are set meanwhile.
func TestNewEndpointBesideCommits(t *testing.T) {
	t.Parallel()
	s, _ := shopOf()
	r := newRig(t, s)
	r.setEndpoints()
	r.mustPoll(items(1, 1))
	r.mustPoll(items(1, 600))
	// The rig's own store is for one goroutine.
	b, err := New(t.Context(), Options{
		Store: r.store.Store, Sources: []*Source{&s}, KeepSnapshots: 3, Wake: func(...string) {}, Logger: r.logging,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.bridge = b
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { r.bridge.RunReplays(ctx) })
	var committers sync.WaitGroup
	for n := range 4 {
		committers.Go(func() {
			for i := range 150 {
				state := notify.EndpointState{Name: fmt.Sprint("e", n), Failures: i, Untold: notify.EndpointFailing}
				if err := r.bridge.EndpointAlert(t.Context(), state); err != nil {
					t.Error(err)
				}
			}
		})
	}
	newcomer := Endpoint{Name: "new", Past: true, Events: []string{"*", "pollwire.*"}}
	for i := range 20 {
		r.setEndpoints(newcomer, Endpoint{Name: fmt.Sprint("other", i), Past: true})
	}
	committers.Wait()
	for {
		open, err := r.store.OpenReplays(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(open, func(r store.Replay) bool { return r.Endpoint == "new" }) {
			break
		}
	}
	cancel()
	all.Wait()
	r.wantAll("new")
	if deliveries, _ := r.tell("new"); len(deliveries) != 599+4*150 {
		t.Errorf("told %d", len(deliveries))
	}
}
