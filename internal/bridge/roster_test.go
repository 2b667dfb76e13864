package bridge

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/expression"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// tell are the deliveries that wait for an endpoint, with their events in short.
func (r *rig) tell(endpoint string) (deliveries []notify.Delivery, events []string) {
	r.t.Helper()
	deliveries, err := r.store.Waiting(r.t.Context(), endpoint, 0, 10_000)
	if err != nil {
		r.t.Fatalf("read deliveries: %v", err)
	}
	for i := range deliveries {
		e, err := r.store.Event(r.t.Context(), deliveries[i].Position)
		if err != nil {
			r.t.Fatalf("read event: %v", err)
		}
		events = append(events, story([]notify.Event{e})...)
	}
	return deliveries, events
}

func (r *rig) wantTold(endpoint string, want ...string) {
	r.t.Helper()
	if _, got := r.tell(endpoint); !slices.Equal(got, want) {
		r.t.Errorf("%s is told %q, want %q", endpoint, got, want)
	}
}

func (r *rig) setEndpoints(list ...Endpoint) {
	r.t.Helper()
	if err := r.bridge.SetEndpoints(r.t.Context(), list); err != nil {
		r.t.Fatalf("set endpoints: %v", err)
	}
}

// TestFilterIsOfOneEndpoint: what one does not want another is told, and alerts
// are not filtered.
func TestFilterIsOfOneEndpoint(t *testing.T) {
	t.Parallel()
	s := list()
	s.NotifyAll, s.Notify, s.FailureThreshold = true, nil, 1
	r := newRig(t, s)
	only := when(`item.v > 1 && type == "shop.order.created" && source == "shop" && key != "4"`)
	r.others = []Endpoint{
		{Name: "all"},
		{Name: "some", Filter: only},
		{Name: "same", Filter: only, Events: []string{"*", "pollwire.*"}},
		{Name: "gone", Filter: when(`change == "deleted" && item.v == 1`)},
	}
	r.restart()
	r.mustPoll(`{"data":[{"id":1,"v":1}]}`)
	r.mustPoll(`{"data":[{"id":2,"v":1},{"id":3,"v":5},{"id":4,"v":5}]}`)
	r.bridge.Fail(t.Context(), "shop", errDisk)
	r.wantTold("all", "created 2", "created 3", "created 4", "deleted 1")
	r.wantTold("some", "created 3")
	r.wantTold("same", "created 3", "source.failing")
	r.wantTold("gone", "deleted 1")
}

// TestFilterOfAnEndpointThatFailsLetsThrough, and is logged once for each source until it
// works again.
func TestFilterOfAnEndpointThatFailsLetsThrough(t *testing.T) {
	t.Parallel()
	r := newRig(t, document())
	var log bytes.Buffer
	r.logging = slog.New(slog.NewTextHandler(&log, nil))
	r.others = []Endpoint{{Name: "you", Filter: when(`after.v > 5`)}}
	r.restart()
	for i, step := range []struct {
		v             string
		told          int
		failed, works int
	}{{"1", 0, 0, 0}, {`"one"`, 1, 1, 0}, {`"two"`, 2, 1, 0}, {"3", 2, 1, 1}, {"9", 3, 1, 1}} {
		r.mustPoll(`{"v":` + step.v + `}`)
		deliveries, _ := r.tell("you")
		failed, works := strings.Count(log.String(), "letting through"), strings.Count(log.String(), "works again")
		if len(deliveries) != step.told || failed != step.failed || works != step.works {
			t.Errorf("step %d: told %d, log\n%s", i, len(deliveries), &log)
		}
	}
	if !strings.Contains(log.String(), `source=shop condition="filter of endpoint you" err="invalid operation: string > int`) {
		t.Errorf("log %s", &log)
	}
}

// TestSourcesThatAnEndpointChose: they are all that it is told of, whatever
// notify says. The others are told of those that notify everybody, or them.
func TestSourcesThatAnEndpointChose(t *testing.T) {
	t.Parallel()
	s := list()
	s.FailureThreshold = 1
	r := newRig(t, s)
	r.others = []Endpoint{
		{Name: "you", Events: []string{"*", "pollwire.*"}},
		{Name: "stranger"},
		{Name: "chosen", Sources: []string{"other", "shop"}, Events: []string{"*", "pollwire.*"}},
		{Name: "elsewhere", Sources: []string{"other"}, Events: []string{"*", "pollwire.*"}},
		{Name: "nowhere", Sources: []string{}},
	}
	r.restart()
	r.mustPoll(items(1, 1))
	r.mustPoll(items(1, 2))
	r.bridge.Fail(t.Context(), "shop", errDisk)
	if err := r.bridge.EndpointAlert(t.Context(), notify.EndpointState{Name: "shop", Untold: notify.EndpointDisabled}); err != nil {
		t.Fatal(err)
	}
	r.wantTold("you", "created 2", "source.failing", "endpoint.disabled")
	r.wantTold("stranger")
	r.wantTold("chosen", "created 2", "source.failing")
	r.wantTold("elsewhere")
	r.wantTold("nowhere")
}

