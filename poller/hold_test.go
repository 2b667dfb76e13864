package poller

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// holdRig is a poller without a schedule, on a network that can be cut off.
func holdRig(t *testing.T) (*Poller, *cableNetwork, *Limiter) {
	t.Helper()
	network := &cableNetwork{start: time.Now()}
	limiter := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 100, Per: time.Hour, Burst: 100})
	p := NewPoller(PollerOptions{
		Fetcher:  newFetcher(t, FetcherOptions{RoundTripper: network, Heed: limiter.Heed, Extender: limiter}),
		Observer: &ledger{}, Pauses: limiter,
	})
	return p, network, limiter
}

// Out of turn, even a source that is due once a day leaves a dead host alone,
// and whoever finds the wait passed is the one that tries it.
func TestHoldOfADeadHost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, network, _ := holdRig(t)
		daily := hostSource(t, "daily", "http://dead.example/a", "@daily")
		daily.Limit = ""
		beside := hostSource(t, "beside", "http://dead.example/b", "@daily")
		if wait := p.Hold(daily); wait > 0 {
			t.Fatalf("held for %v before anything failed", wait)
		}
		network.set(true)
		for range daily.FailureThreshold {
			p.Poll(t.Context(), daily, 1)
		}
		wait := p.Hold(daily)
		if wait < firstHostWait || wait > 2*firstHostWait {
			t.Fatalf("held for %v after the host went down", wait)
		}
		if p.Held(daily) != nil {
			t.Error("its own run of the day is held too")
		}
		if other := p.Hold(hostSource(t, "other", "http://dead.example:8080/", "@daily")); other > 0 {
			t.Errorf("another host is held for %v", other)
		}
		<-time.After(wait)
		if again := p.Hold(beside); again > 0 {
			t.Errorf("held for %v when the wait had passed", again)
		}
		if again := p.Hold(daily); again < firstHostWait {
			t.Errorf("held for %v while another source tries the host", again)
		}
		network.set(false)
		p.Poll(t.Context(), beside, 1)
		if again := p.Hold(daily); again > 0 {
			t.Errorf("held for %v though the host answers", again)
		}
	})
}

// A source without a limit is left alone while it asked for that; one with a
// limit is not held, since it waits there.
func TestHoldOfAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, _, limiter := holdRig(t)
		for _, limit := range []string{"", "api"} {
			s := hostSource(t, "s"+limit, "http://busy.example/", "@daily")
			s.Limit = limit
			limiter.Heed(t.Context(), s, http.StatusTooManyRequests, http.Header{"Retry-After": {"600"}})
			wait := p.Hold(s)
			if limit == "" && (wait <= 9*time.Minute || wait > 20*time.Minute) || limit != "" && wait > 0 {
				t.Errorf("with the limit %q held for %v", limit, wait)
			}
			<-time.After(20 * time.Minute)
			if wait := p.Hold(s); wait > 0 {
				t.Errorf("with the limit %q held for %v after the pause", limit, wait)
			}
		}
	})
}
