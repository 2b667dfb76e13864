package subscription_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollwire/pollwire/internal/subscription"
)

var exampleTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.mustAdd(t, subscription.Request{URL: hook})
	two := b.mustAdd(t, subscription.Request{URL: hook + "2"})
	b.store.wait(one.ID, 3)
	if err := b.End(t.Context(), one.ID, "deleted over the API"); err != nil {
		t.Fatal(err)
	}
	if b.Has(one.ID) || !b.Has(two.ID) {
		t.Error("the wrong one has ended")
	}
	if live := b.live(); len(live) != 1 || live[0].Name != two.ID {
		t.Errorf("live %v", live)
	}
	if !strings.Contains(b.logged(), `msg="subscription ended" endpoint=`+one.ID+` reason="deleted over the API" dead=3`) {
		t.Errorf("logged %s", b.logged())
	}
	for _, id := range []string{one.ID, "sub_", ""} {
		if err := b.End(t.Context(), id, "again"); !errors.Is(err, subscription.ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
		if _, err := b.Get(id); !errors.Is(err, subscription.ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
	b.restart(t)
	if list := b.List(); len(list) != 1 || list[0].ID != two.ID {
		t.Errorf("after a restart: %v", list)
	}
}

// TestFailedEndGoesOn: who was told that it failed finds it as it was.
func TestFailedEndGoesOn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	added := b.mustAdd(t, subscription.Request{URL: hook})
	sick := errors.New("the disk is full")
	b.store.fails("EndSubscription", sick)
	if err := b.End(t.Context(), added.ID, "deleted"); !errors.Is(err, sick) {
		t.Errorf("error %v", err)
	}
	if live := b.live(); !b.Has(added.ID) || len(live) != 1 || live[0].Name != added.ID {
		t.Errorf("live %v", live)
	}
	if len(b.applied) != 4 || len(b.applied[2]) != 0 {
		t.Errorf("applied %v: nothing may come to it while it ends", b.applied)
	}
	b.store.fails("EndSubscription", nil)
	if err := b.End(t.Context(), added.ID, "deleted"); err != nil {
		t.Error(err)
	}
}

// TestLeftoversAreEnded: what a crash has left, and what was committed after the
// end.
func TestLeftoversAreEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		added := b.mustAdd(t, subscription.Request{URL: hook})
		b.store.wait("sub_LEFT", 2)
		b.store.wait("sub_ops", 2) // of the configuration
		b.store.wait(added.ID, 2)
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := b.store.endings(); !slices.Equal(got, []string{"sub_LEFT"}) {
			t.Errorf("ended %v", got)
		}
		b.Committed("ops", "sub_ops", added.ID)
		b.Committed()
		synctest.Wait()
		if got := b.store.endings(); len(got) != 1 {
			t.Errorf("ended %v", got)
		}
		if err := b.End(t.Context(), added.ID, "deleted"); err != nil {
			t.Fatal(err)
		}
		b.store.wait(added.ID, 1)
		b.Committed("ops", added.ID)
		synctest.Wait()
		if got := b.store.endings(); !slices.Equal(got, []string{"sub_LEFT", added.ID, added.ID}) {
			t.Errorf("ended %v", got)
		}
		for range 2 {
			if err := b.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		}
		b.Committed("sub_AFTER") // nobody is there any more; the next start sees it
	})
}

func TestLeftoversAreTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := b.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		b.store.fails("EndSubscription", errors.New("the disk is full"))
		b.Committed("sub_LEFT")
		synctest.Wait()
		if !strings.Contains(b.logged(), `msg="deliveries of an ended subscription still wait" endpoint=sub_LEFT`) {
			t.Errorf("logged %s", b.logged())
		}
		b.store.fails("EndSubscription", nil)
		start := time.Now()
		for len(b.store.endings()) == 0 && time.Since(start) < time.Hour {
			<-time.After(time.Second)
			synctest.Wait()
		}
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}

func TestStopBeforeStart(t *testing.T) {
	t.Parallel()
	if err := newBench(t).Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
