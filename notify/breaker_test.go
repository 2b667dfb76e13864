package notify

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sickEndpoint has a breaker that opens at the third failure, and a schedule
// that ends soon.
func sickEndpoint(tb testing.TB) Endpoint {
	tb.Helper()
	e := testEndpoint(tb, "ops")
	e.Breaker = Breaker{Failures: 3, Cooldown: 30 * time.Second, MaxCooldown: 4 * time.Minute}
	return e
}

// moody is a receiver that answers what the test says at the time.
type moody struct {
	receiver

	mood    sync.Mutex
	code    int
	headers map[string]string
	err     error
	slow    time.Duration
}

func newMoody(code int) *moody {
	w := &moody{code: code}
	w.answer = func(post) (int, map[string]string, error) {
		w.mood.Lock()
		defer w.mood.Unlock()
		return w.code, w.headers, w.err
	}
	w.delay = func(post) time.Duration {
		w.mood.Lock()
		defer w.mood.Unlock()
		return w.slow
	}
	return w
}

// turn makes it answer a code from now on, after some time.
func (w *moody) turn(code int, slow time.Duration) {
	w.mood.Lock()
	defer w.mood.Unlock()
	w.code, w.headers, w.err, w.slow = code, nil, nil, slow
}

// moments are when the posts came, since the first.
func (w *moody) moments() []time.Duration {
	posts := w.seen()
	moments := make([]time.Duration, len(posts))
	for i, p := range posts {
		moments[i] = p.at.Sub(posts[0].at)
	}
	return moments
}

func (r *rig) statusOf(t *testing.T, name string) EndpointStatus {
	t.Helper()
	for _, s := range r.Status() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no status of %s", name)
	return EndpointStatus{}
}

// untold are the types of the alerts so far.
func (r *rig) untold() []string {
	var types []string
	for {
		select {
		case s := <-r.alerts:
			types = append(types, s.Untold)
		default:
			return types
		}
	}
}

// TestBreakerOpensAndProbes: one attempt after each cooldown, which doubles up
// to its longest, none of them counted; then everything at once.
func TestBreakerOpensAndProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), newMoody(0)
		rec.err = errRefused
		for _, l := range lanes(10) {
			q.commit("ops", l)
		}
		e := sickEndpoint(t)
		e.MaxInFlight = 1
		r := newRig(q, &rec.receiver, e)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(20 * time.Minute)
		want := []time.Duration{0, 0, 0}
		for _, minutes := range []float64{0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5} {
			want = append(want, time.Duration(minutes*float64(time.Minute)))
		}
		if got := rec.moments(); !slices.Equal(got, want) {
			t.Errorf("posted at %v, want %v", got, want)
		}
		attempts := 0
		for id := int64(1); id <= 10; id++ {
			d, state := q.row(id)
			if attempts += d.Attempts; state != Waiting {
				t.Errorf("delivery %d is %s", id, state)
			}
		}
		if attempts != 3 {
			t.Errorf("%d attempts counted, want those before the breaker opened", attempts)
		}
		s := r.statusOf(t, "ops")
		if s.Breaker != BreakerOpen || s.Failures != 10 || s.Cooldown != 4*time.Minute || !s.Told || s.Reason == "" {
			t.Errorf("status %+v", s)
		}

		rec.turn(204, 0)
		<-time.After(4 * time.Minute)
		if got := q.count(Delivered); got != 10 {
			t.Errorf("%d delivered once the receiver is back, want all", got)
		}
		if s := r.statusOf(t, "ops"); s.Breaker != BreakerClosed || s.Cooldown != 0 || !s.FailingSince.IsZero() {
			t.Errorf("status %+v", s)
		}
		<-time.After(2 * time.Minute)
		if got := r.untold(); !slices.Equal(got, []string{EndpointFailing, EndpointRecovered}) {
			t.Errorf("others were told %v", got)
		}
	})
}

// TestHalfOpenBreakerLetsOneThrough while the probe is slow and much is due.
func TestHalfOpenBreakerLetsOneThrough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), newMoody(503)
		for _, l := range lanes(40) {
			q.commit("ops", l)
		}
		r := newRig(q, &rec.receiver, sickEndpoint(t))
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		before := len(rec.seen())
		if before < 3 || before > defaultMaxInFlight+2 {
			t.Fatalf("%d posts before the breaker opened", before)
		}
		rec.turn(503, 10*time.Second)
		<-time.After(35 * time.Second)
		s := r.statusOf(t, "ops")
		if s.Breaker != BreakerHalfOpen || s.InFlight != 1 || len(rec.seen()) != before+1 {
			t.Errorf("status %+v, %d posts; want one probe", s, len(rec.seen()))
		}
		rec.turn(200, 10*time.Second)
		<-time.After(6 * time.Second)
		if s := r.statusOf(t, "ops"); s.Breaker != BreakerClosed || s.InFlight != defaultMaxInFlight {
			t.Errorf("status %+v, want it closed and busy", s)
		}
	})
}

