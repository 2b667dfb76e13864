package notify

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestWholeRetrySchedule is the schedule that endpoints have by default, over
// its 76 hours, for many deliveries beside each other: each wait is within its
// jitter, spread over all of it, and after the last one the delivery is dead.
func TestWholeRetrySchedule(t *testing.T) {
	t.Parallel()
	schedule := []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
	const deliveries, jitter = 60, 0.2
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{answer: status(http.StatusBadRequest)}
		for _, l := range lanes(deliveries) {
			q.commit("ops", l)
		}
		e := testEndpoint(t, "ops")
		e.Retry = RetryPolicy{Schedule: schedule, Jitter: jitter, MaxRetryAfter: 24 * time.Hour}
		e.Breaker = Breaker{Failures: 5, Cooldown: 30 * time.Second, MaxCooldown: 30 * time.Minute}
		e.MaxInFlight = deliveries
		r := newRig(q, rec, e)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(100 * time.Hour)

		moments := make(map[int64][]time.Time)
		for _, p := range rec.seen() {
			moments[p.position()] = append(moments[p.position()], p.at)
		}
		least, most := make([]float64, len(schedule)), make([]float64, len(schedule))
		for id := int64(1); id <= deliveries; id++ {
			at := moments[id]
			if len(at) != len(schedule)+1 {
				t.Fatalf("delivery %d was posted %d times, want %d", id, len(at), len(schedule)+1)
			}
			for i, wait := range schedule {
				share := float64(at[i+1].Sub(at[i]))/float64(wait) - 1
				least[i], most[i] = min(least[i], share), max(most[i], share)
			}
			if d, state := q.row(id); state != Dead || d.Attempts != len(schedule)+1 || !d.NotBefore.Equal(at[len(schedule)]) {
				t.Errorf("delivery %d is %s after %d attempts, since %s", id, state, d.Attempts, d.NotBefore)
			}
		}
		// With so many, one that is spread evenly misses an outer tenth on a side
		// once in 500 runs of a wait; half of the jitter it never does.
		for i := range schedule {
			if least[i] < -jitter || most[i] > jitter || least[i] > -jitter/2 || most[i] < jitter/2 {
				t.Errorf("wait %d was spread over %.3f to %.3f", i+1, least[i], most[i])
			}
		}
	})
}

// TestOutageOfAMonthKillsNothing: no delivery dies of a receiver that is
// away for a month, since a breaker that is open uses up no attempts.
func TestOutageOfAMonthKillsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), newMoody(0)
		rec.err = errRefused
		const deliveries = 200
		for _, l := range lanes(deliveries) {
			q.commit("ops", l)
		}
		e := sickEndpoint(t)
		e.Breaker.Failures = 5
		r := newRig(q, &rec.receiver, e)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(30 * 24 * time.Hour)
		if n := q.count(Waiting); n != deliveries {
			t.Fatalf("%d of %d still wait", n, deliveries)
		}
		rec.turn(200, 0)
		<-time.After(time.Hour)
		if n := q.count(Delivered); n != deliveries {
			t.Errorf("%d of %d delivered", n, deliveries)
		}
	})
}
