package notify

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestPoisonUsesUpItsOwnAttemptsOnly: the receiver refuses one event and takes
// the others. Neither the breaker nor anybody's schedule is touched by that.
func TestPoisonUsesUpItsOwnAttemptsOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		poison := q.commit("ops", "a")
		behind := q.commit("ops", "a")
		rec := &receiver{answer: func(p post) (int, map[string]string, error) {
			if p.position() == poison {
				return http.StatusBadRequest, nil, nil
			}
			return 200, nil, nil
		}}
		e := sickEndpoint(t)
		e.Breaker.Failures, e.DisableAfter = 1, time.Second
		r := newRig(q, rec, e)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(30 * time.Second)
		other := q.commit("ops", "b")
		r.Wake("ops")
		synctest.Wait()
		if _, state := q.row(other); state != Delivered || r.statusOf(t, "ops").Breaker != BreakerClosed {
			t.Errorf("the other lane's delivery is %s; status %+v", state, r.statusOf(t, "ops"))
		}
		<-time.After(time.Minute)
		d, state := q.row(poison)
		if state != Dead || d.Attempts != 3 || d.Posts != 3 {
			t.Errorf("the poison is %s after %d attempts, %d posts", state, d.Attempts, d.Posts)
		}
		for _, id := range []int64{behind, other} {
			if d, state := q.row(id); state != Delivered || d.Posts != 1 || d.Attempts != 0 {
				t.Errorf("delivery %d is %s after %d attempts, %d posts", id, state, d.Attempts, d.Posts)
			}
		}
		<-time.After(2 * time.Minute)
		if got := r.untold(); !slices.Equal(got, []string{EndpointFailing, EndpointRecovered}) {
			t.Errorf("others were told %v, want that a delivery is dead, and that it goes on", got)
		}
	})
}

// TestDisableAfter of nothing but failures, for endpoints of all kinds.
func TestDisableAfter(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	for name, tc := range map[string]struct {
		after time.Duration
		// attempts are when there was one, and its status; 0 is no connection.
		at     []time.Duration
		status []int
		want   bool
	}{
		"away all the time":     {5 * hour, []time.Duration{0, 2 * hour, 5 * hour}, []int{0, 503, 0}, true},
		"not long enough":       {5 * hour, []time.Duration{0, 2 * hour, 5*hour - 1}, []int{0, 503, 0}, false},
		"one success":           {5 * hour, []time.Duration{0, 2 * hour, 5 * hour}, []int{0, 200, 0}, false},
		"never":                 {0, []time.Duration{0, 24 * hour}, []int{0, 0}, false},
		"a removed route":       {5 * hour, []time.Duration{0, 2 * hour, 5 * hour}, []int{404, 404, 404}, true},
		"nothing was tried":     {5 * hour, []time.Duration{0, 100 * hour}, []int{0, 0}, false},
		"tried now and then":    {50 * hour, []time.Duration{0, 20 * hour, 40 * hour, 60 * hour}, []int{0, 0, 0, 0}, true},
		"the clock is set back": {5 * hour, []time.Duration{0, -9 * hour, -3 * hour}, []int{0, 0, 0}, true},
	} {
		e := Endpoint{Enabled: true, DisableAfter: tc.after}
		start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		h := newHealth(&e, EndpointState{Name: "ops"}, start)
		for i, at := range tc.at {
			var err error
			if tc.status[i] == 0 {
				err = errRefused
			}
			h.take(finding{verdict: Judge(tc.status[i], err, 0), delivery: int64(i + 1), reason: "why"}, start.Add(at))
		}
		if h.state.Disabled != tc.want || (h.state.Untold == EndpointDisabled) != tc.want {
			t.Errorf("%s: state %+v, want disabled: %t", name, h.state, tc.want)
		}
		if tc.want && !strings.HasSuffix(h.state.Reason, "the last one: why") {
			t.Errorf("%s: the reason is %q", name, h.state.Reason)
		}
	}
}

