package bridge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// replayFor carries out replays for a time.
func (r *rig) replayFor(d time.Duration) {
	ctx, cancel := context.WithTimeout(r.t.Context(), d)
	defer cancel()
	r.bridge.RunReplays(ctx)
}

func (r *rig) mustReplay(replay store.Replay) store.Replay {
	r.t.Helper()
	started, err := r.bridge.StartReplay(r.t.Context(), replay)
	if err != nil {
		r.t.Fatalf("start replay: %v", err)
	}
	return started
}

func (r *rig) progress(id string) store.Replay {
	r.t.Helper()
	replay, err := r.bridge.Replay(r.t.Context(), id)
	if err != nil {
		r.t.Fatalf("read replay: %v", err)
	}
	return replay
}

// end ends what waits for an endpoint, up to a number.
func (r *rig) end(endpoint string, state notify.State, most int) {
	r.t.Helper()
	deliveries, err := r.store.Waiting(r.t.Context(), endpoint, 0, most)
	if err != nil {
		r.t.Fatalf("read deliveries: %v", err)
	}
	var outcomes []notify.Outcome
	for _, d := range deliveries {
		outcomes = append(outcomes, notify.Outcome{Delivery: d.ID, State: state, Attempt: notify.Attempt{Number: 1, At: time.Now()}})
	}
	if err := r.store.Record(r.t.Context(), outcomes); err != nil {
		r.t.Fatalf("record: %v", err)
	}
}

// shopOf is a list for any number of endpoints, and with many changes.
func shopOf(endpoints ...Endpoint) (Source, []Endpoint) {
	s := list()
	s.NotifyAll, s.MaxRemoved.Percent = true, 100
	return s, endpoints
}

// inReplayBubble runs a test on a list that endpoints are told.
func inReplayBubble(t *testing.T, endpoints []Endpoint, test func(t *testing.T, r *rig)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, list := shopOf(endpoints...)
		r := newRig(t, s)
		r.others = list
		r.restart()
		test(t, r)
	})
}

// TestReplayTellsWhatWouldBeTold by the rules of today, marked, and beside what
// happens now.
func TestReplayTellsWhatWouldBeTold(t *testing.T) {
	inReplayBubble(t, []Endpoint{{Name: "you", Order: notify.OrderSource}}, func(t *testing.T, r *rig) {
		r.mustPoll(items(1, 1))
		r.mustPoll(items(1, 3))
		r.mustPoll(items(2, 4))
		r.end("you", notify.Delivered, 100)
		r.setEndpoints(Endpoint{Name: "you", Filter: when(`change == "created" && key != "3"`), Order: notify.OrderSource, Latest: true})
		started := r.mustReplay(store.Replay{Endpoint: "you"})
		if !strings.HasPrefix(started.ID, "rpl_") || started.Endpoint != "you" || started.CreatedAt.IsZero() || started.Progress() != 0 {
			t.Errorf("started %+v", started)
		}
		r.mustPoll(items(2, 5))
		r.woken = nil
		r.replayFor(time.Second)
		r.wantTold("you", "created 5", "created 2", "created 4")
		if !slices.Equal(r.woken, []string{"you"}) {
			t.Errorf("woken %v", r.woken)
		}
		deliveries, _ := r.tell("you")
		for i, d := range deliveries {
			lane := "shop"
			if i > 0 {
				lane = notify.ReplayLane("shop")
			}
			if d.Replay != (i > 0) || d.Lane != lane || i > 0 && d.Key != "" {
				t.Errorf("delivery %+v", d)
			}
		}
		if got := r.progress(started.ID); got.Told != 2 || got.Waiting != 2 || got.Progress() != 1 || got.FinishedAt.IsZero() {
			t.Errorf("at the end %+v", got)
		}
	})
}