// TestBreakerSurvivesARestart with the time that is left of its cooldown.
func TestBreakerSurvivesARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), newMoody(500)
		for _, l := range lanes(3) {
			q.commit("ops", l)
		}
		r := newRig(q, &rec.receiver, sickEndpoint(t))
		r.mustStart(t)
		<-time.After(31 * time.Second) // the first probe failed: a minute from here
		r.mustStop(t)
		posts := len(rec.seen())
		<-time.After(10 * time.Second)
		r = newRig(q, &rec.receiver, sickEndpoint(t))
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(48 * time.Second)
		if s := r.statusOf(t, "ops"); s.Breaker != BreakerOpen || s.Cooldown != time.Minute || len(rec.seen()) != posts {
			t.Errorf("status %+v, %d posts since", s, len(rec.seen())-posts)
		}
		<-time.After(2 * time.Second)
		if s := r.statusOf(t, "ops"); s.Cooldown != 2*time.Minute || len(rec.seen()) != posts+1 {
			t.Errorf("status %+v, %d posts since; want a probe that failed", s, len(rec.seen())-posts)
		}
		if got := r.untold(); got != nil {
			t.Errorf("others were told again: %v", got)
		}
	})
}

// TestBreakerOfAnEditedEndpoint: a new URL is tried at once, a shorter cooldown
// holds at once, and without a breaker there is none.
func TestBreakerOfAnEditedEndpoint(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(*Endpoint)
		wait time.Duration
	}{
		"another URL":        {func(e *Endpoint) { e.URL = "https://new.example.com/hook" }, 0},
		"a shorter cooldown": {func(e *Endpoint) { e.Breaker.MaxCooldown, e.Breaker.Cooldown = 5*time.Second, time.Second }, 5 * time.Second},
		"no breaker":         {func(e *Endpoint) { e.Breaker = Breaker{} }, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			q, rec := newMemQueue(), newMoody(500)
			for _, l := range lanes(6) {
				q.commit("ops", l)
			}
			e := sickEndpoint(t)
			e.MaxInFlight = 1
			r := newRig(q, &rec.receiver, e)
			r.mustStart(t)
			defer r.mustStop(t)
			<-time.After(4 * time.Minute) // the next probe is due in three and a half
			posts := len(rec.seen())
			rec.turn(200, 0)
			tc.edit(&e)
			r.Apply([]Endpoint{e})
			<-time.After(tc.wait)
			synctest.Wait()
			if n := len(rec.seen()) - posts; n != 6 || q.count(Delivered) != 6 {
				t.Errorf("%s: %d posts, %d delivered after %s", name, n, q.count(Delivered), tc.wait)
			}
		})
	}
}

// TestResumeLetsTheBreakerTryAtOnce, for an operator who has repaired the receiver.
func TestResumeLetsTheBreakerTryAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), newMoody(500)
		for _, l := range lanes(5) {
			q.commit("ops", l)
		}
		r := newRig(q, &rec.receiver, sickEndpoint(t))
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(5 * time.Minute)
		posts := len(rec.seen())
		if err := r.Resume(t.Context(), "ops"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := len(rec.seen()) - posts; n != 1 {
			t.Errorf("%d posts to a receiver that still fails, want one", n)
		}
		rec.turn(200, 0)
		if err := r.Resume(t.Context(), "ops"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := q.count(Delivered); n != 5 {
			t.Errorf("%d delivered, want all", n)
		}
	})
}

// TestRefusedBurstIsNoOutage: sixteen attempts under way that one limit refuses
// are one failure, and cost no attempt.
func TestRefusedBurstIsNoOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), newMoody(http.StatusTooManyRequests)
		rec.headers = map[string]string{"Retry-After": "60"}
		for _, l := range lanes(40) {
			q.commit("ops", l)
		}
		r := newRig(q, &rec.receiver, sickEndpoint(t))
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		if s := r.statusOf(t, "ops"); s.Breaker != BreakerClosed || s.Failures == 0 || s.PausedUntil.IsZero() {
			t.Errorf("status %+v, want it paused, the breaker closed", s)
		}
		rec.turn(200, 0)
		<-time.After(61 * time.Second)
		if got := q.count(Delivered); got != 40 {
			t.Errorf("%d delivered after the pause", got)
		}
		for _, p := range q.outcomes {
			if p.Attempts != 0 {
				t.Fatalf("delivery %d used up %d attempts", p.Delivery, p.Attempts)
			}
		}
		if got := r.untold(); got != nil {
			t.Errorf("others were told %v", got)
		}
	})
}

// TestBreakerWithoutCooldown waits all the same: its probes cost no attempt, so
// nothing else would hold it back.
func TestBreakerWithoutCooldown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), newMoody(500)
		q.commit("ops", "a")
		e := testEndpoint(t, "ops")
		e.Breaker = Breaker{Failures: 1}
		r := newRig(q, &rec.receiver, e)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(10 * time.Second)
		if n := len(rec.seen()); n < 9 || n > 12 {
			t.Errorf("%d posts in ten seconds, want one a second", n)
		}
	})
}
