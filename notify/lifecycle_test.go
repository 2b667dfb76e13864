package notify

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestStartAndStopInAnyOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		r := newRig(q, rec, testEndpoint(t, "ops"))
		r.mustStop(t)
		if err := r.Alive(t.Context()); !errors.Is(err, ErrNotRunning) {
			t.Errorf("Alive before the start gave %v", err)
		}
		if err := r.Enable(t.Context(), "ops"); !errors.Is(err, ErrNotRunning) {
			t.Errorf("Enable before the start gave %v", err)
		}
		r.Wake("ops")
		if s := r.Status(); s != nil {
			t.Errorf("status %v before the start", s)
		}

		q.readErr = errors.New("database is locked")
		if err := r.Start(t.Context()); !errors.Is(err, q.readErr) {
			t.Errorf("Start gave %v", err)
		}
		q.readErr = nil
		r.mustStop(t)

		for range 3 {
			r.mustStart(t)
			if err := r.Start(t.Context()); !errors.Is(err, ErrRunning) {
				t.Errorf("a second Start gave %v", err)
			}
			if err := r.Alive(t.Context()); err != nil {
				t.Errorf("Alive gave %v", err)
			}
			q.commit("ops", "a")
			r.Wake("ops")
			synctest.Wait()
			r.mustStop(t)
			r.mustStop(t)
		}
		if got := q.count(Delivered); got != 3 || len(rec.seen()) != 3 {
			t.Errorf("%d delivered by %d posts, want 3 by 3", got, len(rec.seen()))
		}
	})
}

// TestStartStopStress has everything called at once. What it must show is that
// nothing hangs, panics or races, and that no delivery is told twice.
func TestStartStopStress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		rec := &receiver{delay: func(post) time.Duration { return time.Millisecond }}
		both := []Endpoint{testEndpoint(t, "ops"), testEndpoint(t, "dev")}
		r := newRig(q, rec, both...)
		actions := []func(){
			func() { _ = r.Start(t.Context()) },
			func() { _ = r.Start(t.Context()) },
			func() { _ = r.Stop(t.Context()) },
			func() { r.Apply(both) },
			func() { r.Apply(both[:1]) },
			func() { r.Wake() },
			func() { q.commit("ops", "a"); r.Wake("ops") },
			func() { q.commit("dev", "b"); r.Wake("dev") },
			func() { _ = r.Alive(t.Context()) },
			func() { _ = r.Disable(t.Context(), "ops", "test"); _ = r.Enable(t.Context(), "ops") },
			func() { r.Status() },
		}
		var all sync.WaitGroup
		for n := range 8 {
			all.Go(func() {
				dice := rand.New(rand.NewPCG(uint64(n), 0))
				for range 300 {
					actions[dice.IntN(len(actions))]()
					<-time.After(time.Duration(dice.IntN(2000)) * time.Microsecond)
				}
			})
		}
		all.Wait()
		r.mustStop(t)
		r.Apply(both)
		r.mustStart(t)
		_ = r.Enable(t.Context(), "ops")
		<-time.After(time.Minute)
		r.mustStop(t)
		if n := q.count(Waiting); n != 0 {
			t.Errorf("%d deliveries still wait", n)
		}
		if len(rec.seen()) != len(q.deliveries) || len(rec.overlap) != 0 {
			t.Errorf("%d posts of %d deliveries, %d beside another of their lane", len(rec.seen()), len(q.deliveries), len(rec.overlap))
		}
	})
}

func TestApplyKeepsWhatIsUntouched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		rec := &receiver{delay: func(post) time.Duration { return 10 * time.Second }}
		q.commit("ops", "a")
		q.commit("ops", "a")
		q.commit("gone", "a")
		q.commit("gone", "a")
		ops, gone := testEndpoint(t, "ops"), testEndpoint(t, "gone")
		r := newRig(q, rec, ops, gone)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(time.Second)
		r.Apply([]Endpoint{ops})
		<-time.After(time.Minute)
		if got := rec.positions(); len(got) != 3 || q.count(Delivered) != 3 {
			t.Fatalf("posted %v, %d delivered; want both of ops, and the one under way to the other", got, q.count(Delivered))
		}
		if s := r.Status(); len(s) != 1 || s[0].Name != "ops" {
			t.Errorf("status %+v", s)
		}
		if err := r.Enable(t.Context(), "gone"); !errors.Is(err, ErrUnknownEndpoint) {
			t.Errorf("Enable of a removed endpoint gave %v", err)
		}
		// It comes back, at another URL.
		gone.Header = http.Header{"X-Version": {"second"}}
		r.Apply([]Endpoint{ops, gone})
		<-time.After(time.Minute)
		posts := rec.seen()
		if len(posts) != 4 || posts[3].header.Get("X-Version") != "second" {
			t.Errorf("%d posts, want the last delivery with the new configuration", len(posts))
		}
	})
}

func TestAliveNoticesAWorkerThatIsStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		q.commit("ops", "a")
		stuck := make(chan struct{})
		d := NewDispatcher(DispatcherOptions{
			Queue: q, Sender: NewSender(SenderOptions{Transport: &receiver{answer: status(http.StatusGone)}}),
			Alert: func(context.Context, EndpointState) error { <-stuck; return nil },
		})
		d.Apply([]Endpoint{testEndpoint(t, "ops")})
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := d.Alive(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "ops") {
			t.Errorf("Alive gave %v, want it to name the endpoint", err)
		}
		close(stuck)
		if err := d.Alive(t.Context()); err != nil {
			t.Errorf("Alive gave %v", err)
		}
		if err := d.Stop(t.Context()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
}

func TestLogsTellNoSecrets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		id := q.commit("ops", "a")
		e := testEndpoint(t, "ops")
		e.URL = "https://hooks.example.com/services/secret-path?token=secret-query"
		e.Header = http.Header{"Authorization": {"Bearer secret-credentials"}}
		r := newRig(q, &receiver{}, e)
		r.options.Sender = NewSender(SenderOptions{Transport: namingTransport{}})
		r.mustStart(t)
		<-time.After(time.Hour)
		r.mustStop(t)
		text := r.logs.String()
		for _, o := range q.outcomesOf(id) {
			text += o.Attempt.Error
		}
		if !strings.Contains(text, "https://hooks.example.com") || !strings.Contains(text, "delivery dead") {
			t.Errorf("the log does not say what failed:\n%s", text)
		}
		if leaks := []string{"secret-", vectorSecret[6:]}; slices.ContainsFunc(leaks, func(s string) bool { return strings.Contains(text, s) }) {
			t.Errorf("the log tells a secret:\n%s", text)
		}
	})
}

func TestRecorderRecordsInOrderAndInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		q.recordDelay = time.Second
		passes := func(error) bool { return false }
		r := newRecorder(&patientQueue{Queue: q, passes: passes}, func(err error) { t.Errorf("failed: %v", err) })
		of := &tenure{ctx: t.Context()}
		go r.run(t.Context())
		const n = 1000
		for range n {
			r.add(of, Outcome{Delivery: q.commit("ops", "a"), State: Delivered})
		}
		if err := r.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(q.outcomes) != n || q.batches > 1+n/maxBatch+1 {
			t.Errorf("%d recorded in %d batches after a flush", len(q.outcomes), q.batches)
		}
		if !slices.IsSortedFunc(q.outcomes, func(a, b Outcome) int { return int(a.Delivery - b.Delivery) }) {
			t.Error("recorded out of order")
		}
		r.finish()
	})
}
