package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

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