// TestLanesAndKeys are those of the endpoint's order.
func TestLanesAndKeys(t *testing.T) {
	t.Parallel()
	s := list()
	s.NotifyAll, s.FailureThreshold = true, 1
	r := newRig(t, s)
	both := []string{"*", "pollwire.*"}
	for _, order := range []notify.Order{notify.OrderNone, notify.OrderItem, notify.OrderSource, notify.OrderEndpoint} {
		r.others = append(r.others, Endpoint{Name: string(order), Order: order, Events: both, Latest: order == notify.OrderItem})
	}
	r.restart()
	r.mustPoll(items(1, 1))
	events := r.mustPoll(items(1, 3))
	r.bridge.Fail(t.Context(), "shop", errDisk)
	events = append(events, r.news()...)
	for order, want := range map[notify.Order][]string{
		notify.OrderNone:     {"", "", ""},
		notify.OrderItem:     {notify.ItemKey(&events[0]), notify.ItemKey(&events[1]), notify.ItemKey(&events[2])},
		notify.OrderSource:   {"shop", "shop", "shop"},
		notify.OrderEndpoint: {notify.OrderEndpoint.Lane(&events[0]), notify.OrderEndpoint.Lane(&events[0]), notify.OrderEndpoint.Lane(&events[0])},
	} {
		deliveries, _ := r.tell(string(order))
		var lanes []string
		for _, d := range deliveries {
			lanes = append(lanes, d.Lane)
		}
		if d := cmp.Diff(want, lanes); d != "" {
			t.Errorf("%s (-want +got):\n%s", order, d)
		}
	}
	// An alert is no item: a recovery does not stand for the failure before it.
	ep := Endpoint{Name: "you", Latest: true}
	for i, want := range []string{notify.ItemKey(&events[0]), notify.ItemKey(&events[1]), ""} {
		if got := ep.delivery(&events[i]).Key; got != want {
			t.Errorf("event %d has the key %q, want %q", i, got, want)
		}
	}
}

// TestEndpointsComeAndGo while the bridge runs.
func TestEndpointsComeAndGo(t *testing.T) {
	t.Parallel()
	s := list()
	s.NotifyAll = true
	r := newRig(t, s)
	r.setEndpoints(Endpoint{Name: "a"})
	r.mustPoll(items(1, 1))
	r.mustPoll(items(1, 2))
	r.setEndpoints(Endpoint{Name: "a"}, Endpoint{Name: "b", Events: []string{"*.created"}})
	r.mustPoll(items(1, 3))
	r.setEndpoints(Endpoint{Name: "b"})
	r.mustPoll(items(2, 3))
	r.wantTold("a", "created 2", "created 3")
	r.wantTold("b", "created 3", "deleted 1")
}

// TestEndpointThatComesBetweenPlanAndCommit is told what is committed after it
// came, as one that has gone is not, though others were asked about first.
func TestEndpointThatComesBetweenPlanAndCommit(t *testing.T) {
	t.Parallel()
	s := list()
	s.NotifyAll, s.Events, s.When = true, []diff.Kind{diff.Created, diff.Deleted}, when(`item.v != 3`)
	r := newRig(t, s)
	r.setEndpoints(Endpoint{Name: "old"})
	before := r.bridge.roster.Load()
	row := store.Source{Name: "shop"}
	c := &store.Commit{Source: &row, KeepSnapshots: 1}
	for i, change := range []diff.Change{
		{Kind: diff.Created, Key: "1", After: []byte(`{"id":1,"v":1}`)},
		{Kind: diff.Updated, Key: "2", Before: []byte(`{"id":2,"v":1}`), After: []byte(`{"id":2,"v":2}`)},
		{Kind: diff.Created, Key: "3", After: []byte(`{"id":3,"v":3}`)},
		{Kind: diff.Deleted, Key: "4", Before: []byte(`{"id":4,"v":4}`)},
	} {
		e := store.Event{Event: notify.Event{
			ID: fmt.Sprint("evt_", i), Type: "shop.order." + string(change.Kind), Source: "shop", Subject: change.Key,
			Time: time.Now(), Data: changeData(&change, true),
		}}
		e.Tell = []notify.Delivery{{Endpoint: "old"}}
		c.Events = append(c.Events, e)
	}
	r.setEndpoints(Endpoint{Name: "new", Filter: when(`item.v < 5`)}, Endpoint{Name: "picky", Filter: when(`item.v == 4`)})
	if err := r.bridge.write(t.Context(), c, before); err != nil {
		t.Fatal(err)
	}
	r.wantTold("old")
	r.wantTold("new", "created 1", "deleted 4")
	r.wantTold("picky", "deleted 4")
}

