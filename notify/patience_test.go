package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var errFull = errors.New("no space left")

// patientRig is a rig whose dispatcher knows that errFull passes.
func patientRig(q *memQueue, rec *receiver, endpoints ...Endpoint) *rig {
	r := newRig(q, rec, endpoints...)
	r.options.Passes = func(err error) bool { return errors.Is(err, errFull) }
	return r
}

// TestFullDiskIsWaitedFor: what was answered is recorded when there is room again,
// nothing is posted meanwhile, and nobody has to start anything anew.
func TestFullDiskIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		q.recordErr = errFull
		first := q.commit("ops", "a")
		r := patientRig(q, rec, testEndpoint(t, "ops"), testEndpoint(t, "crm"))
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(5 * time.Second)
		var later []int64
		for _, lane := range lanes(20) {
			later = append(later, q.commit("ops", lane), q.commit("crm", lane))
		}
		r.Wake()
		<-time.After(time.Hour)
		if n := len(rec.seen()); n != 1 {
			t.Errorf("%d posts while their outcome cannot be saved, want the one from before", n)
		}
		if err := r.Alive(t.Context()); err != nil {
			t.Errorf("Alive gave %v: a watchdog would kill it", err)
		}
		if err := r.Blocked(); !errors.Is(err, errFull) {
			t.Errorf("Blocked gave %v", err)
		}
		if _, state := q.row(first); state != Waiting {
			t.Errorf("the first is %s", state)
		}
		q.fail(func() { q.recordErr = nil })
		<-time.After(10 * time.Second)
		for _, id := range append(later, first) {
			if d, state := q.row(id); state != Delivered || d.Posts != 1 {
				t.Errorf("delivery %d is %s after %d posts", id, state, d.Posts)
			}
		}
		if err := r.Blocked(); err != nil || len(r.fatal) != 0 {
			t.Errorf("Blocked gives %v, %d fatal errors", err, len(r.fatal))
		}
		logs := r.logs.String()
		if n := strings.Count(logs, "level=ERROR"); n != 1 || !strings.Contains(logs, "deliveries wait") {
			t.Errorf("%d errors are logged, want one:\n%s", n, logs)
		}
		if !strings.Contains(logs, "deliveries go on") {
			t.Error("that they go on is not logged")
		}
	})
}

// TestFullDiskBoundsWhatIsPosted: many lanes are under way when the disk is full.
func TestFullDiskBoundsWhatIsPosted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		rec := &receiver{delay: func(post) time.Duration { return time.Second }}
		q.recordErr = errFull
		var endpoints []Endpoint
		for i := range 100 {
			e := testEndpoint(t, fmt.Sprint("e", i))
			endpoints = append(endpoints, e)
			for _, lane := range lanes(40) {
				q.commit(e.Name, lane)
			}
		}
		r := patientRig(q, rec, endpoints...)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(time.Minute)
		n := len(rec.seen())
		if most := 100 * 2 * defaultMaxInFlight; n > most {
			t.Errorf("%d posts, want at most %d", n, most)
		}
		<-time.After(time.Hour)
		if more := len(rec.seen()); more != n {
			t.Errorf("%d posts more while the disk is full", more-n)
		}
		if err := r.Alive(t.Context()); err != nil {
			t.Errorf("Alive gave %v", err)
		}
		q.fail(func() { q.recordErr = nil })
		<-time.After(time.Minute)
		if got := q.count(Delivered); got != 4000 || len(rec.seen()) != 4000 {
			t.Errorf("%d are delivered by %d posts, want 4000 by 4000", got, len(rec.seen()))
		}
	})
}

// TestFullDiskKeepsStatesAndBatches: they are saved before what rests on them.
func TestFullDiskKeepsStatesAndBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{answer: status(http.StatusGone)}
		q.stateErr = errFull
		one, batched := testEndpoint(t, "one"), testEndpoint(t, "batched")
		batched.Batch = Batch{MaxEvents: 2}
		gone := q.commit("one", "a")
		r := patientRig(q, rec, one)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(time.Minute)
		if _, state := q.row(gone); state != Waiting || len(r.alerts) != 0 {
			t.Errorf("before the state is saved the delivery is %s, and %d alerts are raised", state, len(r.alerts))
		}
		q.fail(func() { q.stateErr = nil })
		<-time.After(2 * time.Second)
		if s := <-r.alerts; s.Untold != EndpointDisabled || !q.savedState("one").Disabled {
			t.Errorf("saved %+v, told %+v", q.savedState("one"), s)
		}

		q.fail(func() { q.stateErr = errFull })
		id := q.commit("batched", "a")
		rec.answer = nil
		r.Apply([]Endpoint{batched})
		<-time.After(time.Minute)
		if n := len(rec.seen()); n != 1 {
			t.Errorf("%d posts, want none of a batch that is not saved", n-1)
		}
		q.fail(func() { q.stateErr = nil })
		<-time.After(2 * time.Second)
		if _, state := q.row(id); state != Delivered {
			t.Errorf("the batch is %s", state)
		}
		if len(r.fatal) != 0 {
			t.Errorf("OnFatal got %v", <-r.fatal)
		}
	})
}

// TestChangeOnFullDisk: who asks for a change is answered at once, and a change
// that was not saved is not made.
func TestChangeOnFullDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		r := patientRig(q, rec, testEndpoint(t, "ops"))
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		q.fail(func() { q.stateErr = errFull })
		began := time.Now()
		if err := r.Pause(t.Context(), "ops"); !errors.Is(err, errFull) {
			t.Errorf("Pause gave %v", err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the answer took %v", took)
		}
		if s := r.Status()[0]; s.Paused {
			t.Error("a pause was made that a restart would forget")
		}
		id := q.commit("ops", "a")
		r.Wake("ops")
		<-time.After(time.Second)
		if _, state := q.row(id); state != Delivered {
			t.Errorf("the delivery is %s", state)
		}
		q.fail(func() { q.stateErr = nil })
		if err := r.Pause(t.Context(), "ops"); err != nil || !r.Status()[0].Paused || len(r.fatal) != 0 {
			t.Errorf("later: %v", err)
		}
	})
}

// TestStopOnFullDisk keeps its deadline, and what could not be saved is told of.
func TestStopOnFullDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		q.recordErr = errFull
		q.commit("ops", "a")
		r := patientRig(q, rec, testEndpoint(t, "ops"))
		r.mustStart(t)
		<-time.After(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		began := time.Now()
		if err := r.Stop(ctx); !errors.Is(err, errFull) {
			t.Errorf("Stop gave %v", err)
		}
		if took := time.Since(began); took > 20*time.Second+flushGrace {
			t.Errorf("Stop took %v", took)
		}
	})
}

// TestDiskThatFailsWhileItIsFull: from the one there is no way back.
func TestDiskThatFailsWhileItIsFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		q.recordErr = errFull
		q.commit("ops", "a")
		r := patientRig(q, rec, testEndpoint(t, "ops"))
		r.mustStart(t)
		<-time.After(time.Minute)
		broken := errors.New("input/output error")
		q.fail(func() { q.recordErr = broken })
		if err := <-r.fatal; !errors.Is(err, broken) {
			t.Errorf("OnFatal got %v", err)
		}
		if err := r.Alive(t.Context()); !errors.Is(err, broken) {
			t.Errorf("Alive gave %v", err)
		}
		if err := r.Stop(t.Context()); !errors.Is(err, broken) {
			t.Errorf("Stop gave %v", err)
		}
	})
}
