package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errTaken = errors.New("another node holds the lease")

// leasedRig is a rig that posts to what it has adopted.
func leasedRig(q *memQueue, rec *receiver, endpoints ...Endpoint) *rig {
	r := newRig(q, rec, endpoints...)
	r.options.Leased = true
	r.options.Passes = func(err error) bool { return errors.Is(err, errFull) }
	r.options.Lost = func(err error) bool { return errors.Is(err, errTaken) }
	return r
}

func (r *rig) mustAdopt(tb testing.TB, names ...string) {
	tb.Helper()
	if err := r.Adopt(tb.Context(), names); err != nil {
		tb.Fatalf("Adopt: %v", err)
	}
}

// mustRelease releases without a deadline.
func (r *rig) mustRelease(tb testing.TB, names ...string) {
	tb.Helper()
	if err := r.Release(tb.Context(), names); err != nil {
		tb.Fatalf("Release: %v", err)
	}
}

func TestLeasedDispatcherServesWhatItHasAdopted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		q.commit("ops", "a")
		q.commit("crm", "a")
		r := leasedRig(q, rec, testEndpoint(t, "ops"), testEndpoint(t, "crm"))
		if err := r.Adopt(t.Context(), []string{"ops"}); !errors.Is(err, ErrNotRunning) {
			t.Errorf("Adopt before the start gave %v", err)
		}
		r.mustRelease(t, "ops")
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(time.Minute)
		if n := len(rec.seen()); n != 0 || len(r.Status()) != 0 {
			t.Fatalf("%d posts, status %v before anything is adopted", n, r.Status())
		}
		r.mustAdopt(t, "ops", "later")
		r.mustAdopt(t, "ops")
		synctest.Wait()
		if got := rec.positions(); !slices.Equal(got, []int64{1}) {
			t.Errorf("posted %v, want what waits for the adopted one", got)
		}
		for verb, err := range map[string]error{
			"enable": r.Enable(t.Context(), "crm"), "disable": r.Disable(t.Context(), "crm", "test"),
			"pause": r.Pause(t.Context(), "crm"), "resume": r.Resume(t.Context(), "crm"),
			"retry": r.Retry(t.Context(), "crm", 2), "test": func() error { _, err := r.Test(t.Context(), "crm", &Event{}); return err }(),
		} {
			if !errors.Is(err, ErrElsewhere) || !strings.Contains(err.Error(), "crm") {
				t.Errorf("%s of one that is not adopted gave %v", verb, err)
			}
		}
		if err := r.Pause(t.Context(), "nobody"); !errors.Is(err, ErrUnknownEndpoint) {
			t.Errorf("pause of one that is not known gave %v", err)
		}
		if err := r.Alive(t.Context()); err != nil {
			t.Errorf("Alive gave %v", err)
		}
		// What was adopted before it was configured is served from then on.
		later := q.commit("later", "a")
		r.Apply([]Endpoint{testEndpoint(t, "ops"), testEndpoint(t, "crm"), testEndpoint(t, "later")})
		synctest.Wait()
		if _, state := q.row(later); state != Delivered {
			t.Errorf("what is configured after it was adopted: %s", state)
		}
		// One that leaves the configuration and comes back is still adopted.
		r.Apply([]Endpoint{testEndpoint(t, "crm"), testEndpoint(t, "later")})
		synctest.Wait()
		again := q.commit("ops", "a")
		r.Apply([]Endpoint{testEndpoint(t, "crm"), testEndpoint(t, "ops")})
		synctest.Wait()
		if _, state := q.row(again); state != Delivered {
			t.Errorf("what is configured again: %s", state)
		}
	})
}

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

// TestNothingIsPostedThatIsNotHeld: the word is asked for at the last moment, and
// nobody is blamed.
func TestNothingIsPostedThatIsNotHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		held := atomic.Bool{}
		held.Store(true)
		e := testEndpoint(t, "ops")
		// The lease goes while the credentials are asked for.
		e.Auth = authFunc(func() { held.Store(false) })
		e.Order = OrderNone
		first := q.commit("ops", "")
		r := leasedRig(q, rec, e)
		r.options.Holds = func(string) bool { return held.Load() }
		r.mustStart(t)
		defer r.mustStop(t)
		r.mustAdopt(t, "ops")
		<-time.After(time.Hour)
		if d, state := q.row(first); len(rec.seen()) != 0 || state != Waiting || d.Posts != 0 || d.Attempts != 0 || len(q.outcomesOf(first)) != 0 {
			t.Errorf("%d posts, %s, %+v", len(rec.seen()), state, d)
		}
		e.Auth = nil
		r.Apply([]Endpoint{e})
		held.Store(true)
		<-time.After(holdWait)
		if _, state := q.row(first); state != Delivered {
			t.Errorf("once it is held again: %s", state)
		}
		held.Store(false)
		second := q.commit("ops", "")
		r.Wake("ops")
		<-time.After(holdWait / 2)
		held.Store(true)
		r.Wake()
		synctest.Wait()
		if _, state := q.row(second); state != Delivered {
			t.Errorf("after a wake-up: %s", state)
		}
		r.mustRelease(t, "ops")
	})
}

// authFunc is called before each POST.
type authFunc func()

func (f authFunc) Authorize(context.Context, *http.Request) error { f(); return nil }
func (authFunc) Renew(http.Header) bool                           { return false }
func (authFunc) Secrets() []string                                { return nil }