// TestEndpointsAreSetBesideCommits, for the race detector.
func TestEndpointsAreSetBesideCommits(t *testing.T) {
	t.Parallel()
	s := list()
	s.NotifyAll = true
	r := newRig(t, s)
	var setting sync.WaitGroup
	setting.Go(func() {
		for i := range 50 {
			if err := r.bridge.SetEndpoints(t.Context(), []Endpoint{{Name: "you"}, {Name: fmt.Sprint("e", i)}}); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range 20 {
		r.mustPoll(items(1, 2+i))
		r.bridge.Tells("you", &notify.Event{Type: "shop.order.created", Source: "shop", Data: []byte("{}")})
	}
	setting.Wait()
	if deliveries, _ := r.tell("you"); len(deliveries) != 19 {
		t.Errorf("told %d", len(deliveries))
	}
}

// TestTellsAnswersAsTheCommitDid: an event out of the log is judged as it was
// when it was made, whatever the rules are.
func TestTellsAnswersAsTheCommitDid(t *testing.T) {
	t.Parallel()
	conditions := []*expression.Program{
		nil, when(`changed("v")`), when(`increased("v") || key == "2"`), when(`item.v > 2`), when(`before == nil || before.v < 3`),
		when(`after.w.x > 1`), when(`change == "deleted" && before.v > 1`), when(`delta("v") > 1`), when(`item contains "a"`),
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := list()
		if rapid.Bool().Draw(rt, "document") {
			s = document()
		}
		text := !s.Items && rapid.Bool().Draw(rt, "of text")
		condition := rapid.SampledFrom(conditions)
		s.When = condition.Draw(rt, "when")
		s.Events = rapid.SampledFrom([][]diff.Kind{list().Events, {diff.Created}, {diff.Updated, diff.Deleted}}).Draw(rt, "kinds")
		s.NotifyAll = rapid.Bool().Draw(rt, "all")
		s.MaxRemoved.Percent, s.FailureThreshold = 100, 1
		r := openRig(rt, t.TempDir(), s)
		r.others = []Endpoint{{Name: "you", Filter: condition.Draw(rt, "filter")}, {Name: "other", Filter: condition.Draw(rt, "other filter")}}
		r.others[0].Events = rapid.SampledFrom([][]string{nil, {"*.updated", "pollwire.*"}, {"shop.*"}}).Draw(rt, "globs")
		r.others[1].Sources = rapid.SampledFrom([][]string{nil, {"shop"}, {"x"}}).Draw(rt, "sources")
		r.restart()
		value := rapid.SampledFrom([]string{"1", "2", "3", "4", `"a"`, "null"})
		for range 5 {
			body, contentType := value.Draw(rt, "text"), "text/plain"
			var items []string
			for id := range 4 {
				if rapid.Bool().Draw(rt, "there") {
					items = append(items, fmt.Sprintf(`{"id":%d,"v":%s,"w":{"x":%s}}`, id, value.Draw(rt, "v"), value.Draw(rt, "x")))
				}
			}
			if !text {
				body, contentType = `{"data":[`+strings.Join(items, ",")+`]}`, "application/json"
			}
			if err := r.pollAs(contentType, body); err != nil {
				rt.Fatalf("%s: %v", body, err)
			}
		}
		r.bridge.Fail(t.Context(), "shop", errDisk)
		for _, ep := range r.others {
			told := make(map[int64]bool)
			deliveries, _ := r.tell(ep.Name)
			for _, d := range deliveries {
				told[d.Position] = true
			}
			r.seen = 0
			for _, e := range r.news() {
				if got := r.bridge.Tells(ep.Name, &e); got != told[e.Position] {
					rt.Errorf("%s, %s %s: Tells says %t", ep.Name, e.Type, e.Data, got)
				}
			}
		}
	})
}

// TestTellsOfStrangers: an endpoint that is gone is told nothing, and a source
// that is gone keeps nothing from anybody but its own rules.
func TestTellsOfStrangers(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.setEndpoints(Endpoint{Name: "you", Filter: when("item.v > 1")}, Endpoint{Name: "chosen", Sources: []string{"shop"}})
	e := notify.Event{Type: "x.created", Source: "gone", Data: []byte(`{"change":"created","before":null,"after":{"v":1},"changed":[]}`)}
	for endpoint, want := range map[string]bool{"you": false, "chosen": false, "gone": false} {
		if got := r.bridge.Tells(endpoint, &e); got != want {
			t.Errorf("%s: %t", endpoint, got)
		}
	}
	e.Data = bytes.Replace(e.Data, []byte("1"), []byte("2"), 1)
	if !r.bridge.Tells("you", &e) {
		t.Error("the filter holds")
	}
	e.Data = []byte(`not JSON`)
	if !r.bridge.Tells("you", &e) {
		t.Error("what cannot be judged is not let through")
	}
}
