package notify

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestPausedByTheOperator: what waits, waits, uses up no attempts, and goes on
// when the operator says so, across restarts and new configurations.
func TestPausedByTheOperator(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		e := testEndpoint(t, "ops")
		r := newRig(q, rec, e)
		r.mustStart(t)
		if err := r.Pause(t.Context(), "ops"); err != nil {
			t.Fatalf("Pause: %v", err)
		}
		id := q.commit("ops", "a")
		r.Wake("ops")
		r.Apply([]Endpoint{e})
		<-time.After(100 * time.Hour)
		r.mustStop(t)

		r = newRig(q, rec, e)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(100 * time.Hour)
		if d, state := q.row(id); state != Waiting || d.Attempts != 0 || len(rec.seen()) != 0 {
			t.Fatalf("the delivery is %s with %d attempts, %d posts", state, d.Attempts, len(rec.seen()))
		}
		if s := r.Status(); !s[0].Paused || s[0].Disabled || s[0].Breaker != BreakerClosed {
			t.Errorf("status %+v", s[0])
		}
		if err := r.Resume(t.Context(), "ops"); err != nil {
			t.Fatalf("Resume: %v", err)
		}
		synctest.Wait()
		if _, state := q.row(id); state != Delivered || q.savedState("ops").Paused {
			t.Errorf("the delivery is %s once it was resumed; saved %+v", state, q.savedState("ops"))
		}
		if err := errors.Join(r.Pause(t.Context(), "nobody"), r.Resume(t.Context(), "nobody")); !errors.Is(err, ErrUnknownEndpoint) {
			t.Errorf("an unknown endpoint gave %v", err)
		}
	})
}

// TestResumeEndsAPauseThatTheReceiverAskedFor, for one that asked for a day by
// mistake.
func TestResumeEndsAPauseThatTheReceiverAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		var busy atomic.Bool
		busy.Store(true)
		id := q.commit("ops", "a")
		rec := &receiver{answer: func(post) (int, map[string]string, error) {
			if busy.Load() {
				return http.StatusTooManyRequests, map[string]string{"Retry-After": "3600"}, nil
			}
			return 200, nil, nil
		}}
		r := newRig(q, rec, testEndpoint(t, "ops"))
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		busy.Store(false)
		if err := r.Resume(t.Context(), "ops"); err != nil {
			t.Fatalf("Resume: %v", err)
		}
		second := q.commit("ops", "b")
		r.Wake("ops")
		synctest.Wait()
		if _, state := q.row(second); state != Delivered {
			t.Errorf("the delivery is %s once it was resumed", state)
		}
		if d, state := q.row(id); state != Delivered || d.Attempts != 0 {
			t.Errorf("the first is %s with %d attempts, want it told as well", state, d.Attempts)
		}
	})
}