// TestOneDeliveryDoesNotDisable an endpoint that answers: it may be the event.
func TestOneDeliveryDoesNotDisable(t *testing.T) {
	t.Parallel()
	e := Endpoint{Enabled: true, DisableAfter: time.Hour}
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	h := newHealth(&e, EndpointState{Name: "ops"}, start)
	for hours := range 24 {
		h.take(finding{verdict: Judge(400, nil, 0), delivery: 7}, start.Add(time.Duration(hours)*time.Hour))
	}
	if h.state.Disabled {
		t.Error("disabled for one event")
	}
	h.take(finding{verdict: Judge(400, nil, 0), delivery: 8}, start.Add(24*time.Hour))
	if !h.state.Disabled {
		t.Error("not disabled, though it refuses another one too")
	}
}

// TestDisabledForItsFailuresAndEnabled through the dispatcher, over a restart.
func TestDisabledForItsFailuresAndEnabled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), newMoody(500)
		id := q.commit("ops", "a")
		e := sickEndpoint(t)
		e.Breaker.Failures, e.DisableAfter = 1, 2*time.Hour
		r := newRig(q, &rec.receiver, e)
		r.mustStart(t)
		<-time.After(time.Hour)
		r.mustStop(t)
		if got := r.untold(); !slices.Equal(got, []string{EndpointFailing}) {
			t.Errorf("others were told %v", got)
		}
		r = newRig(q, &rec.receiver, e)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(3 * time.Hour)
		posts := len(rec.seen())
		s := r.statusOf(t, "ops")
		if !s.Disabled || !strings.HasPrefix(s.Reason, "nothing but failures for 2h0m0s") || s.Breaker != BreakerClosed {
			t.Errorf("status %+v", s)
		}
		if got := r.untold(); !slices.Equal(got, []string{EndpointDisabled}) {
			t.Errorf("others were told %v", got)
		}
		<-time.After(100 * time.Hour)
		if d, state := q.row(id); state != Waiting || d.Attempts != 1 || len(rec.seen()) != posts {
			t.Errorf("the delivery is %s with %d attempts, %d posts since", state, d.Attempts, len(rec.seen())-posts)
		}
		rec.turn(200, 0)
		if err := r.Enable(t.Context(), "ops"); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Minute)
		if _, state := q.row(id); state != Delivered {
			t.Errorf("the delivery is %s", state)
		}
		if got := r.untold(); !slices.Equal(got, []string{EndpointRecovered}) {
			t.Errorf("others were told %v", got)
		}
	})
}

// TestEndpointThatComesAndGoesIsToldOnce, not at every turn.
func TestEndpointThatComesAndGoesIsToldOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		var n atomic.Int64
		var well atomic.Bool
		rec := &receiver{answer: func(post) (int, map[string]string, error) {
			if n.Add(1)%5 != 0 && !well.Load() {
				return 503, nil, nil
			}
			return 200, nil, nil
		}}
		e := sickEndpoint(t)
		e.MaxInFlight = 1
		r := newRig(q, rec, e)
		r.mustStart(t)
		defer r.mustStop(t)
		for range 1000 {
			q.commit("ops", "")
			r.Wake("ops")
			<-time.After(5 * time.Second)
		}
		if got := r.untold(); !slices.Equal(got, []string{EndpointFailing}) {
			t.Errorf("others were told %d times, want once", len(got))
		}
		well.Store(true)
		<-time.After(10 * time.Minute)
		if got := r.untold(); !slices.Equal(got, []string{EndpointRecovered}) {
			t.Errorf("others were told %v once it is well", got)
		}
	})
}

// TestAlertIsToldAgainUntilItIsTold, across a crash too.
func TestAlertIsToldAgainUntilItIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), newMoody(http.StatusGone)
		q.commit("ops", "a")
		r := newRig(q, &rec.receiver, testEndpoint(t, "ops"))
		var calls atomic.Int64
		r.options.Alert = func(context.Context, EndpointState) error {
			calls.Add(1)
			return errors.New("database is full")
		}
		r.mustStart(t)
		<-time.After(35 * time.Second)
		if n := calls.Load(); n != 4 {
			t.Errorf("tried %d times in 35 seconds, want one in ten", n)
		}
		if s := q.savedState("ops"); s.Untold != EndpointDisabled || !s.Disabled {
			t.Errorf("saved %+v", s)
		}
		r.mustStop(t)
		r = newRig(q, &rec.receiver, testEndpoint(t, "ops"))
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		if s := <-r.alerts; s.Untold != EndpointDisabled || s.Reason != ReasonGone {
			t.Errorf("told %+v after the restart", s)
		}
		if s := q.savedState("ops"); s.Untold != "" || !s.Told {
			t.Errorf("saved %+v once it was told", s)
		}
	})
}

