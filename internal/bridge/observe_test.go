package bridge

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/poller"
)

func TestFirstLookIsASilentBaseline(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.wantStory(r.mustPoll(`{"data":[{"id":1,"v":1},{"id":2,"v":1}]}`))
	if row := r.row(); row.Version != 1 || row.Sequence != 0 || row.State != r.polled {
		t.Errorf("row %+v", row)
	}
	if r.woken != nil {
		t.Errorf("woken for nothing: %v", r.woken)
	}
	r.wantStory(r.mustPoll(`{"data":[{"id":3,"v":1},{"id":2,"v":2}]}`), "created 3", "updated 2", "deleted 1")
	if d := cmp.Diff([]string{"you"}, r.woken); d != "" {
		t.Errorf("woken (-want +got):\n%s", d)
	}
}

// TestAcceptedAnswersAreKept reads the last versions back, which the store keeps
// as differences from those that the bridge has at hand.
func TestAcceptedAnswersAreKept(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	var bodies []string
	for n := range 5 {
		var body strings.Builder
		for id := range 50 {
			fmt.Fprintf(&body, `,{"id":%d,"v":%d}`, id, n*(id/40))
		}
		bodies = append(bodies, `{"data":[`+body.String()[1:]+"]}")
		r.mustPoll(bodies[n])
		if r.store.atHand != int64(n) {
			t.Errorf("commit %d had version %d at hand", n+1, r.store.atHand)
		}
	}
	for version := int64(3); version <= 5; version++ {
		snap, err := r.store.SnapshotAt(t.Context(), "shop", version)
		if err != nil || string(snap.Body) != bodies[version-1] {
			t.Errorf("version %d is %s: %v", version, snap.Body, err)
		}
	}
}

func TestFirstLookIsToldWhereAskedFor(t *testing.T) {
	t.Parallel()
	s := list()
	s.Emit = true
	r := newRig(t, s)
	r.wantStory(r.mustPoll(`{"data":[{"id":1},{"id":2}]}`), "created 1", "created 2")
	r.restart()
	r.wantStory(r.mustPoll(`{"data":[{"id":1},{"id":2},{"id":3}]}`), "created 3")
	if row := r.row(); row.Sequence != 3 {
		t.Errorf("sequence %d", row.Sequence)
	}

	s = document()
	s.Emit = true
	r = newRig(t, s)
	events := r.mustPoll(`{"v":1}`)
	r.wantStory(events, "created ")
	if d := dataOf(events[0]); d.Key != nil || string(d.Before) != "null" || string(d.After) != `{"v":1}` || d.PreviousHash != "" || d.Hash == "" {
		t.Errorf("data %s", events[0].Data)
	}
}

// TestADocumentHasOneKey: its changes chain like those of an item.
func TestADocumentHasOneKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, document())
	r.mustPoll(`{"v":1,"noise":1}`)
	first := r.mustPoll(`{"v":2,"noise":2}`)
	second := r.mustPoll(`{"v":3,"noise":3}`)
	a, b := dataOf(first[0]), dataOf(second[0])
	if string(b.Before) != string(a.After) || b.PreviousHash != a.Hash || first[0].Sequence != 1 || second[0].Sequence != 2 {
		t.Errorf("chain:\n%s\n%s", first[0].Data, second[0].Data)
	}
	if first[0].Type != "shop.order.updated" || first[0].Subject != "" {
		t.Errorf("event %+v", first[0])
	}
}

// TestBadAnswersLeaveEverythingAsItWas: what cannot be judged is no observation.
func TestBadAnswersLeaveEverythingAsItWas(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	r.mustPoll(`{"data":[{"id":1,"v":1}]}`)
	row, polled, commits := r.row(), r.polled, r.store.commits
	for name, bad := range map[string][2]string{
		"error page":       {"text/html", "<h1>Bad gateway</h1>"},
		"cut":              {"application/json", `{"data":[{"id":1`},
		"cut, as text":     {"text/plain", `{"data":[{"id":1`},
		"empty":            {"application/json", ``},
		"no content":       {"", ``},
		"no list":          {"application/json", `{"error":"later"}`},
		"null":             {"application/json", `null`},
		"key missing":      {"application/json", `{"data":[{"v":2}]}`},
		"key null":         {"application/json", `{"data":[{"id":null}]}`},
		"key repeated":     {"application/json", `{"data":[{"id":1},{"id":1.0}]}`},
		"1 beside \"1\"":   {"application/json", `{"data":[{"id":1},{"id":"1"}]}`},
		"not UTF-8":        {"application/json", "{\"data\":[{\"id\":\"\xff\"}]}"},
		"too deep":         {"application/json", strings.Repeat("[", 20_000)},
		"two values":       {"application/json", `{"data":[]}{"data":[]}`},
		"a type of theirs": {"application/problem+json", `nothing`},
	} {
		if err := r.pollAs(bad[0], bad[1]); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if d := cmp.Diff(row, r.row()); d != "" || r.polled != polled || r.store.commits != commits {
		t.Errorf("%d commits, row (-before +after):\n%s", r.store.commits-commits, d)
	}
	events := r.mustPoll(`{"data":[{"id":1,"v":2}]}`)
	if d := dataOf(events[0]); string(d.Before) != `{"id":1,"v":1}` {
		t.Errorf("before %s", d.Before)
	}
}

func TestUnknownSource(t *testing.T) {
	t.Parallel()
	r := newRig(t, list())
	o := r.observation("application/json", "{}")
	o.Source = "nobody"
	if err := r.bridge.Observe(t.Context(), o); !errors.Is(err, ErrUnknownSource) {
		t.Errorf("observe: %v", err)
	}
	if _, err := r.bridge.Preview(t.Context(), o); !errors.Is(err, ErrUnknownSource) {
		t.Errorf("preview: %v", err)
	}
	if err := r.bridge.AcceptRemoval(t.Context(), "nobody"); !errors.Is(err, ErrUnknownSource) {
		t.Errorf("accept: %v", err)
	}
	r.bridge.Fail(t.Context(), "nobody", errors.New("no")) // concerns nobody
	if s := r.bridge.InitialState("nobody"); s != (poller.State{}) {
		t.Errorf("state %+v", s)
	}
}

// TestUnchangedAnswersAllocateNothing: they are nearly all there are.
func TestUnchangedAnswersAllocateNothing(t *testing.T) {
	r := newRig(t, list())
	r.mustPoll(`{"data":[{"id":1}]}`)
	o := &poller.Observation{Source: "shop", Unchanged: true, State: r.polled}
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		if err := r.bridge.Observe(ctx, o); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
