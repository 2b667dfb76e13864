package poller

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A redirect goes on under a limit of one request at a time, before those that
// wait for it to end, and is counted and paced like any request.
func TestExtend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 4, Per: time.Minute, Burst: 1, Concurrency: 1})
		s := newSource("http://api.example/")
		s.Limit = "api"
		start := time.Now()
		ctx, end := mustBegin(t, l, s)
		next := make(chan time.Duration)
		go func() {
			takeAll(t, l, "api", 1)
			next <- time.Since(start)
		}()
		synctest.Wait()
		for range 2 {
			l.Heed(ctx, s, 302, answerOf())
			if err := l.Extend(ctx, "api", 1); err != nil {
				t.Fatal(err)
			}
		}
		if status := l.Limits()[0]; status.UnderWay != 1 || status.Used != 3 {
			t.Errorf("%d under way and %d used by a request with two redirects", status.UnderWay, status.Used)
		}
		wait(5 * time.Second)
		l.Heed(ctx, s, 200, answerOf())
		end()
		if at := <-next; time.Since(start) != 45*time.Second {
			t.Errorf("the next request was sent after %v, want three times the pace", at)
		}
		// The window of the last redirect began with its answer.
		wait(15*time.Second - 1)
		if used := l.Limits()[0].Used; used != 4 {
			t.Errorf("%d used before the first has left the window", used)
		}
		wait(5*time.Second - 1)
		if used := l.Limits()[0].Used; used != 2 {
			t.Errorf("%d used within a minute of the last answer", used)
		}
	})
}

func TestExtendErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := mustStartLimiter(t, newMemoryBudgets(), Limit{Name: "api", Requests: 1, Per: time.Hour})
		if err := l.Extend(t.Context(), "", 1); err != nil {
			t.Errorf("no limit: %v", err)
		}
		if err := l.Extend(t.Context(), "other", 1); !errors.Is(err, ErrUnknownLimit) {
			t.Errorf("unknown limit: %v", err)
		}
		if err := l.Extend(t.Context(), "api", 1); err != nil {
			t.Errorf("outside of an attempt: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := l.Extend(ctx, "api", 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the limit is used up: %v", err)
		}
	})
}

// extensions is an Extender that keeps what it is asked.
type extensions struct {
	mu    sync.Mutex
	asked []string
	err   error
}

func (e *extensions) Extend(ctx context.Context, limit string, cost int) error {
	e.mu.Lock()
	e.asked = append(e.asked, strings.Repeat(limit+" ", cost))
	e.mu.Unlock()
	if e.err != nil {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return nil
}

// Redirects are counted within the source's origin, where the limit is about.
func TestRedirectsAreCounted(t *testing.T) {
	t.Parallel()
	network := &hostSwitch{hosts: map[string]http.HandlerFunc{
		"a.example": func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/":
				redirectTo(302, "/2")(w, r)
			case "/2":
				redirectTo(307, "https://a.example:443/3")(w, r)
			default:
				redirectTo(302, "https://b.example/")(w, r)
			}
		},
		"b.example": say("there"),
	}}
	network.hosts["a.example:443"] = network.hosts["a.example"]
	asked := &extensions{}
	var heard []int
	s := newSource("https://a.example/")
	s.Limit, s.Cost = "api", 2
	f := newFetcher(t, FetcherOptions{RoundTripper: network, Extender: asked, Heed: func(_ context.Context, _ *Source, status int, _ http.Header) {
		heard = append(heard, status)
	}})
	mustFetch(t, f, s, State{}).Release()
	if got := strings.Join(asked.asked, "|"); got != "api api |api api " {
		t.Errorf("asked for %q", got)
	}
	if len(heard) != 3 || heard[0] != 302 || heard[1] != 307 || heard[2] != 302 {
		t.Errorf("heeded the answers %v, want those of the source's origin", heard)
	}
}

// A redirect that its limit does not let through in time says so.
func TestRedirectWaitsForTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := &hostSwitch{hosts: map[string]http.HandlerFunc{"a.example": redirectTo(302, "/again")}}
		s := newSource("https://a.example/")
		s.Limit = "api"
		f := newFetcher(t, FetcherOptions{RoundTripper: network, Extender: &extensions{err: errDisk}})
		o, err := f.Fetch(t.Context(), s, State{})
		fe := mustFail(t, o, err)
		const want = `timed out after 5s waiting for rate limit "api" to let a redirect through; set request.url to where it leads`
		if !strings.Contains(fe.Error(), want) || !errors.Is(fe, ErrTimeout) {
			t.Errorf("got %v, want %s", fe, want)
		}
	})
}
