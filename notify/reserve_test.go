package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// limitedEndpoint has no order, so that nothing but its limit holds it up.
func limitedEndpoint(tb testing.TB, name string, limit RateLimit) Endpoint {
	tb.Helper()
	e := testEndpoint(tb, name)
	e.Order, e.RateLimit, e.MaxInFlight = OrderNone, limit, 64
	return e
}

// crowd returns how many POSTs more than a limit arrived within its window.
func crowd(posts []post, limit RateLimit) error {
	at := make([]time.Time, len(posts))
	for i := range posts {
		at[i] = posts[i].at
	}
	slices.SortFunc(at, time.Time.Compare)
	for i := limit.Requests; i < len(at); i++ {
		if d := at[i].Sub(at[i-limit.Requests]); d < limit.Per {
			return fmt.Errorf("%d arrived within %s, the limit is %+v", limit.Requests+1, d, limit)
		}
	}
	return nil
}

// TestReservationsCostFewWrites: a limit is used up at its full rate, though each
// save takes its time, by about one save a second.
func TestReservationsCostFewWrites(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		limit       RateLimit
		posts, most int
	}{
		{RateLimit{}, 6000, 0},
		{RateLimit{Requests: 100, Per: time.Second, Burst: 10}, 6000, 90},
		{RateLimit{Requests: 10, Per: 100 * time.Millisecond, Burst: 10}, 6000, 90},
		{RateLimit{Requests: 6000, Per: time.Minute, Burst: 1000}, 6000, 90},
		{RateLimit{Requests: 300, Per: time.Minute, Burst: 300}, 300, 70},
		{RateLimit{Requests: 60, Per: time.Minute}, 60, 70},
	} {
		t.Run(fmt.Sprintf("%+v", tc.limit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, rec := newMemQueue(), &receiver{}
				q.paceDelay = 20 * time.Millisecond
				for range 6000 {
					q.commit("ops", "")
				}
				r := newRig(q, rec, limitedEndpoint(t, "ops", tc.limit))
				r.mustStart(t)
				<-time.After(time.Minute)
				if n := len(rec.seen()); n < tc.posts*98/100 {
					t.Errorf("%d posts within a minute, want %d", n, tc.posts)
				}
				if n := q.savedPaces(); n > tc.most {
					t.Errorf("%d saves within a minute, want %d at most", n, tc.most)
				}
				r.mustStop(t)
				if saved := q.savedPace("ops"); saved.Reserved != 0 {
					t.Errorf("a stop leaves %d reserved", saved.Reserved)
				}
			})
		})
	}
}

// TestReservationsOfManyAreOneWrite: endpoints that post at once share their saves,
// and those that have nothing to post save nothing.
func TestReservationsOfManyAreOneWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		q.paceDelay = 20 * time.Millisecond
		var all []Endpoint
		for n := range 400 {
			all = append(all, limitedEndpoint(t, fmt.Sprint("e", n), RateLimit{Requests: 10, Per: time.Second}))
			for range 10 * (n % 2) {
				q.commit(fmt.Sprint("e", n), "")
			}
		}
		r := newRig(q, rec, all...)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(time.Minute)
		if n := q.savedPaces(); len(rec.seen()) != 2000 || n > 40 || len(q.paces) != 200 {
			t.Errorf("%d posts by %d saves of %d endpoints", len(rec.seen()), n, len(q.paces))
		}
	})
}

