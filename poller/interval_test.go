package poller

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// keepingAway is a poll that takes a while, and whose answer asks for an interval.
func keepingAway(took, interval time.Duration) func(context.Context, *Source, int) Outcome {
	return func(ctx context.Context, _ *Source, _ int) Outcome {
		_ = pause(ctx, took)
		return Outcome{Interval: interval}
	}
}

// Runs that come too early for the last answer are put off, and not dropped: one
// that asks for the very interval of the schedule costs no run.
func TestIntervalPutsRunsOff(t *testing.T) {
	t.Parallel()
	const took = 300 * time.Millisecond
	for _, tt := range []struct {
		name     string
		interval time.Duration
		polls    int // in an hour
	}{
		{"none", 0, 61},
		{"less than the schedule", 30 * time.Second, 61},
		{"that of the schedule", time.Minute, 60},
		{"more than the schedule", 150 * time.Second, 24},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, newMemoryRuns())
				r.polls.do = keepingAway(took, tt.interval)
				r.Apply([]*Source{source(t, "a", "* * * * *")})
				mustStart(t, r.Scheduler)
				wait(time.Hour + time.Second)
				got := r.polls.take()
				if len(got) != tt.polls {
					t.Errorf("%d polls in an hour, want %d", len(got), tt.polls)
				}
				for i := 1; i < len(got); i++ {
					if gap := got[i].At - got[i-1].At - took; gap < tt.interval {
						t.Fatalf("poll at %v, %v after the end of the one before", got[i].At, gap)
					}
				}
				if n := r.Dropped(); n != 0 {
					t.Errorf("%d runs dropped", n)
				}
			})
		})
	}
}

// Who asks for a poll gets it as soon as the last answer allows, also one that
// was asked for while a poll was under way; the time is shown.
func TestIntervalHoldsForTriggers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemoryRuns())
		r.polls.do = keepingAway(10*time.Second, time.Minute)
		r.Apply([]*Source{source(t, "a", "@yearly")})
		mustStart(t, r.Scheduler)
		trigger := func() {
			if err := r.Trigger("a"); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		wait(30 * time.Second) // 20 s after the end of the first poll
		trigger()
		trigger()
		if next, _ := r.NextRun("a"); next.Sub(r.polls.start).Truncate(time.Second) != 70*time.Second {
			t.Errorf("next run after %v", next.Sub(r.polls.start))
		}
		wait(45 * time.Second)
		trigger() // while the second is under way
		wait(time.Hour)
		r.polls.mu.Lock()
		r.polls.do = keepingAway(0, 0)
		r.polls.mu.Unlock()
		trigger() // long after: at once, and from now on nothing is asked for
		trigger()
		var got []time.Duration
		for _, m := range r.polls.take() {
			got = append(got, m.At.Truncate(time.Second))
		}
		want := []time.Duration{0, 70 * time.Second, 140 * time.Second, 75*time.Second + time.Hour, 75*time.Second + time.Hour}
		if d := cmp.Diff(want, got); d != "" {
			t.Error("polls (-want +got):\n" + d)
		}
	})
}

// The while that an answer asks for is one on the monotonic clock.
func TestIntervalOutlivesAClockThatIsSet(t *testing.T) {
	t.Parallel()
	hour := int64(time.Hour)
	e := &entry{source: &Source{Schedule: every{period: time.Minute}}, next: 10 * hour, fireAt: 10 * hour, notBefore: 10*hour + int64(2*time.Minute), retryAt: noRun}
	e.clockSet(-5*hour, 5*hour)
	if want := 5*hour + int64(2*time.Minute); e.due != want {
		t.Errorf("due at %v, want %v", time.Duration(e.due), time.Duration(want))
	}
}

// Every answer is heard, whatever it says besides: the longest interval of a poll
// counts, but no longer than a pause may be.
func TestPollTellsInterval(t *testing.T) {
	t.Parallel()
	header := func(seconds string) []string { return []string{"X-Poll-Interval", seconds} }
	next := append(header("60"), "Link", `<http://api.example/?page=2>; rel="next"`)
	for _, tt := range []struct {
		name    string
		answers []func() (*http.Response, error)
		pages   bool
		want    time.Duration
	}{
		{"none", []func() (*http.Response, error){answering(200, "x")}, false, 0},
		{"good", []func() (*http.Response, error){answering(200, "x", header("60")...)}, false, time.Minute},
		{"not modified", []func() (*http.Response, error){answering(304, "", header("60")...)}, false, time.Minute},
		{"refused", []func() (*http.Response, error){answering(404, "", header("90")...)}, false, 90 * time.Second},
		{"too long", []func() (*http.Response, error){answering(200, "x", header("86400")...)}, false, time.Hour},
		{"pages", []func() (*http.Response, error){answering(200, "[1]", next...), answering(200, "[2]", header("120")...)}, true, 2 * time.Minute},
		{"the last page silent", []func() (*http.Response, error){answering(200, "[1]", next...), answering(200, "[2]")}, true, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSource("http://api.example/")
			if tt.pages {
				s.Pagination = &Pagination{Kind: HeaderLink, MaxPages: 5}
				s.Items = "@this"
			}
			p := NewPoller(PollerOptions{Fetcher: newFetcher(t, FetcherOptions{RoundTripper: &script{answers: tt.answers}}), Observer: &ledger{}})
			p.SetState(s.Name, State{ETag: `"1"`})
			o := Outcome{More: true}
			for request := 1; o.More; request++ {
				o = p.Poll(t.Context(), s, request)
			}
			if o.Interval != tt.want || o.RetryAfter != 0 {
				t.Errorf("interval %v, want %v", o.Interval, tt.want)
			}
		})
	}
}
