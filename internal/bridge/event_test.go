package bridge

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/notify"
)

func TestWhoWantsWhat(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		globs     []string
		eventType string
		alert     bool
		want      bool
	}{
		{nil, "shop.order.created", false, true},
		{nil, "pollwire.item.created", false, true},
		{nil, "pollwire.source.failing", true, false},
		{[]string{"*"}, "shop.order.created", false, true},
		{[]string{"*"}, "pollwire.source.failing", true, false},
		{[]string{"**", "?*", "[p]*"}, "pollwire.source.failing", true, false},
		{[]string{"pollwire.*"}, "pollwire.source.failing", true, true},
		{[]string{"pollwire.*"}, "shop.order.created", false, false},
		{[]string{"pollwire.*"}, "pollwire.item.created", false, false},
		{[]string{"pollwire.i*", "pollwire.[id]*"}, "pollwire.item.created", false, false},
		{[]string{"pollwire.item.*"}, "pollwire.item.created", false, true},
		{[]string{"pollwire.document.updated"}, "pollwire.document.updated", false, true},
		{[]string{"pollwire.item.*"}, "pollwire.document.updated", false, false},
		{[]string{"*", "pollwire.*"}, "pollwire.item.created", false, true},
		{[]string{"*.created"}, "pollwire.item.created", false, true},
		{[]string{"pollwire.item*"}, "pollwire.source.failing", true, false},
		{[]string{"pollwire.source.*"}, "pollwire.endpoint.disabled", true, false},
		{[]string{"pollwire.*.recovered"}, "pollwire.source.recovered", true, true},
		{[]string{"pollwire.source.failing"}, "pollwire.source.failing", true, true},
		{[]string{"pollwire.source.failing"}, "pollwire.source.recovered", true, false},
		{[]string{"shop.*.created"}, "shop.order.created", false, true},
		{[]string{"shop.*.created"}, "shop.order.updated", false, false},
		{[]string{"shop.order.?????ed"}, "shop.order.created", false, true},
		{[]string{"shop"}, "shop.order.created", false, false},
		{[]string{"x", "shop.*"}, "shop.order.created", false, true},
		{[]string{"[", "shop.*"}, "shop.order.created", false, true},
	} {
		ep := Endpoint{Events: test.globs}
		if got := ep.wants(&notify.Event{Type: test.eventType, Alert: test.alert}); got != test.want {
			t.Errorf("%q wants %s: %t", test.globs, test.eventType, got)
		}
	}
}

// TestTheLogHasWhatNobodyIsTold: detect.events, notify and events decide about
// deliveries only.
func TestTheLogHasWhatNobodyIsTold(t *testing.T) {
	t.Parallel()
	s := list()
	s.Events = []diff.Kind{diff.Updated}
	s.Notify = []string{"you", "creator", "ops"}
	r := newRig(t, s)
	r.others = append(r.others, Endpoint{Name: "creator", Events: []string{"*.created"}}, Endpoint{Name: "stranger"})
	r.restart()
	r.mustPoll(items(1, 2))
	events := r.mustPoll(`{"data":[{"id":1,"v":2},{"id":3}]}`)
	r.wantStory(events, "updated 1", "created 3", "deleted 2")
	for i, e := range events {
		if e.Sequence != int64(i+1) || e.Type != "shop.order."+dataOf(e).Change || e.Source != "shop" || e.Alert {
			t.Errorf("event %+v", e)
		}
	}
	for endpoint, want := range map[string][]int64{"you": {events[0].Position}, "creator": {}, "stranger": {}, "ops": {}} {
		if d := cmp.Diff(want, r.waiting(endpoint)); d != "" {
			t.Errorf("%s (-want +got):\n%s", endpoint, d)
		}
	}
	r.source.Notify = nil
	r.restart()
	r.woken = nil
	if r.wantStory(r.mustPoll(items(4, 4)), "created 4", "deleted 1", "deleted 3"); r.woken != nil || r.row().Sequence != 6 {
		t.Errorf("woken %v, sequence %d", r.woken, r.row().Sequence)
	}
}

// TestAlertsOfSourcesGoToWhoNamesThem, whatever notify says, and even to an
// endpoint that has the source's name.
func TestAlertsOfSourcesGoToWhoNamesThem(t *testing.T) {
	t.Parallel()
	s := list()
	s.Notify, s.FailureThreshold = nil, 1
	r := newRig(t, s)
	r.others = append(r.others, Endpoint{Name: "shop", Events: []string{"pollwire.source.*"}, Order: notify.OrderSource})
	r.restart()
	r.bridge.Fail(t.Context(), "shop", errors.New("no"))
	for endpoint, want := range map[string]int{"you": 0, "ops": 1, "shop": 1} {
		if got := len(r.waiting(endpoint)); got != want {
			t.Errorf("%s is told %d alerts, want %d", endpoint, got, want)
		}
	}
	if d := cmp.Diff([]string{"ops", "shop"}, r.woken); d != "" {
		t.Errorf("woken (-want +got):\n%s", d)
	}
}

// TestIDsSortByTime, and never repeat.
func TestIDsSortByTime(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	last := ""
	for i := range 10_000 {
		id := r.bridge.newID(at.Add(time.Duration(i/1000) * time.Millisecond))
		if len(id) != len("evt_01JABCDEF0123456789ABCDEFG") || id[:4] != "evt_" || id <= last {
			t.Fatalf("%s after %s", id, last)
		}
		last = id
	}
}

// TestIDsOfAWrongClock: a machine without one may begin before 1970.
func TestIDsOfAWrongClock(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	if id := r.bridge.newID(time.Time{}); id[:14] != "evt_0000000000" {
		t.Errorf("id %s", id)
	}
}

func mustEvent(r *rig, position int64) notify.Event {
	r.t.Helper()
	e, err := r.store.Event(r.t.Context(), position)
	if err != nil {
		r.t.Fatalf("read event %d: %v", position, err)
	}
	return e
}