// TestCrashCountsAllThatWasReserved: the limit holds over a process that ends
// without a word, and over another that goes on at once.
func TestCrashCountsAllThatWasReserved(t *testing.T) {
	t.Parallel()
	for _, limit := range []RateLimit{
		{Requests: 10, Per: time.Second, Burst: 10},
		{Requests: 200, Per: time.Minute, Burst: 50},
		{Requests: 3, Per: time.Hour, Burst: 3},
	} {
		t.Run(fmt.Sprintf("%+v", limit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, rec := newMemQueue(), &receiver{delay: func(post) time.Duration { return 10 * time.Millisecond }}
				for range 1000 {
					q.commit("ops", "")
				}
				l := newLeases(q)
				e := limitedEndpoint(t, "ops", limit)
				before := 0
				for life := range 6 {
					node := fmt.Sprint("life-", life)
					r := newNode(t, l, node, rec, e)
					defer r.mustStop(t)
					l.give("ops", node)
					r.mustAdopt(t, "ops")
					<-time.After(limit.Per/3 + 7*time.Millisecond)
					if n := len(rec.seen()); life == 0 && n < min(limit.Burst, limit.Requests) {
						t.Errorf("%d posts of the first, want its burst", n)
					} else if life == 0 {
						before = n
					}
					// It is dead: nothing that it writes counts any more.
					l.give("ops", "nobody")
					ctx, cancel := contextOver(t)
					_ = r.Release(ctx, []string{"ops"})
					cancel()
				}
				if err := crowd(rec.seen(), limit); err != nil {
					t.Error(err)
				}
				last := newNode(t, l, "last", rec, e)
				defer last.mustStop(t)
				l.give("ops", "last")
				last.mustAdopt(t, "ops")
				<-time.After(2*limit.Per + 3*time.Second)
				if n := len(rec.seen()); n < before+limit.Requests {
					t.Errorf("%d posts two windows after the last crash: it does not go on", n)
				}
				if err := crowd(rec.seen(), limit); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestRareLimitIsNotLostToACrash: what was made is saved as made, not left reserved.
func TestRareLimitIsNotLostToACrash(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		for range 3 {
			q.commit("ops", "")
		}
		r := newRig(q, rec, limitedEndpoint(t, "ops", RateLimit{Requests: 1, Per: 24 * time.Hour}))
		r.mustStart(t)
		defer r.mustStop(t)
		start := time.Now()
		<-time.After(time.Hour)
		if saved := q.savedPace("ops"); saved.Reserved != 0 || len(saved.Spent) != 1 || saved.Spent[0].At.Sub(start).Abs() > time.Second || q.savedPaces() != 2 {
			t.Errorf("saved %+v by %d saves", saved, q.savedPaces())
		}
	})
}

// TestNothingIsPostedThatIsNotReserved: a save or a read that fails is made again,
// and one that fails for good ends everything.
func TestNothingIsPostedThatIsNotReserved(t *testing.T) {
	t.Parallel()
	limit := RateLimit{Requests: 10, Per: time.Second, Burst: 10}
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		q.paceErr = errFull
		for range 5 {
			q.commit("ops", "")
		}
		r := patientRig(q, rec, limitedEndpoint(t, "ops", limit))
		r.mustStart(t)
		<-time.After(time.Minute)
		if n := len(rec.seen()); n != 0 || r.Blocked() == nil {
			t.Errorf("%d posts before anything is reserved; blocked by %v", n, r.Blocked())
		}
		q.fail(func() { q.paceErr = nil })
		<-time.After(saveRetryWait)
		synctest.Wait()
		if n := len(rec.seen()); n != 5 {
			t.Errorf("%d posts once it can be reserved, want 5", n)
		}
		r.mustStop(t)
	})
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		r := newRig(q, rec, limitedEndpoint(t, "ops", limit))
		r.options.Queue = paceless{q}
		q.commit("ops", "")
		r.mustStart(t)
		<-time.After(time.Minute)
		if n := len(rec.seen()); n != 0 || r.logged("ERROR", "deliveries could not be read") != 1 {
			t.Errorf("%d posts before it is known what was made:\n%s", n, r.logs)
		}
		r.mustStop(t)
	})
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		q.paceErr = errors.New("the disk is broken")
		q.commit("ops", "")
		r := newRig(q, rec, limitedEndpoint(t, "ops", limit))
		r.mustStart(t)
		<-time.After(time.Minute)
		if n := len(rec.seen()); n != 0 || len(r.fatal) != 1 {
			t.Errorf("%d posts, %d fatal errors; want none and one", n, len(r.fatal))
		}
		if err := r.Stop(t.Context()); !errors.Is(err, q.paceErr) {
			t.Errorf("Stop gave %v", err)
		}
	})
}

// TestSaveOfALostEndpointHurtsNobodyElse: one of several that are saved at once is
// another's by then.
func TestSaveOfALostEndpointHurtsNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		l := newLeases(q)
		limit := RateLimit{Requests: 10, Per: time.Second}
		names := []string{"ops", "crm", "erp"}
		var all []Endpoint
		for _, name := range names {
			all = append(all, limitedEndpoint(t, name, limit))
			for range 5 {
				q.commit(name, "")
			}
			l.give(name, "one")
		}
		l.give("crm", "other")
		r := newNode(t, l, "one", rec, all...)
		defer r.mustStop(t)
		r.mustAdopt(t, names...)
		<-time.After(time.Minute)
		if n := q.count(Delivered); n != 10 || len(r.Status()) != 2 || len(r.fatal) != 0 {
			t.Errorf("%d delivered, %d served, %d fatal", n, len(r.Status()), len(r.fatal))
		}
	})
}

// paceless is a queue that cannot read a pace.
type paceless struct{ *memQueue }

func (paceless) Pace(context.Context, string) (Pace, error) {
	return Pace{}, errors.New("database is locked")
}
