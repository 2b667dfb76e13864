package notify

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStopDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		q.recordDelay = 50 * time.Millisecond
		rec := &receiver{delay: func(post) time.Duration { return 5 * time.Second }}
		for range 2 {
			for _, l := range lanes(4) {
				q.commit("ops", l)
			}
		}
		r := newRig(q, rec, testEndpoint(t, "ops"))
		r.mustStart(t)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := r.Stop(ctx); err != nil {
			t.Fatalf("Stop: %v", err)
		}
		if got := q.count(Delivered); got != 4 || len(rec.seen()) != 4 {
			t.Errorf("%d delivered by %d posts, want the 4 under way and no other", got, len(rec.seen()))
		}
	})
}

func TestStopCutsShortWithoutBlame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		rec := &receiver{delay: func(post) time.Duration { return 10 * time.Second }}
		id := q.commit("ops", "a")
		r := newRig(q, rec, testEndpoint(t, "ops"))
		r.mustStart(t)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := r.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Stop gave %v, want the deadline", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("Stop took %s", took)
		}
		d, state := q.row(id)
		if state != Waiting || d.Posts != 0 || d.Attempts != 0 || len(q.outcomesOf(id)) != 0 {
			t.Errorf("the delivery is %s with %d posts, %d attempts; want it untouched", state, d.Posts, d.Attempts)
		}
	})
}

func TestStopOutlivesAStoreThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		q.recordDelay = 24 * time.Hour
		q.commit("ops", "a")
		r := newRig(q, &receiver{}, testEndpoint(t, "ops"))
		r.mustStart(t)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := r.Stop(ctx); err == nil || !strings.Contains(err.Error(), "record outcomes") {
			t.Errorf("Stop gave %v, want to hear of what was not recorded", err)
		}
		if took := time.Since(start); took != time.Second+flushGrace {
			t.Errorf("Stop took %s", took)
		}
	})
}
