package notify

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRetryMakesADeliveryDueNow, and once: it then goes on by the schedule.
func TestRetryMakesADeliveryDueNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{answer: status(http.StatusServiceUnavailable)}
		e := testEndpoint(t, "ops")
		e.Retry = RetryPolicy{Schedule: []time.Duration{time.Hour, time.Hour, time.Hour}}
		first, second, other := q.commit("ops", "a"), q.commit("ops", "a"), q.commit("ops", "b")
		r := newRig(q, rec, e)
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		if err := r.Retry(t.Context(), "ops", first); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got, want := rec.positions(), []int64{first, first, other}; !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("posted %v, want %v", got, want)
		}
		if d, _ := q.row(first); d.Posts != 2 || d.Attempts != 2 {
			t.Errorf("after two posts: %+v", d)
		}
		err := r.Retry(t.Context(), "ops", second)
		var behind *BehindError
		if !errors.As(err, &behind) || behind.First != first || !strings.Contains(err.Error(), fmt.Sprintf("behind delivery %d: retry that one", first)) {
			t.Errorf("of one behind another: %v", err)
		}
		<-time.After(time.Hour)
		synctest.Wait()
		if n := len(rec.seen()); n != 5 {
			t.Errorf("%d posts after an hour, want 5", n)
		}
	})
}

// TestRetryOfWhatCannotBe.
func TestRetryOfWhatCannotBe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		done := q.commit("ops", "a")
		r := newRig(q, rec, testEndpoint(t, "ops"), testEndpoint(t, "crm"))
		if err := r.Retry(t.Context(), "ops", done); !errors.Is(err, ErrNotRunning) {
			t.Errorf("before the start: %v", err)
		}
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		waiting := q.commit("crm", "a")
		for id, want := range map[int64]error{done: ErrNotWaiting, waiting: ErrNotWaiting, 99: ErrNotWaiting} {
			if err := r.Retry(t.Context(), "ops", id); !errors.Is(err, want) {
				t.Errorf("%d: %v, want %v", id, err, want)
			}
		}
		if err := r.Retry(t.Context(), "nobody", done); !errors.Is(err, ErrUnknownEndpoint) {
			t.Error(err)
		}
		q.fail(func() { q.readErr = errors.New("no") })
		if err := r.Retry(t.Context(), "crm", waiting); !errors.Is(err, q.readErr) {
			t.Error(err)
		}
		q.fail(func() { q.readErr = nil })
	})
}

// TestRetryWaitsForTheEndpoint while it is paused, and holds then.
func TestRetryWaitsForTheEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{answer: status(http.StatusBadRequest)}
		e := testEndpoint(t, "ops")
		e.Retry = RetryPolicy{Schedule: []time.Duration{24 * time.Hour, 24 * time.Hour}}
		id := q.commit("ops", "a")
		r := newRig(q, rec, e)
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		for _, do := range []func() error{
			func() error { return r.Pause(t.Context(), "ops") },
			func() error { return r.Retry(t.Context(), "ops", id) },
		} {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Hour)
		if n := len(rec.seen()); n != 1 {
			t.Errorf("%d posts while it is paused", n)
		}
		if err := r.Resume(t.Context(), "ops"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := len(rec.seen()); n != 2 {
			t.Errorf("%d posts after it was resumed, want 2", n)
		}
	})
}

// TestRetryOfAnEvictedDelivery finds it in the queue, and posts none that has
// ended a second time.
func TestRetryOfAnEvictedDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		q.recordDelay = time.Second
		rec.answer = func(p post) (int, map[string]string, error) {
			if p.position()%2 == 0 {
				return http.StatusOK, nil, nil
			}
			return http.StatusBadRequest, nil, nil
		}
		e := testEndpoint(t, "ops")
		e.Retry = RetryPolicy{Schedule: []time.Duration{24 * time.Hour, 24 * time.Hour}}
		const count = 100
		for n := range count {
			q.commit("ops", fmt.Sprint("lane-", n))
		}
		r := newRig(q, rec, e)
		r.options.bounds = bounds{lanes: 8, held: 8, perLane: 2, page: 4, rescan: time.Minute}
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(time.Hour)
		if n := len(rec.seen()); n != count {
			t.Fatalf("%d posts, want %d", n, count)
		}
		for id := int64(1); id <= count; id += 2 {
			if err := r.Retry(t.Context(), "ops", id); err != nil {
				t.Error(err)
			}
		}
		<-time.After(10 * time.Minute)
		posts := make(map[int64]int)
		for _, position := range rec.positions() {
			posts[position]++
		}
		for id := int64(1); id <= count; id++ {
			if want := 1 + int(id%2); posts[id] != want {
				t.Errorf("%d was posted %d times, want %d", id, posts[id], want)
			}
		}
	})
}

// TestRetryOfAMemberMakesItsBatchDue, whichever member is named, and says so of
// what waits behind it.
func TestRetryOfAMemberMakesItsBatchDue(t *testing.T) {
	t.Parallel()
	for member := range int64(3) {
		synctest.Test(t, func(t *testing.T) {
			q, rec := newMemQueue(), &receiver{answer: status(http.StatusBadRequest)}
			e := batchEndpoint(t, OrderSource, 3, 0)
			e.Retry = RetryPolicy{Schedule: []time.Duration{24 * time.Hour, 24 * time.Hour}}
			for _, lane := range []string{"a", "b", "b", "b"} {
				q.commit("ops", lane)
			}
			r := newRig(q, rec, e)
			r.mustStart(t)
			defer r.mustStop(t)
			synctest.Wait()
			var behind *BehindError
			if err := r.Retry(t.Context(), "ops", 4); !errors.As(err, &behind) || behind.First != 1 {
				t.Errorf("of one behind the batch: %v", err)
			}
			if err := r.Retry(t.Context(), "ops", member+1); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			posts := rec.seen()
			if len(posts) != 2 || posts[1].id != posts[0].id || !slices.Equal(posts[1].members(), []int64{1, 2, 3}) {
				t.Fatalf("%d posts, want the batch twice", len(posts))
			}
			for id := int64(1); id <= 3; id++ {
				if d, _ := q.row(id); d.Posts != 2 || d.Attempts != 2 {
					t.Errorf("after two posts: %+v", d)
				}
			}
		})
	}
}

// TestRetryWhileTheBatchIsPosted finds the delivery in no batch yet, and ahead of
// what its lane holds.
func TestRetryWhileTheBatchIsPosted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{delay: func(post) time.Duration { return time.Second }}
		for range 3 {
			q.commit("ops", "a")
		}
		r := newRig(q, rec, batchEndpoint(t, OrderSource, 2, 0))
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		q.set(2, func(d *Delivery) { d.Batch = "" })
		if err := r.Retry(t.Context(), "ops", 2); err != nil {
			t.Error(err)
		}
		<-time.After(time.Minute)
		if n := len(rec.seen()); n != 2 {
			t.Errorf("%d posts, want 2", n)
		}
	})
}
