package notify

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFailedRecordIsFatal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		q.recordErr = errors.New("disk full")
		q.commit("ops", "a")
		r := newRig(q, rec, testEndpoint(t, "ops"))
		r.mustStart(t)
		synctest.Wait()
		if err := <-r.fatal; !errors.Is(err, q.recordErr) {
			t.Errorf("OnFatal got %v", err)
		}
		if err := r.Alive(t.Context()); !errors.Is(err, q.recordErr) {
			t.Errorf("Alive gave %v", err)
		}
		q.commit("ops", "b")
		r.Wake()
		<-time.After(time.Hour)
		if n := len(rec.seen()); n != 1 {
			t.Errorf("%d posts, want none after the failure", n)
		}
		if err := r.Enable(t.Context(), "ops"); !errors.Is(err, ErrNotRunning) {
			t.Errorf("Enable gave %v", err)
		}
		if err := r.Stop(t.Context()); !errors.Is(err, q.recordErr) {
			t.Errorf("Stop gave %v, want the failure once more", err)
		}
		if len(r.fatal) != 0 {
			t.Error("OnFatal was called twice")
		}
	})
}

func TestUnsavedStateIsFatal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		q.stateErr = errors.New("disk full")
		q.commit("ops", "a")
		r := newRig(q, &receiver{answer: status(http.StatusGone)}, testEndpoint(t, "ops"))
		r.mustStart(t)
		synctest.Wait()
		if err := <-r.fatal; !errors.Is(err, q.stateErr) {
			t.Errorf("OnFatal got %v", err)
		}
		if len(r.alerts) != 0 {
			t.Error("an alert was raised for a state that was not saved")
		}
		if err := r.Stop(t.Context()); !errors.Is(err, q.stateErr) {
			t.Errorf("Stop gave %v", err)
		}
	})
}

func TestReadFailuresAreTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		r := newRig(q, rec, testEndpoint(t, "ops"))
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		id := q.commit("ops", "a")
		q.fail(func() { q.readErr = errors.New("database is locked") })
		r.Wake("ops")
		<-time.After(10 * time.Second)
		q.fail(func() { q.readErr, q.eventErr = nil, errors.New("database is locked") })
		<-time.After(10 * time.Second)
		if n := len(rec.seen()); n != 0 {
			t.Fatalf("%d posts of an event that cannot be read", n)
		}
		q.fail(func() { q.eventErr = nil })
		<-time.After(2 * time.Second)
		d, state := q.row(id)
		if state != Delivered || d.Posts != 1 || d.Attempts != 0 {
			t.Errorf("the delivery is %s after %d posts, %d attempts", state, d.Posts, d.Attempts)
		}
		if n := strings.Count(r.logs.String(), " could not be read\""); n < 10 || n > 22 {
			t.Errorf("%d failures logged, want about one a second", n)
		}
	})
}

func TestEventThatCannotBeToldIsDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		id, next := q.commit("ops", "a"), q.commit("ops", "a")
		q.events[id] = Event{Position: id, ID: "evt_bad", Data: []byte(`"text"`)}
		r := newRig(q, rec, testEndpoint(t, "ops"))
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		if _, state := q.row(id); state != Dead {
			t.Errorf("the delivery is %s", state)
		}
		if o := q.outcomesOf(id); len(o) != 1 || !strings.Contains(o[0].Attempt.Error, "evt_bad") {
			t.Errorf("recorded %+v, want the reason", o)
		}
		if _, state := q.row(next); state != Delivered {
			t.Errorf("the next one is %s", state)
		}
	})
}

func TestExpiredSecretsUseUpNoAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		id := q.commit("ops", "a")
		e := testEndpoint(t, "ops")
		e.Secrets[0].Until = time.Now()
		r := newRig(q, rec, e)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(24*time.Hour + time.Second)
		d, state := q.row(id)
		if state != Waiting || d.Attempts != 0 || len(rec.seen()) != 0 {
			t.Fatalf("the delivery is %s with %d attempts, %d posts", state, d.Attempts, len(rec.seen()))
		}
		if s := <-r.alerts; s.Untold != EndpointFailing || !strings.Contains(s.Reason, "no secret is live") || len(r.alerts) != 0 {
			t.Errorf("others were told %+v, and %d times more", s, len(r.alerts))
		}
		r.Apply([]Endpoint{testEndpoint(t, "ops")})
		<-time.After(3 * time.Minute)
		if s := <-r.alerts; s.Untold != EndpointRecovered {
			t.Errorf("others were told %+v once there is a secret", s)
		}
		if _, state := q.row(id); state != Delivered {
			t.Errorf("the delivery is %s once there is a secret", state)
		}
	})
}
