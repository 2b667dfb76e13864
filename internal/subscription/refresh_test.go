package subscription_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/pollwire/pollwire/internal/subscription"
)

func (b *bench) mustRefresh(t *testing.T) {
	t.Helper()
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestRefresh: what one node adds and ends, the others tell and tell no more.
func TestRefresh(t *testing.T) {
	t.Parallel()
	one := newBench(t)
	two := one.other(t)
	added := one.mustAdd(t, subscription.Request{URL: hook, Sources: []string{"orders"}, Filter: "item.total > 7"})
	two.mustRefresh(t)
	live := two.live()
	if len(live) != 1 || live[0].Name != added.ID || live[0].URL != hook || live[0].Filter == nil || !slices.Equal(live[0].Sources, []string{"orders"}) {
		t.Fatalf("the other node tells %+v", live)
	}
	if again, err := two.Add(t.Context(), subscription.Request{URL: hook, Sources: []string{"orders"}, Filter: "item.total > 7"}); err != nil || again.Created {
		t.Errorf("asked for again: %+v, %v", again, err)
	}
	applied := len(two.applied)
	for range 2 {
		two.mustRefresh(t)
	}
	if len(two.applied) != applied {
		t.Error("what has not changed is applied again")
	}
	if err := two.End(t.Context(), added.ID, "deleted"); err != nil {
		t.Fatal(err)
	}
	one.store.wait(added.ID, 3) // committed before it was heard of
	one.mustRefresh(t)
	if len(one.live()) != 0 || one.has(added.ID) {
		t.Errorf("it goes on: %+v", one.live())
	}
	if got := one.store.endings(); !slices.Equal(got, []string{added.ID, added.ID}) || len(one.store.waiting) != 0 {
		t.Errorf("ended %v, and %v waits", got, one.store.waiting)
	}
	one.mustRefresh(t)
	if got := one.store.endings(); len(got) != 2 {
		t.Errorf("ended again: %v", got)
	}
}

// TestRefreshThatFails is made good by the next one.
func TestRefreshThatFails(t *testing.T) {
	t.Parallel()
	one := newBench(t)
	two := one.other(t)
	kept := one.mustAdd(t, subscription.Request{URL: hook})
	sick := errors.New("the database cannot be reached")
	two.store.fails("Subscriptions", sick)
	if err := two.Refresh(t.Context()); !errors.Is(err, sick) || len(two.live()) != 0 {
		t.Errorf("read: %v", err)
	}
	two.store.fails("Subscriptions", nil)
	two.sick = sick
	if err := two.Refresh(t.Context()); !errors.Is(err, sick) {
		t.Errorf("apply: %v", err)
	}
	two.sick = nil
	two.mustRefresh(t)
	if live := two.live(); len(live) != 1 || live[0].Name != kept.ID {
		t.Errorf("told: %+v", live)
	}
	if err := one.End(t.Context(), kept.ID, "deleted"); err != nil {
		t.Fatal(err)
	}
	two.store.fails("EndSubscription", sick)
	if err := two.Refresh(t.Context()); !errors.Is(err, sick) {
		t.Errorf("end: %v", err)
	}
	if len(two.live()) != 0 {
		t.Error("it is told though it has ended")
	}
	two.store.fails("EndSubscription", nil)
	two.mustRefresh(t)
	if got := two.store.endings(); len(got) != 2 {
		t.Errorf("ended %v", got)
	}
}

// TestRefreshSaysProblems once, as a start does.
func TestRefreshSaysProblems(t *testing.T) {
	t.Parallel()
	one := newBench(t)
	one.options.Key = "another key of the operator's, 32 bytes"
	two := one.other(t)
	added := one.mustAdd(t, subscription.Request{URL: hook})
	for range 2 {
		two.mustRefresh(t)
	}
	if live := two.live(); len(live) != 1 || live[0].Readable {
		t.Errorf("told: %+v", live)
	}
	if got, err := two.Get(added.ID); err != nil || got.Problem == "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestSweepSparesWhatOthersAdded: a node that has not heard of it yet ends nothing.
func TestSweepSparesWhatOthersAdded(t *testing.T) {
	t.Parallel()
	one := newBench(t)
	two := one.other(t)
	added := one.mustAdd(t, subscription.Request{URL: hook})
	one.store.wait(added.ID, 1)
	if err := two.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := two.store.endings(); got != nil {
		t.Errorf("ended %v", got)
	}
}