// TestReplaysBesideEachOther: one to all endpoints and one to one. Of those, one
// that takes nothing holds up no other, and no more is made for it than it can
// have waiting; it goes on when it takes something again, also after a restart.
func TestReplaysBesideEachOther(t *testing.T) {
	const count = 3000
	inReplayBubble(t, []Endpoint{{Name: "sick"}, {Name: "well"}}, func(t *testing.T, r *rig) {
		r.mustPoll(items(1, 1))
		r.mustPoll(items(1, 1+count))
		for _, name := range []string{"sick", "well"} {
			r.end(name, notify.Delivered, count)
		}
		all := r.mustReplay(store.Replay{})
		if all.Endpoint != "" {
			t.Errorf("of all: %+v", all)
		}
		one := r.mustReplay(store.Replay{Endpoint: "well", Source: "shop"})
		waits := func(name string) int {
			deliveries, _ := r.tell(name)
			return len(deliveries)
		}
		told := map[string]int{}
		for range 40 {
			r.replayFor(time.Second)
			told["well"] += waits("well")
			r.end("well", notify.Delivered, count)
			if n := waits("sick"); n > replayAhead+replayStep {
				t.Fatalf("%d wait for the one that takes nothing", n)
			}
		}
		// What waits for it is not told again by the other replay.
		if told["well"] != count {
			t.Errorf("well was told %d, want %d", told["well"], count)
		}
		if got := r.progress(one.ID); got.FinishedAt.IsZero() || got.Told != 0 {
			t.Errorf("to one: %+v", got)
		}
		got := r.progress(all.ID)
		if p := got.Progress(); p < 0.6 || p > 0.9 || !got.FinishedAt.IsZero() || got.Waiting != int64(waits("sick")) {
			t.Errorf("to all: %+v, %v", got, p)
		}
		r.restart()
		for range 40 {
			told["sick"] += waits("sick")
			r.end("sick", notify.Delivered, count)
			r.replayFor(10 * time.Second)
		}
		if got := r.progress(all.ID); told["sick"] != count || got.Told != 2*count || got.FinishedAt.IsZero() || got.Progress() != 1 {
			t.Errorf("sick was told %d; %+v", told["sick"], got)
		}
	})
}

// TestReplayOfWhatIsDead tells it whatever the rules are by now, and it is dead
// no more.
func TestReplayOfWhatIsDead(t *testing.T) {
	inReplayBubble(t, []Endpoint{{Name: "you"}}, func(t *testing.T, r *rig) {
		r.mustPoll(items(1, 1))
		r.mustPoll(items(1, 3))
		r.end("you", notify.Dead, 1)
		r.end("you", notify.Delivered, 1)
		r.setEndpoints(Endpoint{Name: "you", Events: []string{"nothing"}})
		first, second := r.mustReplay(store.Replay{Endpoint: "you", Dead: true}), r.mustReplay(store.Replay{Dead: true})
		r.replayFor(time.Second)
		r.wantTold("you", "created 2")
		if a, b := r.progress(first.ID), r.progress(second.ID); a.Told != 1 || b.Told != 0 || b.FinishedAt.IsZero() {
			t.Errorf("%+v, then %+v", a, b)
		}
	})
}

