package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

var newcomerTests = map[string]func(*testing.T, Fresh){
	"a new endpoint is told what was before, first": firstComesFirst,
	"a new endpoint begins where it says":           firstBegins,
	"a new endpoint misses nothing beside commits":  firstBesideCommits,
}

func newcomer(endpoint string) store.Replay {
	return store.Replay{ID: store.FirstReplay, Endpoint: endpoint, First: true, CreatedAt: epoch}
}

// firstComesFirst lets commits go on while a new endpoint is told what was
// before. They wake nobody of whom they have no delivery.
func firstComesFirst(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	src := &store.Source{Name: "orders"}
	want := positionsOf(logOf(t, s, src, 3))
	r := begin(t, s, newcomer("new"))
	live := logOf(t, s, src, 2, "new", "ops")
	want = append(want, positionsOf(live)...)
	for _, e := range live {
		if len(e.Tell) != 1 || e.Tell[0].Endpoint != "ops" || e.Tell[0].ID == 0 {
			t.Errorf("told %+v", e.Tell)
		}
	}
	equal(t, "others", waitingPositions(t, s, "ops"), positionsOf(live))
	advance(t, s, &r, 2)
	noError(t, s.Close())
	s = open(t)
	src = new(must(s.Source(t.Context(), "orders"))(t))
	want = append(want, positionsOf(logOf(t, s, src, 1, "new"))...)
	r = must(s.OpenReplays(t.Context()))(t)[0]
	for r.FinishedAt.IsZero() {
		advance(t, s, &r, 2)
	}
	equal(t, "end", []int64{r.Reached, r.Last, r.Told}, []int64{want[5], want[5], 6})
	want = append(want, positionsOf(logOf(t, s, src, 2, "new"))...)
	equal(t, "told", waitingPositions(t, s, "new"), want)
	for i, d := range must(s.Waiting(t.Context(), "new", 0, 100))(t) {
		if d.Replay {
			t.Errorf("delivery %d is marked as a replay, and is none", i)
		}
	}
	// Once only, however often it comes.
	begin(t, s, newcomer("new"))
	equal(t, "open", len(must(s.OpenReplays(t.Context()))(t)), 0)
}

func firstBegins(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	var c store.Commit
	// The clock jumped: a young time stands before old ones.
	for _, hours := range []int{0, 5, 1, 6, 2} {
		e := alert("orders")
		e.Time = epoch.Add(time.Duration(hours) * time.Hour)
		c.Events = append(c.Events, e)
	}
	mustCommit(t, s, &c)
	all := positionsOf(c.Events)
	now := newcomer("now")
	now.FinishedAt = epoch
	begin(t, s, now)
	equal(t, "now", len(must(s.OpenReplays(t.Context()))(t)), 0)
	mustCommit(t, s, &store.Commit{Events: []store.Event{alert("orders", "now")}})
	equal(t, "from now on", len(waitingPositions(t, s, "now")), 1)
	all = append(all, waitingPositions(t, s, "now")...)
	for hours, want := range map[int][]int64{-1: all, 0: all, 3: all[1:], 6: all[3:], 9: nil} {
		r := newcomer(fmt.Sprint("since-", hours))
		r.Since = epoch.Add(time.Duration(hours) * time.Hour)
		r = begin(t, s, r)
		equal(t, r.Endpoint, advance(t, s, &r, 10), want)
		if r.FinishedAt.IsZero() {
			t.Errorf("%s is not finished", r.Endpoint)
		}
	}
}

// firstBesideCommits: whatever comes while a new endpoint is told what was
// before is told once, in the order of the log.
func firstBesideCommits(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	logOf(t, s, &store.Source{Name: "before"}, 40)
	begin(t, s, newcomer("new"))
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			for src := (store.Source{Name: fmt.Sprint("source-", n)}); ctx.Err() == nil; {
				if err := s.Commit(t.Context(), &store.Commit{Source: &src, Events: []store.Event{change(src.Name, "new")}}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for {
		open := must(s.OpenReplays(t.Context()))(t)
		if len(open) == 0 {
			break
		}
		advance(t, s, &open[0], 9)
	}
	stop()
	all.Wait()
	mustCommit(t, s, &store.Commit{Events: []store.Event{alert("orders", "new")}})
	var want []int64
	for _, e := range must(s.Events(t.Context(), 0, 100_000))(t) {
		want = append(want, e.Position)
	}
	equal(t, "told", waitingPositions(t, s, "new"), want[:min(len(want), 10_000)])
}