// TestLostEndpointEndsQuietly: whatever the queue says it to, and nobody else is
// hurt.
func TestLostEndpointEndsQuietly(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*memQueue){
		"reading": func(q *memQueue) { q.readErr = fmt.Errorf("read: %w", errTaken) },
		"saving":  func(q *memQueue) { q.stateErr = fmt.Errorf("save: %w", errTaken) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := newMemQueue()
				rec := &receiver{
					answer: status(410),
					delay: func(p post) time.Duration {
						if p.position() > 1 {
							return 10 * time.Second
						}
						return time.Second
					},
				}
				e := testEndpoint(t, "ops")
				e.Order = OrderNone
				q.commit("ops", "")
				q.commit("ops", "")
				r := leasedRig(q, rec, e)
				r.mustStart(t)
				defer r.mustStop(t)
				r.mustAdopt(t, "ops")
				synctest.Wait()
				q.fail(func() { set(q) })
				r.Wake("ops")
				<-time.After(2 * time.Second)
				if len(r.Status()) != 0 || len(r.fatal) != 0 || r.logged("INFO", "endpoint is served by another node by now") != 1 {
					t.Errorf("status %+v, %d fatal:\n%s", r.Status(), len(r.fatal), r.logs)
				}
				if err := r.Pause(t.Context(), "ops"); !errors.Is(err, ErrElsewhere) {
					t.Errorf("Pause gave %v", err)
				}
				r.mustRelease(t, "ops")
				q.fail(func() { q.readErr, q.stateErr = nil, nil })
				rec.answer, rec.delay = nil, nil
				r.mustAdopt(t, "ops")
				<-time.After(time.Minute)
				if q.count(Delivered) != 2 {
					t.Errorf("%d delivered once it was adopted again:\n%s", q.count(Delivered), r.logs)
				}
			})
		})
	}
}

// TestChangeOfALostEndpoint is not made, and is no reason to end.
func TestChangeOfALostEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		r := leasedRig(q, &receiver{}, testEndpoint(t, "ops"))
		r.mustStart(t)
		defer r.mustStop(t)
		r.mustAdopt(t, "ops")
		q.fail(func() { q.stateErr = errTaken })
		if err := r.Pause(t.Context(), "ops"); !errors.Is(err, ErrElsewhere) || len(r.fatal) != 0 {
			t.Errorf("Pause gave %v, %d fatal", err, len(r.fatal))
		}
		synctest.Wait()
		if len(r.Status()) != 0 {
			t.Errorf("status %+v", r.Status())
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

// TestConfiguredAreAll endpoints, whoever serves them.
func TestConfiguredAreAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		off := testEndpoint(t, "off")
		off.Enabled = false
		r := leasedRig(newMemQueue(), &receiver{}, testEndpoint(t, "ops"), off)
		r.mustStart(t)
		defer r.mustStop(t)
		if got := r.Configured(); len(got) != 2 || !got["ops"] || got["off"] {
			t.Errorf("configured %v", got)
		}
	})
}

// failedAuth has no credentials any more once they were asked for.
type failedAuth struct{ authFunc }

func (a failedAuth) Authorize(ctx context.Context, req *http.Request) error {
	_ = a.authFunc.Authorize(ctx, req)
	return errors.New("the token is another node's")
}

// TestNobodyIsBlamedForCredentialsThatAreNotHeld: they went with the lease.
func TestNobodyIsBlamedForCredentialsThatAreNotHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		held := atomic.Bool{}
		held.Store(true)
		e := testEndpoint(t, "ops")
		e.Auth = failedAuth{func() { held.Store(false) }}
		id := q.commit("ops", "")
		r := leasedRig(q, rec, e)
		r.options.Holds = func(string) bool { return held.Load() }
		r.mustStart(t)
		defer r.mustStop(t)
		r.mustAdopt(t, "ops")
		<-time.After(time.Hour)
		if d, state := q.row(id); state != Waiting || d.Attempts != 0 || len(q.outcomesOf(id)) != 0 {
			t.Errorf("%s, %+v", state, d)
		}
		r.mustRelease(t, "ops")
	})
}

// TestTestsNothingThatIsNotHeld: a node that may have lost an endpoint posts no test
// to it either, nor asks for the credentials.
func TestTestsNothingThatIsNotHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		held := atomic.Bool{}
		asked := 0
		e := testEndpoint(t, "ops")
		e.Auth = authFunc(func() { asked++; held.Store(false) })
		r := leasedRig(q, rec, e)
		r.options.Holds = func(string) bool { return held.Load() }
		r.mustStart(t)
		defer r.mustStop(t)
		r.mustAdopt(t, "ops")
		ping := &Event{ID: "test_1", Type: TypePing, Source: "ops", Alert: true, Data: []byte(`{"name":"ops"}`)}
		for i, may := range []bool{false, true} {
			held.Store(may)
			if attempt, err := r.Test(t.Context(), "ops", ping); !errors.Is(err, ErrElsewhere) || asked != i {
				t.Errorf("asked for credentials %d times, %+v, %v", asked, attempt, err)
			}
		}
		if posts := len(rec.seen()); posts != 0 {
			t.Errorf("%d posts", posts)
		}
		r.mustRelease(t, "ops")
	})
}
