package notify

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDispatcherPostsWhatWaitsAndWhatIsCommitted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		first := q.commit("ops", "a")
		r := newRig(q, rec, testEndpoint(t, "ops"))
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		second := q.commit("ops", "a")
		synctest.Wait()
		if got := rec.positions(); !slices.Equal(got, []int64{first}) {
			t.Fatalf("posted %v before the wake-up, want only the first", got)
		}
		r.Wake("ops", "unknown")
		synctest.Wait()
		if got := rec.positions(); !slices.Equal(got, []int64{first, second}) {
			t.Fatalf("posted %v, want both in order", got)
		}
		r.Wake() // any
		synctest.Wait()
		if got := q.count(Delivered); got != 2 || len(rec.seen()) != 2 {
			t.Errorf("%d recorded as delivered by %d posts, want 2 by 2", got, len(rec.seen()))
		}
		if s := r.Status(); len(s) != 1 || s[0].Held != 0 || s[0].Lanes != 0 || s[0].InFlight != 0 {
			t.Errorf("status %+v, want one idle endpoint that holds nothing", s)
		}
	})
}

func TestDispatcherFollowsTheRetrySchedule(t *testing.T) {
	t.Parallel()
	schedule := []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 24 * time.Hour}
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{answer: status(http.StatusServiceUnavailable)}
		e := testEndpoint(t, "ops")
		e.Retry = RetryPolicy{Schedule: schedule, Jitter: 0.2}
		id := q.commit("ops", "a")
		r := newRig(q, rec, e)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(72 * time.Hour)
		posts := rec.seen()
		if len(posts) != len(schedule)+1 {
			t.Fatalf("%d posts, want %d", len(posts), len(schedule)+1)
		}
		for i, wait := range schedule {
			got := posts[i+1].at.Sub(posts[i].at)
			if got < wait*8/10 || got > wait*12/10 {
				t.Errorf("wait %d took %s, want %s ± 20 %%", i+1, got, wait)
			}
			if posts[i].body != posts[i+1].body || posts[i].id != posts[i+1].id {
				t.Errorf("attempt %d posted another body or id", i+2)
			}
			if posts[i].header.Get(HeaderSignature) == posts[i+1].header.Get(HeaderSignature) {
				t.Errorf("attempt %d was not signed anew", i+2)
			}
			if posts[i].number != i+1 {
				t.Errorf("attempt %d calls itself %d", i+1, posts[i].number)
			}
		}
		d, state := q.row(id)
		if state != Dead || d.Posts != len(schedule)+1 || d.Attempts != len(schedule)+1 {
			t.Errorf("the delivery is %s after %d posts, %d attempts; want dead after all", state, d.Posts, d.Attempts)
		}
		if n := strings.Count(r.logs.String(), "level=WARN"); n != 2 {
			t.Errorf("%d warnings, want one of the first failure and one of the end:\n%s", n, r.logs)
		}
	})
}

func TestDeadDeliveryLetsItsLaneGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		bad, good, other := q.commit("ops", "a"), q.commit("ops", "a"), q.commit("ops", "b")
		rec := &receiver{answer: func(p post) (int, map[string]string, error) {
			if p.position() == bad {
				return 0, nil, errRefused
			}
			return 200, nil, nil
		}}
		r := newRig(q, rec, testEndpoint(t, "ops"))
		r.mustStart(t)
		defer r.mustStop(t)
		synctest.Wait()
		// The other lane does not wait for the retry.
		if _, state := q.row(other); state != Delivered {
			t.Errorf("the other lane's delivery is %s", state)
		}
		<-time.After(2 * time.Minute)
		want := []int64{bad, bad, bad, good}
		got := slices.DeleteFunc(rec.positions(), func(p int64) bool { return p == other })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("posts of the lane (-want +got):\n%s", diff)
		}
		if q.count(Dead) != 1 || q.count(Delivered) != 2 {
			t.Errorf("%d dead, %d delivered", q.count(Dead), q.count(Delivered))
		}
	})
}

func TestHangingEndpointHurtsNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		rec := &receiver{delay: func(p post) time.Duration {
			if p.endpoint == "sick" {
				return time.Hour
			}
			return time.Millisecond
		}}
		for range 100 {
			for _, l := range lanes(10) {
				q.commit("sick", l)
				q.commit("well", l)
			}
		}
		sick := testEndpoint(t, "sick")
		sick.MaxInFlight, sick.Timeout = 3, 10*time.Second
		r := newRig(q, rec, sick, testEndpoint(t, "well"))
		r.mustStart(t)
		<-time.After(time.Second)
		if got := q.count(Delivered); got != 1000 {
			t.Errorf("%d deliveries reached the endpoint that is well within a second, want 1000", got)
		}
		for _, s := range r.Status() {
			if s.Name == "sick" && s.InFlight != 3 {
				t.Errorf("%d attempts under way to the sick endpoint, want 3", s.InFlight)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Stop(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Stop gave %v, want to hear of what was cut short", err)
		}
	})
}

func TestRetryAfterPausesTheEndpointAcrossARestart(t *testing.T) {
	t.Parallel()
	for _, code := range []int{200, 429, 503} {
		synctest.Test(t, func(t *testing.T) {
			q := newMemQueue()
			first, second := q.commit("ops", "a"), q.commit("ops", "b")
			paused := true
			rec := &receiver{answer: func(post) (int, map[string]string, error) {
				if paused {
					return code, map[string]string{"Retry-After": "600"}, nil
				}
				return 204, nil, nil
			}}
			e := testEndpoint(t, "ops")
			e.MaxInFlight = 1
			start := time.Now()
			r := newRig(q, rec, e)
			r.mustStart(t)
			synctest.Wait()
			if got := rec.positions(); !slices.Equal(got, []int64{first}) {
				t.Fatalf("%d: posted %v, want one, then the pause", code, got)
			}
			r.mustStop(t)
			paused = false
			r = newRig(q, rec, e)
			r.mustStart(t)
			defer r.mustStop(t)
			<-time.After(599*time.Second - time.Since(start))
			if n := len(rec.seen()); n != 1 {
				t.Errorf("%d: %d posts during the pause", code, n)
			}
			<-time.After(2 * time.Second)
			if _, state := q.row(second); state != Delivered {
				t.Errorf("%d: the second delivery is %s after the pause", code, state)
			}
			d, state := q.row(first)
			wantAttempts := map[int]int{200: 0, 429: 0, 503: 1}[code]
			if state != Delivered || d.Attempts != wantAttempts {
				t.Errorf("%d: the first is %s with %d attempts counted, want %d", code, state, d.Attempts, wantAttempts)
			}
		})
	}
}

func TestRetryAfterIsCappedAndSetBackClocksAreSurvived(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		id := q.commit("ops", "a")
		// Both times were saved when the clock was a year ahead.
		q.set(id, func(d *Delivery) { d.NotBefore = time.Now().AddDate(1, 0, 0) })
		q.states["ops"] = EndpointState{Name: "ops", PausedUntil: time.Now().AddDate(1, 0, 0)}
		rec := &receiver{answer: func(p post) (int, map[string]string, error) {
			if p.number < 3 {
				return 429, map[string]string{"Retry-After": "99999999"}, nil
			}
			return 204, nil, nil
		}}
		r := newRig(q, rec, testEndpoint(t, "ops"))
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(4*time.Hour + time.Second)
		if _, state := q.row(id); state != Delivered {
			t.Errorf("the delivery is %s, want it delivered when the capped pauses are over", state)
		}
	})
}

func TestGoneDisablesTheEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		id := q.commit("ops", "a")
		q.commit("ops", "a")
		gone := true
		rec := &receiver{answer: func(post) (int, map[string]string, error) {
			if gone {
				return http.StatusGone, nil, nil
			}
			return 200, nil, nil
		}}
		e := testEndpoint(t, "ops")
		r := newRig(q, rec, e)
		r.mustStart(t)
		<-time.After(time.Hour)
		if n := len(rec.seen()); n != 1 {
			t.Fatalf("%d posts, want one", n)
		}
		if s := <-r.alerts; s.Untold != EndpointDisabled || s.Name != "ops" || !s.Disabled || s.Reason != ReasonGone || s.Since.IsZero() {
			t.Errorf("the alert says %+v", s)
		}
		d, state := q.row(id)
		if state != Waiting || d.Attempts != 0 || d.Posts != 1 {
			t.Errorf("the delivery is %s with %d attempts, %d posts; want it to wait", state, d.Attempts, d.Posts)
		}
		r.mustStop(t)

		r = newRig(q, rec, e)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(time.Hour)
		if n := len(rec.seen()); n != 1 {
			t.Fatalf("%d posts, want the endpoint to stay disabled after a restart", n)
		}
		gone = false
		if err := r.Enable(t.Context(), "ops"); err != nil {
			t.Fatalf("Enable: %v", err)
		}
		synctest.Wait()
		if got := q.count(Delivered); got != 2 {
			t.Errorf("%d delivered once it was enabled, want 2", got)
		}
		if s := <-r.alerts; s.Untold != EndpointRecovered || s.Reason != ReasonGone {
			t.Errorf("the alert says %+v, want it well again", s)
		}
		synctest.Wait()
		if got := q.savedState("ops"); got != (EndpointState{Name: "ops"}) {
			t.Errorf("saved state %+v, want nothing left", got)
		}
	})
}

func TestDisabledByHandAndByConfiguration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		e := testEndpoint(t, "ops")
		r := newRig(q, rec, e)
		r.mustStart(t)
		defer r.mustStop(t)
		if err := r.Disable(t.Context(), "ops", "maintenance"); err != nil {
			t.Fatalf("Disable: %v", err)
		}
		if got := q.savedState("ops"); !got.Disabled || got.Reason != "maintenance" {
			t.Errorf("saved state %+v", got)
		}
		q.commit("ops", "a")
		r.Wake("ops")
		off := e
		off.Enabled = false
		r.Apply([]Endpoint{off})
		if err := r.Enable(t.Context(), "ops"); err != nil {
			t.Fatalf("Enable: %v", err)
		}
		<-time.After(time.Hour)
		if n := len(rec.seen()); n != 0 {
			t.Fatalf("%d posts, want the configuration to win", n)
		}
		if s := r.Status(); s[0].Enabled || s[0].Disabled {
			t.Errorf("status %+v", s[0])
		}
		r.Apply([]Endpoint{e})
		synctest.Wait()
		if n := len(rec.seen()); n != 1 {
			t.Errorf("%d posts once it is enabled, want 1", n)
		}
		if err := r.Enable(t.Context(), "nobody"); !errors.Is(err, ErrUnknownEndpoint) {
			t.Errorf("Enable of an unknown endpoint gave %v", err)
		}
	})
}

func TestRestartHonoursNotBeforeAndCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		id := q.commit("ops", "a")
		behind := q.commit("ops", "a")
		due := time.Now().Add(30 * time.Second)
		q.set(id, func(d *Delivery) { d.NotBefore, d.Posts, d.Attempts, d.Replay = due, 4, 2, true })
		r := newRig(q, rec, testEndpoint(t, "ops"))
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(time.Minute)
		posts := rec.seen()
		if len(posts) != 2 || posts[0].position() != id || posts[1].position() != behind {
			t.Fatalf("posted %v, want the head, then the one behind it", rec.positions())
		}
		if !posts[0].at.Equal(due) || posts[0].number != 5 || posts[0].header.Get("Pollwire-Replay") != "true" {
			t.Errorf("posted at %s as number %d, replay %s; want %s, 5, true",
				posts[0].at, posts[0].number, posts[0].header.Get("Pollwire-Replay"), due)
		}
	})
}
