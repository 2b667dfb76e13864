package poller

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// cableNetwork answers every request, or none, and keeps when it was asked.
type cableNetwork struct {
	mu    sync.Mutex
	cut   bool
	start time.Time
	asked []string
}

func (c *cableNetwork) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, fmt.Sprintf("%s%s %v", r.URL.Host, r.URL.Path, time.Since(c.start).Round(time.Second)))
	if c.cut && r.URL.Host == "dead.example" {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	return fakeAnswer(200, "x", nil), nil
}

func (c *cableNetwork) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut, c.asked = cut, nil
}

// count returns how often a path was asked.
func (c *cableNetwork) count(path string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, asked := range c.asked {
		if strings.HasPrefix(asked, path+" ") {
			n++
		}
	}
	return n
}

// hostRig polls sources of a host that can be cut off.
type hostRig struct {
	*Scheduler
	limiter  *Limiter
	network  *cableNetwork
	observer *ledger
}

func newHostRig(t *testing.T, sources ...*Source) *hostRig {
	t.Helper()
	r := &hostRig{network: &cableNetwork{start: time.Now()}, observer: &ledger{}}
	r.limiter = mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 100_000, Per: time.Hour, Burst: 100_000})
	p := NewPoller(PollerOptions{
		Fetcher:  newFetcher(t, FetcherOptions{RoundTripper: r.network, Heed: r.limiter.Heed, Extender: r.limiter}),
		Observer: r.observer, Pauses: r.limiter,
	})
	r.Scheduler = NewScheduler(SchedulerOptions{Poll: p.Poll, Gate: p, Limiter: r.limiter, Runs: newMemoryRuns()})
	r.Apply(sources)
	t.Cleanup(func() {
		if err := r.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	mustStart(t, r.Scheduler)
	return r
}

// failures returns how many polls of a source were told as failed, and how many
// of those because nothing was sent.
func (r *hostRig) failures(source string) (all, held int) {
	r.observer.mu.Lock()
	defer r.observer.mu.Unlock()
	for _, told := range r.observer.told {
		if strings.HasPrefix(told, "fail "+source+": ") {
			all++
			if strings.Contains(told, "does not answer, next try in ") {
				held++
			}
		}
	}
	return all, held
}

func hostSource(t *testing.T, name, rawURL, schedule string) *Source {
	s := newSource(rawURL)
	s.Name, s.Schedule, s.Limit = name, mustSchedule(t, schedule, time.UTC, name), "api"
	s.FailureThreshold = 5
	s.Retry.MaxAttempts = 1
	return s
}

// All sources of a dead host are held back together, with one probe at a time,
// longer and longer, and take no budget; other hosts are not concerned, and the
// first answer opens it.
func TestADeadHostIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sources []*Source
		for i := range 10 {
			sources = append(sources, hostSource(t, fmt.Sprint("s", i), fmt.Sprintf("http://dead.example/%d", i%2), "@every 10s"))
		}
		sources = append(sources, hostSource(t, "other", "http://dead.example:8080/", "@every 10s"))
		r := newHostRig(t, sources...)
		wait(time.Minute)
		r.network.set(true)
		used := r.limiter.Limits()[0].Used
		wait(2 * time.Hour)
		asked := r.network.count("dead.example/0") + r.network.count("dead.example/1")
		// Five polls, and then 30 s, 1 min, 2, 4, 8 and 15 from there on.
		if asked < 5+9 || asked > 5+13 {
			t.Errorf("%d requests to a dead host in two hours: %v", asked, r.network.asked)
		}
		others := r.network.count("dead.example:8080/")
		if others < 719 {
			t.Errorf("%d requests to another port", others)
		}
		if s := r.limiter.Limits()[0]; used+asked+others < s.Used || s.Waiting > 0 || s.UnderWay > 0 {
			t.Errorf("%d requests took %d of the budget, %d wait and %d are under way", asked+others, s.Used-used, s.Waiting, s.UnderWay)
		}
		if all, held := r.failures("s3"); all < 700 || held < 690 {
			t.Errorf("of 720 polls %d were told as failed, %d of them as not sent", all, held)
		}
		r.network.set(false)
		wait(20 * time.Minute)
		for _, path := range []string{"dead.example/0", "dead.example/1"} {
			if n := r.network.count(path); n < 5*6*2 {
				t.Errorf("%s was asked %d times within 20 minutes of its return", path, n)
			}
		}
	})
}

