package poller

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// mustBegin begins an attempt as a worker does: its context has its ticket.
func mustBegin(t *testing.T, l *Limiter, s *Source) (ctx context.Context, end func()) {
	t.Helper()
	w := &taker{ready: make(chan struct{}, 1)}
	w.ticket.owner = w
	if err := l.await(t.Context(), s.Limit, s.Cost, w); err != nil {
		t.Fatal(err)
	}
	if s.Limit == "" {
		return t.Context(), func() { l.release(&w.ticket) }
	}
	return &ticketContext{t.Context(), &w.ticket}, func() { l.release(&w.ticket) }
}

// answerOf is a header of names and values.
func answerOf(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// What answers say pauses the whole limit, for as long as they say.
func TestHeedPauses(t *testing.T) {
	t.Parallel()
	inMinute := func() string { return strconv.FormatInt(time.Now().Add(time.Minute).Unix(), 10) }
	tests := []struct {
		name   string
		limit  Limit
		status int
		header func() http.Header
		want   time.Duration
	}{
		{"nothing said", Limit{}, 200, func() http.Header { return answerOf() }, 0},
		{"some remain", Limit{}, 200, func() http.Header { return answerOf("RateLimit-Remaining", "5", "RateLimit-Reset", "60") }, 0},
		{"none remain of a success", Limit{}, 200, func() http.Header { return answerOf("RateLimit-Remaining", "0", "RateLimit-Reset", "60") }, time.Minute},
		{"none remain, it is not said for how long", Limit{}, 200, func() http.Header { return answerOf("RateLimit-Remaining", "0") }, time.Second},
		{"as many as are reserved remain", Limit{Reserve: 5}, 200, func() http.Header { return answerOf("RateLimit-Remaining", "5", "RateLimit-Reset", "60") }, time.Minute},
		{"none remain until an epoch time", Limit{}, 304, func() http.Header { return answerOf("X-RateLimit-Remaining", "0", "X-RateLimit-Reset", inMinute()) }, time.Minute},
		{"retry after seconds", Limit{}, 429, func() http.Header { return answerOf("Retry-After", "90") }, 90 * time.Second},
		{"retry after a date", Limit{}, 503, func() http.Header {
			return answerOf("Retry-After", time.Now().UTC().Add(90*time.Second).Format(http.TimeFormat))
		}, 90 * time.Second},
		{"retry at once", Limit{}, 429, func() http.Header { return answerOf("Retry-After", "0") }, time.Second},
		{"the longer of both", Limit{}, 429, func() http.Header {
			return answerOf("Retry-After", "5", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", inMinute())
		}, time.Minute},
		{"capped by max_retry_after", Limit{}, 429, func() http.Header { return answerOf("Retry-After", "999999") }, time.Hour},
		{"a reset is capped too", Limit{}, 200, func() http.Header { return answerOf("RateLimit", `"day";r=0;t=80000`) }, time.Hour},
		{"refused, but no word of how long", Limit{}, 429, func() http.Header { return answerOf() }, time.Second},
		{"the pace of the limit is the least", Limit{Requests: 6, Per: time.Minute}, 429, func() http.Header { return answerOf() }, 10 * time.Second},
		{"a secondary limit, while the first has more", Limit{}, 429, func() http.Header {
			return answerOf("X-RateLimit-Remaining", "4000", "X-RateLimit-Reset", inMinute())
		}, time.Second},
		{"forbidden", Limit{}, 403, func() http.Header { return answerOf() }, 0},
		{"forbidden by the limit", Limit{}, 403, func() http.Header { return answerOf("X-RateLimit-Remaining", "0", "X-RateLimit-Reset", inMinute()) }, time.Minute},
		{"broken", Limit{}, 500, func() http.Header { return answerOf() }, 0},
	}
	for _, tt := range tests {
		for _, limited := range []bool{true, false} {
			if !limited && tt.limit != (Limit{}) {
				continue
			}
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					limit := Limit{Name: "api", Requests: 6000, Per: time.Minute, Burst: 6000, Reserve: tt.limit.Reserve}
					if tt.limit.Requests > 0 {
						limit.Requests, limit.Per = tt.limit.Requests, tt.limit.Per
					}
					s := newSource("http://api.example/")
					if limited {
						s.Limit = "api"
					}
					l := mustStartLimiter(t, newMemoryBudgets(), limit)
					ctx, end := mustBegin(t, l, s)
					l.Heed(ctx, s, tt.status, tt.header())
					end()
					if got := max(0, time.Until(l.PausedUntil(s))); got != tt.want {
						t.Errorf("paused for %v, want %v", got, tt.want)
					}
				})
			})
		}
	}
}

// Refusals that do not say for how long are answered by longer and longer waits,
// until one request succeeds.
func TestHeedBacksOffByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 60, Per: time.Minute, Burst: 60})
		s := newSource("http://api.example/")
		s.Limit, s.Retry.MaxRetryAfter = "api", 10*time.Second
		var waits []time.Duration
		for _, status := range []int{429, 429, 429, 429, 429, 429, 500, 429, 200, 429} {
			ctx, end := mustBegin(t, l, s)
			l.Heed(ctx, s, status, answerOf())
			if status == 429 {
				// Another that comes while it holds is the same refusal.
				l.Heed(ctx, s, status, answerOf())
			}
			end()
			waits = append(waits, max(0, time.Until(l.PausedUntil(s))))
		}
		if d := cmp.Diff(seconds(1, 2, 4, 8, 10, 10, 0, 10, 0, 1), waits); d != "" {
			t.Error("pauses (-want +got):\n" + d)
		}
	})
}

