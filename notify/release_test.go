package notify

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestReleaseDrainsAndTheHeirGoesOn hands an endpoint over in the middle of what
// it is told, with a state that counts.
func TestReleaseDrainsAndTheHeirGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		q.recordDelay = 50 * time.Millisecond
		refuse := atomic.Bool{}
		rec := &receiver{
			delay: func(post) time.Duration { return 5 * time.Second },
			answer: func(post) (int, map[string]string, error) {
				if refuse.Load() {
					return 503, map[string]string{"Retry-After": "600"}, nil
				}
				return 200, nil, nil
			},
		}
		for range 3 {
			q.commit("ops", "a")
		}
		e := testEndpoint(t, "ops")
		one, other := leasedRig(q, rec, e), leasedRig(q, rec, e)
		one.mustStart(t)
		other.mustStart(t)
		defer one.mustStop(t)
		defer other.mustStop(t)
		one.mustAdopt(t, "ops")
		<-time.After(time.Second)
		start := time.Now()
		one.mustRelease(t, "ops")
		if took := time.Since(start); took != 4*time.Second+50*time.Millisecond {
			t.Errorf("Release took %s, want the rest of the attempt and its record", took)
		}
		if q.count(Delivered) != 1 || len(rec.seen()) != 1 {
			t.Errorf("%d delivered by %d posts, want the one under way", q.count(Delivered), len(rec.seen()))
		}
		if err := one.Pause(t.Context(), "ops"); !errors.Is(err, ErrElsewhere) {
			t.Errorf("Pause after the release gave %v", err)
		}
		one.mustRelease(t, "ops")
		refuse.Store(true)
		other.mustAdopt(t, "ops")
		<-time.After(6 * time.Second)
		other.mustRelease(t, "ops")
		if s := q.savedState("ops"); s.Failures != 1 || s.PausedUntil.IsZero() {
			t.Errorf("what is saved by a release: %+v", s)
		}
		refuse.Store(false)
		one.mustAdopt(t, "ops")
		<-time.After(9 * time.Minute)
		if n := len(rec.seen()); n != 2 {
			t.Errorf("%d posts, want none while the endpoint asked the other one to wait", n)
		}
		<-time.After(3 * time.Minute)
		if got := rec.positions(); !slices.Equal(got, []int64{1, 2, 2, 3}) || q.count(Delivered) != 3 {
			t.Errorf("posted %v, %d delivered", got, q.count(Delivered))
		}
	})
}

// TestReleaseThatIsCutShort leaves nothing under way, and nothing of what it could
// not save is saved later, when the same endpoint is adopted again.
func TestReleaseThatIsCutShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		rec := &receiver{delay: func(p post) time.Duration {
			if p.position() == 2 {
				return 12 * time.Second
			}
			return time.Second
		}}
		q.commit("ops", "a")
		q.commit("ops", "b")
		q.commit("crm", "a")
		r := leasedRig(q, rec, testEndpoint(t, "ops"), testEndpoint(t, "crm"))
		r.mustStart(t)
		r.mustAdopt(t, "ops", "crm")
		q.fail(func() { q.recordErr = errFull })
		<-time.After(2 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := r.Release(ctx, []string{"ops"})
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 attempts were cut short") {
			t.Errorf("Release gave %v", err)
		}
		if took := time.Since(start); took != time.Second+flushGrace {
			t.Errorf("Release took %s", took)
		}
		r.mustAdopt(t, "ops")
		q.fail(func() { q.recordErr = nil })
		<-time.After(2 * time.Minute)
		r.mustStop(t)
		for id := int64(1); id <= 2; id++ {
			if got := q.outcomesOf(id); len(got) != 1 || got[0].Endpoint != "ops" {
				t.Errorf("delivery %d has the outcomes %+v, want that of the second time alone", id, got)
			}
		}
		if q.count(Delivered) != 3 || len(rec.seen()) != 5 {
			t.Errorf("%d delivered by %d posts", q.count(Delivered), len(rec.seen()))
		}
	})
}

// TestReleaseOutlivesAStoreThatHangs: a call that is under way for what is
// released is not waited for.
func TestReleaseOutlivesAStoreThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		q.recordDelay = 24 * time.Hour
		for range 3 * maxUnrecorded {
			q.commit("ops", "")
		}
		r := leasedRig(q, &receiver{}, testEndpoint(t, "ops"))
		r.mustStart(t)
		r.mustAdopt(t, "ops")
		<-time.After(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_ = r.Release(ctx, []string{"ops"})
		if took := time.Since(start); took != time.Second+flushGrace {
			t.Errorf("Release took %s", took)
		}
		start = time.Now()
		r.mustStop(t)
		if took := time.Since(start); took != 0 || q.count(Delivered) != 0 {
			t.Errorf("Stop took %s, %d delivered: want nothing left", took, q.count(Delivered))
		}
	})
}

// TestAdoptOfWhatLeaves waits for nobody: it says so.
func TestAdoptOfWhatLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		rec := &receiver{delay: func(post) time.Duration { return time.Second }}
		q.commit("ops", "a")
		r := leasedRig(q, rec, testEndpoint(t, "ops"), testEndpoint(t, "crm"))
		r.mustStart(t)
		defer r.mustStop(t)
		r.mustAdopt(t, "ops")
		synctest.Wait()
		released := make(chan error, 1)
		go func() { released <- r.Release(t.Context(), []string{"ops"}) }()
		synctest.Wait()
		if err := r.Adopt(t.Context(), []string{"crm", "ops"}); !errors.Is(err, errLeaving) {
			t.Errorf("Adopt gave %v", err)
		}
		if err := <-released; err != nil {
			t.Errorf("Release gave %v", err)
		}
		q.readErr = errFull
		if err := r.Adopt(t.Context(), []string{"crm", "ops"}); !errors.Is(err, errFull) || len(r.Status()) != 0 {
			t.Errorf("Adopt gave %v, status %v", err, r.Status())
		}
		q.readErr = nil
		r.mustAdopt(t, "crm", "ops")
		if len(r.Status()) != 2 {
			t.Errorf("status %v", r.Status())
		}
	})
}

// contextOver is a context that has ended.
func contextOver(tb testing.TB) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(tb.Context())
	cancel()
	return ctx, cancel
}