// TestDeathIsToldThoughItsOutcomeIsNotYetRecorded: were it the other way round,
// a crash between the two would lose the alert.
func TestDeathIsToldThoughItsOutcomeIsNotYetRecorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), newMoody(http.StatusBadRequest)
		q.recordDelay = time.Hour
		id := q.commit("ops", "a")
		e := testEndpoint(t, "ops")
		e.Retry = RetryPolicy{}
		r := newRig(q, &rec.receiver, e)
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		if _, state := q.row(id); state != Waiting {
			t.Fatalf("recorded as %s", state)
		}
		if s := q.savedState("ops"); !s.Told || !strings.Contains(s.Reason, "dead") {
			t.Errorf("saved %+v", s)
		}
	})
}

// TestHealthIsSavedOnTransitionsOnly: neither success nor one failure among many
// costs a write.
func TestHealthIsSavedOnTransitionsOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), newMoody(404)
		e := sickEndpoint(t)
		e.Retry.Schedule = slices.Repeat([]time.Duration{time.Minute}, 600)
		r := newRig(q, &rec.receiver, e)
		r.mustStart(t)
		defer r.mustStop(t)
		for n := range 100 {
			rec.turn([]int{404, 200}[n%2], 0)
			q.commit("ops", lanes(100)[n])
			r.Wake("ops")
			<-time.After(time.Second)
		}
		if n := q.stateSaves(); n != 0 {
			t.Errorf("%d writes for failures that pass", n)
		}
		rec.turn(200, 0)
		<-time.After(5 * time.Minute)
		before := q.stateSaves()
		rec.turn(404, 0)
		q.commit("ops", "")
		r.Wake("ops")
		<-time.After(5*time.Hour + time.Second)
		if n := q.stateSaves() - before; n < 2 || n > 6 {
			t.Errorf("%d writes for five hours of failures, want about one an hour", n)
		}
		if s := q.savedState("ops"); s.FailingSince.IsZero() || time.Since(s.FailedAt) > time.Hour+time.Minute {
			t.Errorf("saved %+v", s)
		}
	})
}

// TestSavedTimesOfAnotherClock do not hold an endpoint back for longer than its
// configuration can.
func TestSavedTimesOfAnotherClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	e := Endpoint{
		Enabled: true, Retry: RetryPolicy{MaxRetryAfter: time.Hour},
		Breaker: Breaker{Failures: 1, Cooldown: time.Second, MaxCooldown: time.Minute},
	}
	ahead := now.AddDate(1, 0, 0)
	h := newHealth(&e, EndpointState{PausedUntil: ahead, OpenUntil: ahead, Cooldown: time.Minute, FailingSince: ahead, FailedAt: ahead}, now)
	s := h.state
	if !s.PausedUntil.Equal(now.Add(time.Hour)) || !s.OpenUntil.Equal(now.Add(time.Minute)) || !s.FailingSince.Equal(now) {
		t.Errorf("state %+v", s)
	}
}

// TestWellEndpointIsToldAfterARestart that came within the calm.
func TestWellEndpointIsToldAfterARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		since := time.Now().Add(-time.Hour)
		q.states["ops"] = EndpointState{Name: "ops", Told: true, Reason: "status 503", Since: since, Failures: 9}
		r := newRig(q, &receiver{}, testEndpoint(t, "ops"))
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(2 * time.Minute)
		s := <-r.alerts
		if s.Untold != EndpointRecovered || s.Reason != "status 503" || !s.Since.Equal(since) || s.Failures != 9 {
			t.Errorf("told %+v", s)
		}
		if got := q.savedState("ops"); got != (EndpointState{Name: "ops"}) {
			t.Errorf("saved %+v", got)
		}
	})
}
