package eventlog

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

func wantIDs(tb testing.TB, what string, got, want []string) {
	tb.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestCursorGoesOnWhereItWas reads the whole log, some of it from the store and
// the rest from the tail, by pages of every kind.
func TestCursorGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var all []string
	for range 8 {
		all = append(all, r.commit(many(100, "a")...)...)
	}
	for _, limit := range []int{1, 7, 100, 1000} {
		var got []string
		for after := ""; ; {
			page := r.read(Query{After: after, Limit: limit})
			if len(page.Events) > limit || page.Removed {
				t.Fatalf("%d events of %d, removed %v", len(page.Events), limit, page.Removed)
			}
			got = append(got, ids(&page)...)
			if len(page.Events) == 0 {
				break
			}
			// Each event's own cursor leads where the page's does.
			if last := page.Events[len(page.Events)-1].Cursor; last != page.Next {
				t.Fatalf("next %s, cursor %s", page.Next, last)
			}
			after = page.Next
		}
		wantIDs(t, "log", got, all)
	}
	page := r.read(Query{After: all[9], Limit: 2})
	wantIDs(t, "behind an event", ids(&page), all[10:12])
	page = r.read(Query{After: Now, Limit: 2})
	wantIDs(t, "behind the end", ids(&page), nil)
	page = r.read(Query{Newest: true, Limit: 3})
	wantIDs(t, "newest", ids(&page), all[797:])
	around := r.read(Query{Newest: true, NewestFirst: true, Limit: 3})
	wantIDs(t, "newest first", ids(&around), []string{all[799], all[798], all[797]})
	if around.Next != page.Next || around.Previous != page.Previous {
		t.Errorf("newest first leads to %q and %q, want %q and %q", around.Next, around.Previous, page.Next, page.Previous)
	}
	more := r.commit("a")
	page = r.read(Query{After: page.Next, Limit: 10})
	wantIDs(t, "behind the newest", ids(&page), more)
}

func TestEventsAreChosen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	all := r.commit("a", "b", "a", "c", "b")
	for _, tc := range []struct {
		name string
		q    Query
		want []string
	}{
		{"source", Query{Source: "b"}, []string{all[1], all[4]}},
		{"subject", Query{Subject: "4"}, all[3:4]},
		{"type", Query{Type: "a.*.updated"}, []string{all[0], all[2]}},
		{"both", Query{Source: "a", Type: "b.*"}, nil},
		{"told", Query{Told: func(e *notify.Event) bool { return string(e.Data) == `{"n":4}` }}, all[3:4]},
		{"newest of a source", Query{Source: "a", Newest: true}, []string{all[0], all[2]}},
		{"a glob that is none", Query{Type: "["}, nil},
	} {
		for _, after := range []string{"", all[0]} {
			want := tc.want
			if after != "" {
				want = slices.DeleteFunc(slices.Clone(want), func(id string) bool { return id == all[0] })
			}
			tc.q.After, tc.q.Limit = after, 10
			page := r.read(tc.q)
			wantIDs(t, tc.name, ids(&page), want)
			// What was not chosen is not looked at again.
			next := r.read(Query{After: page.Next, Limit: 10})
			wantIDs(t, tc.name+", then all", ids(&next), nil)
		}
	}
}

func TestWaitingReadersGetWhatComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.commit("a")
		begun := time.Now()
		page := r.read(Query{After: Now, Limit: 10, Wait: time.Minute})
		if len(page.Events) > 0 || time.Since(begun) != time.Minute {
			t.Errorf("%d events after %s", len(page.Events), time.Since(begun))
		}
		got := make(chan Page)
		go func() { got <- r.read(Query{After: page.Next, Source: "b", Limit: 10, Wait: time.Minute}) }()
		synctest.Wait()
		r.commit("a") // not for this reader, which waits on
		synctest.Wait()
		want := r.commit("b")
		page = <-got
		wantIDs(t, "waited for", ids(&page), want)
		if waited := time.Since(begun); waited != time.Minute {
			t.Errorf("told %s later", waited-time.Minute)
		}
	})
}

// TestAWriteThatNobodyTellsOf is found all the same.
func TestAWriteThatNobodyTellsOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		got := make(chan Page)
		go func() { got <- r.read(Query{Limit: 10, Wait: time.Minute}) }()
		synctest.Wait()
		event := store.Event{Event: notify.Event{ID: id(1), Type: "x", Source: "a", Time: epoch, Alert: true, Data: []byte(`{}`)}}
		if err := r.store.Commit(t.Context(), &store.Commit{Events: []store.Event{event}}); err != nil {
			t.Fatal(err)
		}
		page := <-got
		wantIDs(t, "waited for", ids(&page), []string{id(1)})
	})
}

func TestWaitsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.commit("a")
		stop := make(chan struct{})
		got := make(chan Page)
		go func() { got <- r.read(Query{After: Now, Limit: 1, Wait: time.Hour, Stop: stop}) }()
		synctest.Wait()
		close(stop)
		if page := <-got; len(page.Events) > 0 || page.Next != "1" {
			t.Errorf("page %+v", page)
		}
		reason := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(reason)
		if _, err := r.log.Read(ctx, &Query{After: "1", Limit: 1, Wait: time.Hour}); !errors.Is(err, reason) {
			t.Errorf("error %v", err)
		}
	})
}

