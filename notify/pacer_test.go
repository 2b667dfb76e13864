package notify

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestPacerKeepsTheLimitInEveryWindow draws limits, changes of them and answers
// that take their time. Each attempt arrives at some time between its beginning
// and its end, of which the worst is as good as any.
func TestPacerKeepsTheLimitInEveryWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		limit := RateLimit{
			Requests: rapid.IntRange(1, 20).Draw(rt, "requests"),
			Per:      time.Duration(rapid.IntRange(1, 5000).Draw(rt, "per")) * time.Millisecond,
			Burst:    rapid.IntRange(0, 25).Draw(rt, "burst"),
		}
		var p pacer
		now := time.Now()
		p.configure(limit, now)
		var arrived, sent []time.Time
		var ends []time.Time
		for range rapid.IntRange(1, 100).Draw(rt, "attempts") {
			for {
				at, ok := p.next(now)
				if ok && !at.After(now) {
					break
				}
				if !ok || len(ends) > 0 && ends[0].Before(at) {
					at = ends[0]
				}
				now = at
				for len(ends) > 0 && !ends[0].After(now) {
					p.end(now)
					ends = ends[1:]
				}
			}
			p.begin(now)
			sent = append(sent, now)
			took := time.Duration(rapid.IntRange(0, 3000).Draw(rt, "takes")) * time.Millisecond
			ends = append(ends, now.Add(took))
			slices.SortFunc(ends, time.Time.Compare)
			arrived = append(arrived, now.Add(time.Duration(rapid.Float64Range(0, 1).Draw(rt, "arrives")*float64(took))))
			now = now.Add(time.Duration(rapid.IntRange(0, 500).Draw(rt, "idle")) * time.Millisecond)
			for len(ends) > 0 && !ends[0].After(now) {
				p.end(now)
				ends = ends[1:]
			}
		}
		slices.SortFunc(arrived, time.Time.Compare)
		for i := limit.Requests; i < len(arrived); i++ {
			if d := arrived[i].Sub(arrived[i-limit.Requests]); d < limit.Per {
				rt.Fatalf("%d arrived within %s, the limit is %+v", limit.Requests+1, d, limit)
			}
		}
		burst := min(max(limit.Burst, 1), limit.Requests)
		for i := burst; i < len(sent); i++ {
			if d, least := sent[i].Sub(sent[i-burst]), limit.Per/time.Duration(limit.Requests); d < least {
				rt.Fatalf("%d were sent within %s, want %s: %+v", burst+1, d, least, limit)
			}
		}
		if most := paceGrain + 2; len(p.log) > most {
			rt.Fatalf("%d entries are remembered, want at most %d", len(p.log), most)
		}
	})
}

// TestRateLimitIsKeptAndUsedUp posts a long queue under a limit, through a stop
// and a reload.
func TestRateLimitIsKeptAndUsedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, rec := newMemQueue(), &receiver{}
		for range 100 {
			q.commit("ops", "")
		}
		e := testEndpoint(t, "ops")
		e.Order, e.RateLimit = OrderNone, RateLimit{Requests: 10, Per: time.Second, Burst: 5}
		start := time.Now()
		r := newRig(q, rec, e)
		r.mustStart(t)
		<-time.After(time.Second - time.Millisecond)
		if got := len(rec.seen()); got != 10 {
			t.Errorf("%d posts within the first second, want 10", got)
		}
		r.mustStop(t)
		r.mustStart(t)
		r.Apply([]Endpoint{e})
		synctest.Wait()
		if got := len(rec.seen()); got != 10 {
			t.Errorf("%d posts after a stop and a start, want no other", got)
		}
		<-time.After(9*time.Second + 100*time.Millisecond - time.Since(start) + time.Second)
		if got := q.count(Delivered); got != 100 {
			t.Errorf("%d delivered after ten windows, want all", got)
		}
		defer r.mustStop(t)
		posts := rec.seen()
		for i := 10; i < len(posts); i++ {
			if d := posts[i].at.Sub(posts[i-10].at); d < time.Second {
				t.Fatalf("post %d came %s after the tenth before it", i, d)
			}
		}
		e.RateLimit = RateLimit{}
		r.Apply([]Endpoint{e})
		for range 30 {
			q.commit("ops", "")
		}
		r.Wake()
		synctest.Wait()
		if got := q.count(Delivered); got != 130 {
			t.Errorf("%d delivered once there is no limit, want all", got)
		}
	})
}

// TestRateLimitWaitsForSlowAnswers has a receiver that may have got what it does
// not answer at any time.
func TestRateLimitWaitsForSlowAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newMemQueue()
		rec := &receiver{delay: func(post) time.Duration { return 10 * time.Second }}
		for range 9 {
			q.commit("ops", "")
		}
		e := testEndpoint(t, "ops")
		e.Order, e.RateLimit = OrderNone, RateLimit{Requests: 3, Per: time.Second, Burst: 3}
		r := newRig(q, rec, e)
		r.mustStart(t)
		defer r.mustStop(t)
		<-time.After(10*time.Second + 999*time.Millisecond)
		if got := len(rec.seen()); got != 3 {
			t.Errorf("%d posts before the first answers are a window old, want 3", got)
		}
		<-time.After(time.Minute)
		if got := q.count(Delivered); got != 9 {
			t.Errorf("%d delivered, want 9", got)
		}
	})
}
