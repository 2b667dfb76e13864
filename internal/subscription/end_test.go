package subscription_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
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
	if b.has(one.ID) || !b.has(two.ID) {
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
	if live := b.live(); !b.has(added.ID) || len(live) != 1 || live[0].Name != added.ID {
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

// TestLeftoversAreEnded: what a crash has left of a subscription, and nothing
// that belongs to another endpoint.
func TestLeftoversAreEnded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	added := b.mustAdd(t, subscription.Request{URL: hook})
	for _, name := range []string{"sub_LEFT", "sub_ops", added.ID, "ops"} {
		b.store.wait(name, 2)
	}
	for range 2 {
		if err := b.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := b.store.endings(); !slices.Equal(got, []string{"sub_LEFT"}) {
			t.Errorf("ended %v", got)
		}
	}
	sick := errors.New("the disk is full")
	b.store.wait("sub_LEFT", 1)
	b.store.fails("EndSubscription", sick)
	if err := b.Sweep(t.Context()); !errors.Is(err, sick) {
		t.Errorf("error %v", err)
	}
}

// TestApplyThatFails leaves what there was before.
func TestApplyThatFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	added := b.mustAdd(t, subscription.Request{URL: hook})
	b.sick = errors.New("no replay can be saved")
	if _, err := b.Add(t.Context(), subscription.Request{URL: hook + "2"}); !errors.Is(err, b.sick) {
		t.Errorf("add: %v", err)
	}
	if err := b.End(t.Context(), added.ID, "deleted"); !errors.Is(err, b.sick) {
		t.Errorf("end: %v", err)
	}
	if err := subscription.New(b.options).Load(t.Context()); !errors.Is(err, b.sick) {
		t.Errorf("load: %v", err)
	}
	b.sick = nil
	if len(b.store.rows) != 1 {
		t.Errorf("kept %v", b.store.rows)
	}
	if list := b.List(); len(list) != 1 || list[0].ID != added.ID {
		t.Errorf("listed %v", list)
	}
	if live := b.live(); len(live) != 1 || live[0].Name != added.ID {
		t.Errorf("live %v", live)
	}
}