// TestManyReadersCostOneRead lets a thousand wait at the end of the log.
func TestManyReadersCostOneRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.commit("a")
		after := r.read(Query{After: Now, Limit: 1}).Next
		var readers sync.WaitGroup
		for range 1000 {
			readers.Go(func() {
				if page := r.read(Query{After: after, Limit: 10, Wait: time.Second}); len(page.Events) != 1 {
					t.Errorf("%d events", len(page.Events))
				}
			})
		}
		synctest.Wait()
		logs, lasts := r.store.logs.Load(), r.store.lasts.Load()
		r.commit("a")
		readers.Wait()
		if logs, lasts = r.store.logs.Load()-logs, r.store.lasts.Load()-lasts; logs != 1 || lasts != 1 {
			t.Errorf("%d reads of the log and %d of its end", logs, lasts)
		}
	})
}

// TestReadersBesideAWriter is for the race detector: no reader may miss an event.
func TestReadersBesideAWriter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const events = 1500 // more than the tail has at hand
	var readers sync.WaitGroup
	for n := range 6 {
		readers.Go(func() {
			seen := int64(0)
			for after := ""; seen < events; {
				page := r.read(Query{After: after, Limit: 1 + 50*n, Wait: time.Minute})
				for i := range page.Events {
					if seen++; page.Events[i].Position != seen {
						t.Errorf("reader %d: position %d, want %d", n, page.Events[i].Position, seen)
						return
					}
				}
				after = page.Next
			}
		})
	}
	for range events / 5 {
		r.commit(many(5, "a")...)
	}
	readers.Wait()
}

// TestRareEventsAreFound looks through more than one page may.
func TestRareEventsAreFound(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	want := []string{}
	for range 40 {
		r.commit(many(1000, "a")...)
	}
	want = append(want, r.commit("rare")...)
	pages := 0
	for after := ""; ; pages++ {
		// It does not wait: there is more to look at.
		page := r.read(Query{After: after, Source: "rare", Limit: 10, Wait: 24 * time.Hour})
		if len(page.Events) > 0 {
			wantIDs(t, "rare", ids(&page), want)
			break
		}
		after = page.Next
	}
	if pages == 0 {
		t.Error("40,000 events were looked at for one page")
	}
}

func TestRemovedEventsAreSaid(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	all := r.commit("a", "a", "a")
	first := r.read(Query{Limit: 1})
	if _, err := r.store.Prune(t.Context(), store.Retention{Events: epoch.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	r.log = New(r.store) // one that has nothing at hand
	page := r.read(Query{After: first.Next, Limit: 10, Wait: time.Hour})
	if !page.Removed || len(page.Events) > 0 || page.Next != "3" {
		t.Errorf("page %+v", page)
	}
	if page := r.read(Query{Limit: 10}); page.Removed {
		t.Error("who begins at the beginning misses something")
	}
	if page := r.read(Query{After: page.Next, Limit: 10}); page.Removed {
		t.Error("said twice")
	}
	_, err := r.log.Read(t.Context(), &Query{After: all[0], Limit: 1})
	if lost, ok := errors.AsType[*CursorError](err); !ok || !lost.Lost {
		t.Errorf("removed event: %v", err)
	}
}

// TestPagesAreBoundedInBytes, from the store and from what is at hand.
func TestPagesAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	all := r.commit(many(6, "a")...)
	for range 2 {
		page := r.read(Query{Limit: 10, MaxBytes: 1})
		wantIDs(t, "one always has its place", ids(&page), all[:1])
		page = r.read(Query{Limit: 10, MaxBytes: 1, After: page.Next, Told: func(e *notify.Event) bool { return e.ID == all[3] }})
		wantIDs(t, "told", ids(&page), all[3:4])
		if !page.More {
			t.Error("no more")
		}
		r.read(Query{After: Now, Limit: 1})
	}
}

// TestLogIsReadBackwards page by page, whatever is chosen.
func TestLogIsReadBackwards(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	all := r.commit(many(2500, "a")...)
	all = append(all, r.commit("rare")...)
	all = append(all, r.commit(many(2500, "a")...)...)
	for name, test := range map[string]struct {
		q    Query
		want []string
	}{
		"all":    {Query{Limit: 700}, all},
		"rare":   {Query{Source: "rare", Limit: 5}, all[2500:2501]},
		"told":   {Query{Told: func(e *notify.Event) bool { return e.Source == "rare" }, Limit: 5}, all[2500:2501]},
		"nobody": {Query{Source: "nobody", Limit: 5}, nil},
	} {
		var got []string
		test.q.Newest = true
		for {
			page := r.read(test.q)
			got = append(ids(&page), got...)
			if test.q.Before = page.Previous; test.q.Before == "" {
				break
			}
		}
		wantIDs(t, name, got, test.want)
	}
	page := r.read(Query{Newest: true, Before: all[3], After: all[0], Limit: 5})
	wantIDs(t, "between two events", ids(&page), all[1:3])
	if page.Previous != "" || page.More {
		t.Errorf("more: %+v", page)
	}
	wantIDs(t, "behind that", ids(new(r.read(Query{After: page.Next, Limit: 1}))), all[3:4])
	_, err := r.log.Read(t.Context(), &Query{Newest: true, Before: "9999-X"})
	if bad, ok := errors.AsType[*CursorError](err); !ok || !bad.Lost {
		t.Errorf("a cursor of another log: %v", err)
	}
	// An event that retention has removed since is no reason to lose one's place.
	page = r.read(Query{Newest: true, Before: page.Next, Limit: 5, Wait: 24 * time.Hour})
	wantIDs(t, "before a cursor", ids(&page), all[:2])
}
