package subscription_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/subscription"
	"github.com/pollwire/pollwire/notify"
)

func TestSubscriptionIsToldAndKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	added := b.mustAdd(t, subscription.Request{
		URL: hook, Sources: []string{"prices", "orders", "prices"}, Events: []string{"shop.*"}, Filter: " item.total > 7 ",
	})
	if !added.Created || !strings.HasPrefix(added.ID, "sub_") || len(added.ID) != len("sub_")+26 {
		t.Errorf("added %+v", added)
	}
	if _, err := notify.ParseSecret(added.Secret); err != nil {
		t.Errorf("the secret that was made: %v", err)
	}
	want := subscription.Subscription{
		ID: added.ID, URL: "https://hooks.example.com/...", Sources: []string{"orders", "prices"}, Events: []string{"shop.*"},
		Filter: "item.total > 7", CreatedAt: added.CreatedAt,
	}
	for _, when := range []string{"at once", "after a restart"} {
		if diff := cmp.Diff([]subscription.Subscription{want}, b.List()); diff != "" {
			t.Errorf("%s, list (-want +got):\n%s", when, diff)
		}
		got, err := b.Get(added.ID)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s, error %v (-want +got):\n%s", when, err, diff)
		}
		live := b.live()
		if len(live) != 1 {
			t.Fatalf("%s: %d endpoints", when, len(live))
		}
		e := live[0]
		if e.Name != added.ID || !e.Readable || e.URL != hook || e.Filter.String() != "item.total > 7" || cmp.Diff(want.Sources, e.Sources) != "" {
			t.Errorf("%s: endpoint %+v", when, e)
		}
		secret, err := notify.ParseSecret(added.Secret)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := sign(e.Secret), sign(secret); a != b || a == "" {
			t.Errorf("%s: signs %s, want %s", when, a, b)
		}
		b.restart(t)
	}
}

func sign(s notify.Secret) string {
	return notify.Sign("id", exampleTime, []byte("{}"), []notify.Secret{s})
}

// TestNothingOfASubscriptionLeaks: neither URL nor secret is in the store, the
// log, a list or an error.
func TestNothingOfASubscriptionLeaks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	secret := notify.GenerateSecret()
	added := b.mustAdd(t, subscription.Request{URL: hook, Secret: secret})
	_, again := b.Add(t.Context(), subscription.Request{URL: hook, Secret: notify.GenerateSecret()})
	if err := b.End(t.Context(), added.ID, "deleted"); err != nil {
		t.Fatal(err)
	}
	b.store.fails("AddSubscription", errors.New("the disk is full"))
	_, full := b.Add(t.Context(), subscription.Request{URL: hook, Secret: secret})
	sinks := []string{b.logged(), fmt.Sprintf("%+v %v", added.Subscription, b.live()), fmt.Sprint(again), fmt.Sprint(full)}
	for _, row := range b.store.rows {
		sinks = append(sinks, fmt.Sprintf("%s %+v", row.Sealed, row))
	}
	for _, sink := range sinks {
		if strings.Contains(sink, "top-secret") || strings.Contains(sink, secret[len("whsec_"):]) {
			t.Errorf("it leaks: %s", sink)
		}
	}
}

func TestSameRequestGivesSameSubscription(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.mustAdd(t, subscription.Request{URL: hook, Sources: []string{"orders", "prices"}, Filter: "true"})
	again := b.mustAdd(t, subscription.Request{URL: hook, Sources: []string{"prices", "orders"}, Filter: "true "})
	if diff := cmp.Diff(first.Subscription, again.Subscription); diff != "" || again.Created || again.Secret != "" {
		t.Errorf("again %v %q (-want +got):\n%s", again.Created, again.Secret, diff)
	}
	same := b.mustAdd(t, subscription.Request{URL: hook, Sources: []string{"prices", "orders"}, Filter: "true", Secret: first.Secret})
	if same.ID != first.ID || same.Created || same.Secret != "" {
		t.Errorf("with its secret: %+v", same)
	}
	_, err := b.Add(t.Context(), subscription.Request{URL: hook, Sources: []string{"prices", "orders"}, Filter: "true", Secret: notify.GenerateSecret()})
	var refused *subscription.Refused
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), first.ID+" is the same but for its secret: delete it first") {
		t.Errorf("with another secret: %v", err)
	}
	for i, q := range []subscription.Request{
		{URL: hook + "x", Sources: []string{"orders", "prices"}, Filter: "true"},
		{URL: hook, Sources: []string{"orders"}, Filter: "true"},
		{URL: hook, Sources: []string{"orders", "prices"}},
		{URL: hook, Sources: []string{"orders", "prices"}, Filter: "true", Events: []string{"*"}},
	} {
		if other := b.mustAdd(t, q); !other.Created || other.ID == first.ID {
			t.Errorf("request %d gave %+v", i, other)
		}
	}
	if n := len(b.List()); n != 5 {
		t.Errorf("%d subscriptions", n)
	}
}

// TestSameRequestAtOnce: of requests that come together, one makes the
// subscription.
func TestSameRequestAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.options.Verify = true
	var together sync.WaitGroup
	together.Add(3)
	b.receivers.during = func(context.Context) {
		together.Done()
		together.Wait()
	}
	b.restart(t)
	var all sync.WaitGroup
	created := make([]bool, 3)
	for i := range created {
		all.Go(func() {
			added, err := b.Add(t.Context(), subscription.Request{URL: hook})
			if err != nil {
				t.Error(err)
			}
			created[i] = added.Created
			if created[i] != (added.Secret != "") {
				t.Errorf("created %v, secret %q", added.Created, added.Secret)
			}
		})
	}
	all.Wait()
	n := 0
	for _, c := range created {
		if c {
			n++
		}
	}
	if n != 1 || len(b.List()) != 1 || len(b.store.rows) != 1 {
		t.Errorf("%d created, %d listed, %d kept", n, len(b.List()), len(b.store.rows))
	}
}

func TestWithoutAKeyNothingIsKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.options.Key = ""
	b.restart(t)
	_, err := b.Add(t.Context(), subscription.Request{URL: hook})
	var refused *subscription.Refused
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "set storage.encryption_key") {
		t.Errorf("error %v", err)
	}
	if len(b.receivers.checked) > 0 {
		t.Error("the receiver was looked for")
	}
}

// TestAnotherKeyLetsDeliveriesWait: a subscription that cannot be read keeps its
// place, so that no event is lost, and can be ended.
func TestAnotherKeyLetsDeliveriesWait(t *testing.T) {
	t.Parallel()
	for _, other := range []string{"", strings.ToUpper(key)} {
		b := newBench(t)
		added := b.mustAdd(t, subscription.Request{URL: hook, Filter: "true"})
		b.options.Key = other
		b.restart(t)
		got, err := b.Get(added.ID)
		if err != nil || got.URL != "" || !strings.Contains(got.Problem, "its URL cannot be read, so its deliveries wait: ") || !strings.Contains(got.Problem, "storage.encryption_key") {
			t.Errorf("key %q: %+v, %v", other, got, err)
		}
		if !strings.Contains(b.logged(), "level=ERROR msg=\"subscription has a problem\" endpoint="+added.ID) {
			t.Errorf("logged %s", b.logged())
		}
		live := b.live()
		if len(live) != 1 || live[0].Readable || live[0].URL != "" || live[0].Filter == nil {
			t.Errorf("key %q: live %+v", other, live)
		}
		b.options.Key = key
		b.restart(t)
		if live := b.live(); len(live) != 1 || !live[0].Readable || live[0].URL != hook {
			t.Errorf("with its key again: %+v", live)
		}
		b.options.Key = other
		b.restart(t)
		if err := b.End(t.Context(), added.ID, "deleted"); err != nil || len(b.live()) != 0 {
			t.Errorf("end: %v, live %v", err, b.live())
		}
	}
}

// TestRowOfAnotherIsRefused: what is sealed is bound to the ID that it is kept
// under.
func TestRowOfAnotherIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.mustAdd(t, subscription.Request{URL: hook})
	two := b.mustAdd(t, subscription.Request{URL: hook + "2"})
	row := b.store.rows[one.ID]
	row.Sealed = b.store.rows[two.ID].Sealed
	row.Filter = "no such name"
	b.store.rows[one.ID] = row
	b.restart(t)
	if got, err := b.Get(one.ID); err != nil || !strings.Contains(got.Problem, "it was sealed by another key, or is damaged") {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFilterThatCannotBeUsedLetsThrough(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	added := b.mustAdd(t, subscription.Request{URL: hook, Filter: "true"})
	row := b.store.rows[added.ID]
	row.Filter = "of_a_later_version()"
	b.store.rows[added.ID] = row
	b.restart(t)
	got, err := b.Get(added.ID)
	if err != nil || !strings.Contains(got.Problem, "its filter cannot be used, so it is told all: ") {
		t.Errorf("%+v, %v", got, err)
	}
	if live := b.live(); len(live) != 1 || !live[0].Readable || live[0].Filter != nil {
		t.Errorf("live %+v", live)
	}
}

func TestNumberIsBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 1000 {
		b.mustAdd(t, subscription.Request{URL: fmt.Sprint(hook, i)})
	}
	_, err := b.Add(t.Context(), subscription.Request{URL: hook})
	var refused *subscription.Refused
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "there are 1000 subscriptions already") {
		t.Errorf("error %v", err)
	}
	if again := b.mustAdd(t, subscription.Request{URL: hook + "7"}); again.Created {
		t.Error("one that exists was made again")
	}
	if err := b.End(t.Context(), b.List()[0].ID, "deleted"); err != nil {
		t.Fatal(err)
	}
	b.mustAdd(t, subscription.Request{URL: hook})
}

// TestFailedSaveLeavesNothing, and gives its place back.
func TestFailedSaveLeavesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sick := errors.New("the disk is full")
	b.store.fails("AddSubscription", sick)
	if _, err := b.Add(t.Context(), subscription.Request{URL: hook}); !errors.Is(err, sick) {
		t.Errorf("error %v", err)
	}
	if len(b.List()) != 0 || len(b.live()) != 0 {
		t.Errorf("listed %v, live %v", b.List(), b.live())
	}
	b.store.fails("AddSubscription", nil)
	if added := b.mustAdd(t, subscription.Request{URL: hook}); !added.Created {
		t.Error("not made")
	}
}

// TestClientThatLeavesIsNoReasonToForget: a row that is written is known.
func TestClientThatLeavesIsNoReasonToForget(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Add(ctx, subscription.Request{URL: hook}); err != nil {
		t.Fatal(err)
	}
	id := b.List()[0].ID
	if err := b.End(ctx, id, "deleted"); err != nil {
		t.Fatal(err)
	}
	if len(b.store.rows) != 0 {
		t.Errorf("%d rows are left", len(b.store.rows))
	}
}

func TestLoadThatFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sick := errors.New("no such table")
	b.store.fails("Subscriptions", sick)
	if err := subscription.New(b.options).Load(t.Context()); !errors.Is(err, sick) {
		t.Errorf("error %v", err)
	}
	b.store.fails("EndpointNames", sick)
	if err := b.Sweep(t.Context()); !errors.Is(err, sick) {
		t.Errorf("error %v", err)
	}
}
