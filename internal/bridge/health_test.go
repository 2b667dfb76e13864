package bridge

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollwire/pollwire/poller"
)

var errUpstream = errors.New("answered 502 Bad Gateway")

// fail lets polls fail, one each minute.
func (r *rig) fail(times int) {
	for range times {
		r.bridge.Fail(r.t.Context(), "shop", errUpstream)
		<-time.After(time.Minute)
	}
}

// inBubble runs a test on a clock of its own. The threshold is 3 failures, the
// reminder comes after an hour.
func inBubble(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(t, newRig(t, list())) })
}

func TestSickSourceIsToldOnceAndReminded(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.mustPoll(isUp)
		began := time.Now()
		r.fail(2)
		r.wantStory(r.news())
		r.fail(1)
		events := r.news()
		r.wantStory(events, "source.failing")
		d := dataOf(events[0])
		if d.Name != "shop" || d.Reason != errUpstream.Error() || d.Count != 3 || !d.Since.Equal(began.Truncate(time.Millisecond)) {
			t.Errorf("data %s", events[0].Data)
		}
		if e := events[0]; !e.Alert || e.Sequence != 0 || e.Source != "shop" || e.Subject != "" || len(r.waiting("ops")) != 1 || len(r.waiting("you")) != 0 {
			t.Errorf("event %+v, ops %v, you %v", e, r.waiting("ops"), r.waiting("you"))
		}
		r.fail(59)
		r.wantStory(r.news())
		r.fail(1) // an hour after the first
		events = r.news()
		r.wantStory(events, "source.failing")
		if d := dataOf(events[0]); d.Count != 63 || !d.Since.Equal(began.Truncate(time.Millisecond)) {
			t.Errorf("reminder %s", events[0].Data)
		}
		r.fail(10)

		events = r.mustPoll(isDown) // recovers and changes, in one commit
		r.wantStory(events, "updated 1", "source.recovered")
		if d := dataOf(events[1]); d.Count != 73 || d.Reason != errUpstream.Error() || !d.Since.Equal(began.Truncate(time.Millisecond)) {
			t.Errorf("data %s", events[1].Data)
		}
		if row := r.row(); row.Alert.Failures != 0 || !row.Alert.Since.IsZero() {
			t.Errorf("alert left %+v", row.Alert)
		}
		// And it begins anew.
		r.fail(2)
		r.mustPoll(isDown)
		r.fail(2)
		r.mustPoll(isUp)
		r.fail(3)
		r.wantStory(r.news(), "source.failing")
	})
}

// TestRecoveryByAnUnchangedAnswer is a recovery too, told once.
func TestRecoveryByAnUnchangedAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.mustPoll(isUp)
		r.fail(3)
		r.news()
		r.wantStory(r.mustPoll(isUp), "source.recovered")
		commits := r.store.commits
		r.wantStory(r.mustPoll(isUp))
		if r.store.commits != commits {
			t.Error("an unchanged answer was written")
		}
	})
}

func TestAlertSurvivesARestart(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.fail(3) // before the first answer, even
		r.wantStory(r.news(), "source.failing")
		began := dataOf(mustEvent(r, 1)).Since
		r.restart()
		r.fail(30)
		r.wantStory(r.news())
		r.restart()
		r.fail(40)
		events := r.news()
		r.wantStory(events, "source.failing")
		// What failed untold before the restart is not known any more.
		if d := dataOf(events[0]); !d.Since.Equal(began) || d.Count < 4 {
			t.Errorf("reminder %s", events[0].Data)
		}
		r.restart()
		events = r.mustPoll(isUp)
		r.wantStory(events, "source.recovered")
		if d := dataOf(events[0]); !d.Since.Equal(began) {
			t.Errorf("data %s", events[0].Data)
		}
		r.restart()
		r.wantStory(r.mustPoll(isUp))
	})
}

// TestStoreErrorsAreNotTheSources: a full disk is no reason to tell of a source.
func TestStoreErrorsAreNotTheSources(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.mustPoll(isUp)
		for range 10 {
			r.store.before = 1
			err := r.poll(isDown)
			if err == nil {
				t.Fatal("accepted without a store")
			}
			r.bridge.Fail(t.Context(), "shop", err) // as the poller does
		}
		r.wantStory(r.news())
		r.fail(2)
		r.wantStory(r.news())
	})
}

// TestAlertThatCannotBeWrittenIsTriedAgain with the next failure.
func TestAlertThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.mustPoll(isUp)
		r.store.before = 2
		r.fail(4)
		r.wantStory(r.news())
		r.fail(1)
		events := r.news()
		r.wantStory(events, "source.failing")
		if d := dataOf(events[0]); d.Count != 5 {
			t.Errorf("data %s", events[0].Data)
		}
		// A recovery that cannot be written fails the poll, and comes later.
		r.store.before = 1
		if err := r.poll(isUp); !errors.Is(err, errDisk) {
			t.Errorf("error %v", err)
		}
		r.wantStory(r.news())
		r.wantStory(r.mustPoll(isUp), "source.recovered")
	})
}

// TestReasonsAreDataToo: what an upstream sends ends up in JSON unharmed.
func TestReasonsAreDataToo(t *testing.T) {
	t.Parallel()
	s := list()
	s.FailureThreshold = 1
	r := newRig(t, s)
	const reason = "bad key: \"<&>\" \u2028 \x00"
	r.bridge.Fail(t.Context(), "shop", errors.New(reason+"\xff"))
	events := r.news()
	if d := dataOf(events[0]); d.Reason != reason+"\uFFFD" {
		t.Errorf("data %s", events[0].Data)
	}
}

func TestElapsed(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for passed, want := range map[time.Duration]bool{
		0: false, time.Hour - 1: false, time.Hour: true, 400 * 24 * time.Hour: true,
		// It was told in the future: the clock was wrong then, or is now.
		-time.Second: true, -400 * 24 * time.Hour: true,
	} {
		if got := elapsed(at, at.Add(passed), time.Hour); got != want {
			t.Errorf("%v: %t", passed, got)
		}
	}
}

// TestEndedContextWritesNothing: a stop is no failure, and no half of a change.
func TestEndedContextWritesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(isUp)
	stop := errors.New("we stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	o := r.observation("application/json", isDown)
	if err := r.bridge.Observe(ctx, o); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
	r.wantStory(r.news())
	r.restart()
	r.wantStory(r.mustPoll(isDown), "updated 1")
	if r.polled == (poller.State{}) {
		t.Error("no state")
	}
}

// TestRaisedThresholdKeepsReminding of what was told already.
func TestRaisedThresholdKeepsReminding(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.mustPoll(isUp)
		r.fail(3)
		r.wantStory(r.news(), "source.failing")
		r.source.FailureThreshold = 1000
		r.restart()
		r.fail(60)
		r.wantStory(r.news(), "source.failing")
		r.wantStory(r.mustPoll(isUp), "source.recovered")
		r.fail(60) // and of the next one it is the threshold
		r.wantStory(r.news())
	})
}

// TestLoweredThresholdTellsAtOnce, with the failures that were counted since.
func TestLoweredThresholdTellsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.source.FailureThreshold = 50
		r.restart()
		r.mustPoll(isUp)
		r.fail(40)
		r.source.FailureThreshold = 2
		r.restart()
		r.fail(1)
		r.wantStory(r.news())
		r.fail(1)
		r.wantStory(r.news(), "source.failing")
	})
}