// What others use of the same budget is not ours.
func TestHeedNarrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 100, Per: time.Hour, Burst: 100, Reserve: 10})
		s := newSource("http://api.example/")
		s.Limit = "api"
		left := func() int { return l.Limits()[0].Left }
		say := func(ctx context.Context, remaining int) {
			l.Heed(ctx, s, 200, answerOf("RateLimit-Remaining", strconv.Itoa(remaining), "RateLimit-Reset", "600"))
		}
		early, endEarly := mustBegin(t, l, s)
		ctx, end := mustBegin(t, l, s)
		// 15 remain, of which 10 are reserved, and the early one may not be
		// counted yet.
		say(ctx, 15)
		end()
		if left() != 4 {
			t.Errorf("%d left after it was said that 15 remain", left())
		}
		// An old answer knows nothing newer, and widens nothing.
		say(early, 99)
		endEarly()
		if left() != 4 {
			t.Errorf("%d left after an older answer", left())
		}
		wait(time.Second)
		start := time.Now()
		// A newer one knows better.
		ctx, end = mustBegin(t, l, s)
		say(ctx, 12)
		end()
		if left() != 2 {
			t.Errorf("%d left after it was said that 12 remain", left())
		}
		takeAll(t, l, "api", 2)
		if took := time.Since(start); took != 0 {
			t.Errorf("what is left was admitted after %v", took)
		}
		takeAll(t, l, "api", 1)
		if took := time.Since(start); took != 600*time.Second {
			t.Errorf("the next was admitted after %v, want the reset", took)
		}
		// More than we believe is left widens nothing.
		ctx, end = mustBegin(t, l, s)
		say(ctx, 5000)
		end()
		if want := 90 - 7; left() != want {
			t.Errorf("%d left, want %d", left(), want)
		}
	})
}

// A pause is not ended by an answer that was under way when it began.
func TestHeedLateAnswersDoNotUnpause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 100, Per: time.Second, Burst: 100})
		s := newSource("http://api.example/")
		s.Limit = "api"
		early, endEarly := mustBegin(t, l, s)
		ctx, end := mustBegin(t, l, s)
		l.Heed(ctx, s, 429, answerOf("Retry-After", "60"))
		end()
		l.Heed(early, s, 200, answerOf("RateLimit-Remaining", "99", "RateLimit-Reset", "1"))
		endEarly()
		if d := cmp.Diff(seconds(60), takeAll(t, l, "api", 1)); d != "" {
			t.Error("admitted at (-want +got):\n" + d)
		}
	})
}

// The window begins with the answer, not when all of it is read and dealt with.
func TestHeedBeginsTheWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 1, Per: time.Minute})
		s := newSource("http://api.example/")
		s.Limit = "api"
		ctx, end := mustBegin(t, l, s)
		wait(time.Second)
		l.Heed(ctx, s, 200, answerOf())
		wait(10 * time.Second)
		end()
		if d := cmp.Diff(seconds(50), takeAll(t, l, "api", 1)); d != "" {
			t.Error("admitted after the end (-want +got):\n" + d)
		}
	})
}

// After a pause one request goes first, and what it is answered decides about
// the others.
func TestHeedProbesAfterAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 100, Per: time.Minute, Burst: 100})
		s := newSource("http://api.example/")
		s.Limit = "api"
		ctx, end := mustBegin(t, l, s)
		l.Heed(ctx, s, 429, answerOf("Retry-After", "10"))
		end()
		begun := make(chan time.Duration)
		start := time.Now()
		probe, endProbe := mustBegin(t, l, s)
		go func() {
			for range 3 {
				_, end := mustBegin(t, l, s)
				begun <- time.Since(start)
				end()
			}
		}()
		wait(5 * time.Second)
		l.Heed(probe, s, 200, answerOf())
		endProbe()
		for range 3 {
			if at := <-begun; at != 15*time.Second {
				t.Errorf("another request was sent after %v, want it when the first is answered", at)
			}
		}
	})
}

// Where each time that is named for more requests proves too early, it is waited
// for longer and longer, up to a window, and as before once there are some.
func TestHeedWaitsLongerWhereNothingIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 60, Per: time.Minute, Burst: 60, Reserve: 10})
		s := newSource("http://api.example/")
		s.Limit = "api"
		var waits []time.Duration
		wait(time.Second)
		for _, remaining := range []string{"10", "9", "8", "7", "6", "5", "4", "3", "11", "10"} {
			ctx, end := mustBegin(t, l, s)
			l.Heed(ctx, s, 200, answerOf("RateLimit-Remaining", remaining, "RateLimit-Reset", "3"))
			end()
			waits = append(waits, max(0, time.Until(l.PausedUntil(s)).Round(time.Second)))
			wait(time.Millisecond)
		}
		if d := cmp.Diff(seconds(3, 3, 5, 10, 19, 38, 60, 60, 0, 3), waits); d != "" {
			t.Error("pauses (-want +got):\n" + d)
		}
	})
}