// A source that is seldom due, and one that somebody asks for, are always sent.
func TestADeadHostIsAskedNevertheless(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		daily := hostSource(t, "daily", "http://dead.example/daily", "@every 24h")
		daily.Retry = Retry{MaxAttempts: 3, WaitMin: time.Second, WaitMax: time.Second}
		r := newHostRig(t, daily, hostSource(t, "often", "http://dead.example/often", "@every 1m"), hostSource(t, "asked", "http://dead.example/asked", "0 0 1 1 *"))
		wait(10 * time.Second)
		r.network.set(true)
		wait(10 * 24 * time.Hour)
		if n := r.network.count("dead.example/daily"); n != 10*3 {
			t.Errorf("the daily source was asked %d times in ten days, want each time with its retries", n)
		}
		before := r.network.count("dead.example/often")
		if err := r.Trigger("often"); err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		if n := r.network.count("dead.example/often"); n != before+1 {
			t.Errorf("%d requests after it was asked for", n-before)
		}
		r.network.set(false)
		if err := r.Trigger("asked"); err != nil {
			t.Fatal(err)
		}
		wait(time.Minute + time.Second)
		if n := r.network.count("dead.example/often"); n != 1 {
			t.Errorf("%d requests in the minute after the host answered another source", n)
		}
	})
}

func TestHosts(t *testing.T) {
	t.Parallel()
	now := time.Now()
	source := func(rawURL string, threshold int) *Source {
		s := newSource(rawURL)
		s.FailureThreshold = threshold
		return s
	}
	hs := &hosts{sick: map[string]*host{}}
	few, many := source("https://API.example/a", 2), source("https://api.example:443/b", 9)
	if hs.failed(many, now) != 0 || hs.held(few, now) != nil {
		t.Error("down after one failure")
	}
	wait := hs.failed(few, now)
	if wait < firstHostWait || wait > firstHostWait*6/5 {
		t.Errorf("left alone for %v after as many failures as the least threshold", wait)
	}
	if down := hs.held(many, now); down == nil || down.Host != "https://api.example:443" || !down.Next.Equal(now.Add(wait)) {
		t.Errorf("held: %v", down)
	}
	if other := source("http://api.example/", 1); hs.held(other, now) != nil {
		t.Error("another scheme is held too")
	}
	// One probe at a time, and one that comes to nothing holds nobody for good.
	for range 3 {
		now = now.Add(wait)
		if hs.held(few, now) != nil || hs.held(few, now) == nil || hs.held(many, now) == nil {
			t.Fatal("not one probe, and one only")
		}
		wait = firstHostWait * 6 / 5
	}
	for range 100 {
		wait = hs.failed(few, now)
	}
	if wait < maxHostWait || wait > maxHostWait*6/5 {
		t.Errorf("left alone for %v after many failures", wait)
	}
	if !hs.answered(many) || hs.answered(many) || hs.held(few, now) != nil {
		t.Error("an answer does not open it")
	}
	if s := source("https://x.example/", 0); hs.failed(s, now) != 0 {
		t.Error("without a threshold one failure is enough")
	}
}

// What is no silence of the source's own host is not held against it.
func TestWhatIsNoSilence(t *testing.T) {
	t.Parallel()
	network := &hostSwitch{hosts: map[string]http.HandlerFunc{
		"a.example": redirectTo(302, "https://b.example/"),
		"c.example": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	}}
	failing := fakeNetwork(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "b.example" || r.URL.Host == "d.example" {
			return nil, errors.New("connection refused")
		}
		return network.RoundTrip(r)
	})
	f := newFetcher(t, FetcherOptions{RoundTripper: failing})
	for rawURL, want := range map[string]bool{
		"https://a.example/": false, "https://c.example/": false, "https://d.example/": true, "%zz": false,
	} {
		o, err := f.Fetch(t.Context(), newSource(rawURL), State{})
		if fe := mustFail(t, o, err); fe.Unreached != want {
			t.Errorf("%s: %v counts as silence: %t", rawURL, fe, fe.Unreached)
		}
	}
}

// A page is an answer: where the probe of a dead host has more than one, the
// first of them opens it.
func TestAPageOpensADeadHost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &book{manner: manners()[0], pages: pagesOf(1, 1, 1)}
		cut := true
		got := &reader{}
		p := NewPoller(PollerOptions{Observer: got, Fetcher: newFetcher(t, FetcherOptions{
			RoundTripper: fakeNetwork(func(r *http.Request) (*http.Response, error) {
				if cut {
					return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
				}
				return handlerNetwork(b.ServeHTTP).RoundTrip(r)
			}),
		})})
		s := newSource("http://api.example/orders")
		s.Pagination, s.Items, s.Retry.MaxAttempts = &b.manner.pagination, "data", 1
		for range defaultHostThreshold {
			pollOnce(t, p, s)
		}
		if p.Held(s) == nil {
			t.Fatal("the host is not held")
		}
		cut = false
		wait(2 * firstHostWait)
		for request := 1; ; request++ {
			if err := p.Held(s); err != nil {
				t.Fatalf("request %d is held: %v", request, err)
			}
			if !p.Poll(t.Context(), s, request).More {
				break
			}
		}
		if len(got.ids) != 3 {
			t.Errorf("items %v, failures %q", got.ids, got.fails)
		}
	})
}