// TestReplayToAnEndpointThatIsGone waits until it is back.
func TestReplayToAnEndpointThatIsGone(t *testing.T) {
	inReplayBubble(t, []Endpoint{{Name: "you"}}, func(t *testing.T, r *rig) {
		r.mustPoll(items(1, 1))
		r.mustPoll(items(1, 2))
		r.end("you", notify.Delivered, 10)
		started := r.mustReplay(store.Replay{Endpoint: "you"})
		r.setEndpoints()
		r.replayFor(time.Hour)
		if got := r.progress(started.ID); got.Told != 0 || !got.FinishedAt.IsZero() {
			t.Errorf("while it is gone: %+v", got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.bridge.RunReplays(ctx)
		}()
		synctest.Wait()
		r.setEndpoints(Endpoint{Name: "you"})
		synctest.Wait()
		cancel()
		<-done
		r.wantTold("you", "created 2")
	})
}

// brokenReplays fails steps of replays, before or after they have happened.
type brokenReplays struct {
	store.Store
	before, after, steps int
}

func (s *brokenReplays) AdvanceReplay(ctx context.Context, r *store.Replay, step store.ReplayStep) error {
	s.steps++
	if s.before > 0 {
		s.before--
		return errDisk
	}
	own := *r
	if err := s.Store.AdvanceReplay(ctx, &own, step); err != nil {
		return err
	}
	if s.after > 0 {
		s.after--
		return errDisk
	}
	*r = own
	return nil
}

// TestReplayGoesOnAfterErrors, of steps that did not happen, and of steps that
// did all the same. It tells each event once, and tries ever less often.
func TestReplayGoesOnAfterErrors(t *testing.T) {
	inReplayBubble(t, []Endpoint{{Name: "you"}}, func(t *testing.T, r *rig) {
		r.mustPoll(items(1, 1))
		r.mustPoll(items(1, 601))
		r.end("you", notify.Delivered, 1000)
		broken := &brokenReplays{Store: r.store.Store, before: 5, after: 2}
		r.store.Store = broken
		var log bytes.Buffer
		r.logging = slog.New(slog.NewTextHandler(&log, nil))
		r.restart()
		r.mustReplay(store.Replay{})
		r.replayFor(time.Minute)
		if deliveries, _ := r.tell("you"); len(deliveries) != 600 {
			t.Errorf("told %d", len(deliveries))
		}
		if n := strings.Count(log.String(), "trying again"); n != 1 {
			t.Errorf("log %s", &log)
		}
		broken.before, broken.steps = 1_000_000, 0
		r.mustReplay(store.Replay{})
		r.replayFor(time.Hour)
		if broken.steps < 700 || broken.steps > 760 {
			t.Errorf("%d steps were tried in an hour, want one each %v", broken.steps, replayWaitMax)
		}
	})
}

// TestReplaySaysWhichConditionFailed, once for each replay.
func TestReplaySaysWhichConditionFailed(t *testing.T) {
	inReplayBubble(t, []Endpoint{{Name: "you"}}, func(t *testing.T, r *rig) {
		var log bytes.Buffer
		r.logging = slog.New(slog.NewTextHandler(&log, nil))
		r.restart()
		r.mustPoll(items(1, 1))
		r.mustPoll(items(1, 601))
		r.end("you", notify.Delivered, 1000)
		r.setEndpoints(Endpoint{Name: "you", Filter: when(`item.id > "a"`)})
		r.mustReplay(store.Replay{})
		r.replayFor(time.Minute)
		if deliveries, _ := r.tell("you"); len(deliveries) != 600 {
			t.Errorf("told %d", len(deliveries))
		}
		if n := strings.Count(log.String(), `condition="filter of endpoint you"`); n != 1 {
			t.Errorf("log %s", &log)
		}
	})
}

// TestReplaysThatCannotBe.
func TestReplaysThatCannotBe(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	now := time.Now()
	for _, test := range []struct {
		replay store.Replay
		want   error
		text   string
	}{
		{store.Replay{Endpoint: "nobody"}, notify.ErrUnknownEndpoint, `endpoint "nobody"`},
		{store.Replay{Source: "nothing"}, ErrUnknownSource, `"nothing", and the log has none of that name either`},
		{store.Replay{Since: now, Until: now}, ErrNothingToReplay, "is not before until"},
	} {
		if _, err := r.bridge.StartReplay(t.Context(), test.replay); !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%+v: %v", test.replay, err)
		}
	}
	r.setEndpoints()
	if _, err := r.bridge.StartReplay(t.Context(), store.Replay{}); !errors.Is(err, ErrNothingToReplay) {
		t.Error(err)
	}
	for _, id := range []string{"rpl_none", store.FirstReplay} {
		if _, err := r.bridge.Replay(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
	// The log may have a source that the configuration has no more.
	r.setEndpoints(Endpoint{Name: "boss", Events: []string{"pollwire.*"}})
	if err := r.bridge.EndpointAlert(t.Context(), notify.EndpointState{Name: "gone", Untold: notify.EndpointDisabled}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.bridge.StartReplay(t.Context(), store.Replay{Source: "gone"}); err != nil {
		t.Error(err)
	}
}

// TestRetellTellsOneAgain, at once.
func TestRetellTellsOneAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(items(1, 1))
	r.mustPoll(items(1, 2))
	deliveries, _ := r.tell("you")
	id := deliveries[0].ID
	if _, err := r.bridge.Retell(t.Context(), id); !errors.Is(err, ErrWaits) || !strings.Contains(err.Error(), fmt.Sprint("delivery ", id)) {
		t.Errorf("while it waits: %v", err)
	}
	r.end("you", notify.Dead, 1)
	r.woken = nil
	again, err := r.bridge.Retell(t.Context(), id)
	if err != nil || !again.Replay || again.ID == id || !slices.Equal(r.woken, []string{"you"}) {
		t.Errorf("%+v, %v; woken %v", again, err, r.woken)
	}
	r.wantTold("you", "created 2")
	if _, err := r.bridge.Retell(t.Context(), 1000); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

// TestRetellNeedsSomebodyToTell: what would be added for an endpoint that has
// gone would wait until it is dead, and nobody would know.
func TestRetellNeedsSomebodyToTell(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(items(1, 1))
	r.mustPoll(items(1, 2))
	deliveries, _ := r.tell("you")
	r.end("you", notify.Dead, 1)
	r.setEndpoints(Endpoint{Name: "ops", Order: notify.OrderSource})
	again, err := r.bridge.Retell(t.Context(), deliveries[0].ID)
	if !errors.Is(err, notify.ErrUnknownEndpoint) || !strings.Contains(err.Error(), `"you"`) {
		t.Errorf("%+v, %v", again, err)
	}
	r.wantTold("you")
	if again, err = r.bridge.Retell(t.Context(), 1000); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%+v, %v", again, err)
	}
}
