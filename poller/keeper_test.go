package poller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// bench is a fetcher, and the server that it asks without a network.
type bench struct {
	server  *tokenServer
	fetcher *Fetcher
	tokens  *Tokens
	store   *memoryStore
}

func newBench(t *testing.T, server *tokenServer) *bench {
	t.Helper()
	if server.refresh == "" {
		server.refresh = firstRefresh
	}
	b := &bench{server: server, store: new(memoryStore)}
	b.restart(t)
	return b
}

// restart forgets all that was not saved.
func (b *bench) restart(t *testing.T) {
	t.Helper()
	b.tokens = newTokens(t, b.store)
	b.fetcher = newFetcher(t, FetcherOptions{RoundTripper: b.server, Tokens: b.tokens})
}

// fetch asks as one of many sources with the same credentials.
func (b *bench) fetch(t *testing.T, n int, auth Auth) *FetchError {
	t.Helper()
	s := authSource("https://api.example", auth)
	s.Name = fmt.Sprint(n)
	o, err := b.fetcher.Fetch(t.Context(), s, State{})
	if err == nil {
		o.Release()
		return nil
	}
	return mustFail(t, o, err)
}

func (b *bench) mustFetch(t *testing.T, auth Auth) {
	t.Helper()
	if err := b.fetch(t, 0, auth); err != nil {
		t.Fatal(err)
	}
}

// asked returns how many tokens were asked for.
func (b *bench) asked() int {
	asked, _, _ := b.server.counts()
	return asked
}

// However many wait for a token, it is asked for once.
func TestTokenIsAskedForOnce(t *testing.T) {
	t.Parallel()
	for _, auth := range []Auth{clientCredentials("https://l.example"), refreshToken("https://l.example"), login("https://l.example")} {
		b := newBench(t, &tokenServer{})
		var all sync.WaitGroup
		for n := range 100 {
			all.Go(func() {
				if err := b.fetch(t, n, auth); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if asked, served, _ := b.server.counts(); asked != 1 || served != 100 {
			t.Errorf("%T: %d token requests for %d requests", auth, asked, served)
		}
	}
}

// Other credentials have a token of their own, and so have those that go another
// way; a refresh token is one whichever way it goes.
func TestTokensAreOfTheirCredentials(t *testing.T) {
	t.Parallel()
	b := newBench(t, &tokenServer{})
	other := clientCredentials("https://l.example")
	other.Scopes = []string{"c"}
	for n, auth := range []Auth{clientCredentials("https://l.example"), other, login("https://l.example"), refreshToken("https://l.example")} {
		b.mustFetch(t, auth)
		if b.asked() != n+1 {
			t.Errorf("%d token requests for %d credentials", b.asked(), n+1)
		}
	}
	for _, auth := range []Auth{other, refreshToken("https://l.example")} {
		s := authSource("https://api.example", auth)
		s.Request.Route = Route{ServerName: "api"}
		if o, err := b.fetcher.Fetch(t.Context(), s, State{}); err == nil {
			o.Release()
		}
	}
	if b.asked() != 5 {
		t.Errorf("%d token requests, want 5", b.asked())
	}
}

// A token is kept until shortly before its end: a tenth of its lifetime, a
// minute at most.
func TestTokenIsRenewedBeforeItsEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lifetime int
		kept     time.Duration
	}{{100, 90 * time.Second}, {3600, 59 * time.Minute}, {1, 900 * time.Millisecond}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, &tokenServer{lifetime: tt.lifetime})
			auth := clientCredentials("https://l.example")
			b.mustFetch(t, auth)
			<-time.After(tt.kept - time.Millisecond)
			b.mustFetch(t, auth)
			if b.asked() != 1 {
				t.Errorf("lifetime %d: renewed too early", tt.lifetime)
			}
			<-time.After(time.Millisecond)
			b.mustFetch(t, auth)
			if _, _, refused := b.server.counts(); b.asked() != 2 || refused != 0 {
				t.Errorf("lifetime %d: %d token requests, %d refused", tt.lifetime, b.asked(), refused)
			}
		})
	}
}

// Without an end a token is kept for ever; near its end it serves on where no
// other can be had.
func TestTokenServesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &tokenServer{})
		b.mustFetch(t, clientCredentials("https://l.example"))
		<-time.After(10000 * time.Hour)
		b.mustFetch(t, clientCredentials("https://l.example"))
		if b.asked() != 1 {
			t.Errorf("%d token requests for a token without an end", b.asked())
		}
		b.server.answer = func(n int) *http.Response {
			if n > 3 {
				return fakeAnswer(http.StatusServiceUnavailable, "down", nil)
			}
			return nil
		}
		b.server.lifetime = 600
		b.mustFetch(t, login("https://l.example"))
		b.server.revoke()
		b.mustFetch(t, refreshToken("https://l.example"))
		<-time.After(550 * time.Second)
		b.mustFetch(t, refreshToken("https://l.example"))
		b.mustFetch(t, refreshToken("https://l.example"))
		if b.asked() != 4 {
			t.Errorf("%d token requests, want one of the last two", b.asked())
		}
		<-time.After(51 * time.Second)
		if err := b.fetch(t, 0, refreshToken("https://l.example")); !errors.Is(err, ErrToken) || !err.Retryable {
			t.Errorf("error %v after the end of the token", err)
		}
	})
}

// The end of one waiter is not the end of what all wait for.
func TestTokenWaitRespectsItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &tokenServer{}
		hold := make(chan struct{})
		slow := fakeNetwork(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/token" {
				select {
				case <-hold:
				case <-r.Context().Done():
					return nil, context.Cause(r.Context())
				}
			}
			return server.RoundTrip(r)
		})
		f := newFetcher(t, FetcherOptions{RoundTripper: slow, Tokens: newTokens(t, nil)})
		s := authSource("https://api.example", clientCredentials("https://l.example"))
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			o, err := f.Fetch(ctx, s, State{})
			if fe := mustFail(t, o, err); !errors.Is(fe, context.Canceled) || fe.Retryable {
				t.Errorf("error %v after the end of its context", fe)
			}
		})
		synctest.Wait()
		all.Go(func() {
			o, err := f.Fetch(t.Context(), s, State{})
			if err != nil {
				t.Error(err)
				return
			}
			o.Release()
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(hold)
		all.Wait()
		if asked, _, _ := server.counts(); asked != 1 {
			t.Errorf("%d token requests", asked)
		}
	})
}

// A server that never answers is given up after the source's timeout.
func TestTokenRequestTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		silent := fakeNetwork(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, context.Cause(r.Context())
		})
		f := newFetcher(t, FetcherOptions{RoundTripper: silent, Tokens: newTokens(t, nil)})
		start := time.Now()
		o, err := f.Fetch(t.Context(), authSource("https://api.example", clientCredentials("https://l.example")), State{})
		fe := mustFail(t, o, err)
		if !fe.Retryable || time.Since(start) != 5*time.Second || !strings.Contains(fe.Error(), "token") {
			t.Errorf("error %v after %s", fe, time.Since(start))
		}
	})
}

// A token that is refused is replaced once, however many find it refused, and
// one that replaced it not again at once.
func TestRefusedTokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &tokenServer{})
		auth := clientCredentials("https://l.example")
		b.mustFetch(t, auth)
		b.server.revoke()
		for n := range 10 {
			if err := b.fetch(t, n, auth); n == 0 && (err == nil || !err.Renewed || err.Status != 401 || err.Retryable) {
				t.Errorf("error %v of the first", err)
			} else if n > 0 && err != nil {
				t.Errorf("error %v of another", err)
			}
		}
		if b.asked() != 2 {
			t.Errorf("%d token requests for one revocation", b.asked())
		}
		b.server.broken = true
		for n := range 10 {
			if err := b.fetch(t, n, auth); err == nil || err.Renewed {
				t.Errorf("error %v, want a refusal that no token helps against", err)
			}
		}
		<-time.After(minReplaced)
		if err := b.fetch(t, 0, auth); err == nil || !err.Renewed || b.asked() != 2 {
			t.Errorf("error %v, %d token requests, a minute later", err, b.asked())
		}
	})
}

// A source whose server refuses every token asks for one more in each poll, not
// for each of its attempts.
func TestPollRenewsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &tokenServer{})
		seen := new(ledger)
		p := NewPoller(PollerOptions{Fetcher: b.fetcher, Observer: seen})
		s := authSource("https://api.example", clientCredentials("https://l.example"))
		poll := func() (requests int) {
			for requests = 1; ; requests++ {
				o := p.Poll(t.Context(), s, requests)
				if !o.More && o.RetryAfter == 0 {
					return requests
				}
				<-time.After(o.RetryAfter)
			}
		}
		if n := poll(); n != 1 || len(seen.told) != 1 {
			t.Errorf("%d requests, told %v", n, seen.told)
		}
		b.server.revoke()
		if n := poll(); n != 2 || len(seen.told) != 2 || strings.Contains(seen.told[1], "fail") || b.asked() != 2 {
			t.Errorf("%d requests, %d tokens, told %v after one was revoked", n, b.asked(), seen.told)
		}
		<-time.After(time.Hour)
		b.server.broken = true
		if n := poll(); n != 2 || len(seen.told) != 3 || !strings.Contains(seen.told[2], "fail") || b.asked() != 3 {
			t.Errorf("%d requests, %d tokens, told %v", n, b.asked(), seen.told)
		}
	})
}

// However many sources have a credential that fails, its server is asked once
// for each wait, which grows.
func TestFailingTokenServerIsSpared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &tokenServer{answer: func(int) *http.Response { return fakeAnswer(503, "down", nil) }})
		var at []time.Duration
		start := time.Now()
		for range 200 {
			before := b.asked()
			for n := range 20 {
				if err := b.fetch(t, n, clientCredentials("https://l.example")); err == nil || !errors.Is(err, ErrToken) || !err.Retryable {
					t.Fatalf("error %v", err)
				}
			}
			if after := b.asked(); after > before {
				at = append(at, time.Since(start))
			}
			<-time.After(time.Second)
		}
		want := "[0s 1s 3s 7s 15s 31s 1m3s 2m3s 3m3s]"
		if got := fmt.Sprint(at); got != want || b.asked() != len(at) {
			t.Errorf("asked at %s, want %s; %d requests", got, want, b.asked())
		}
	})
}

// A token server's Retry-After is obeyed, and pauses nothing but it.
func TestTokenServerAsksForAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &tokenServer{answer: func(n int) *http.Response {
			if n == 1 {
				return fakeAnswer(429, "slow down", http.Header{"Retry-After": {"30"}})
			}
			return nil
		}})
		limiter := NewLimiter(LimiterOptions{})
		p := NewPoller(PollerOptions{Fetcher: b.fetcher, Observer: new(ledger), Pauses: limiter})
		s := authSource("https://api.example", clientCredentials("https://l.example"))
		o := p.Poll(t.Context(), s, 1)
		if o.RetryAfter != 30*time.Second || !limiter.PausedUntil(s).IsZero() {
			t.Errorf("outcome %+v, paused until %s", o, limiter.PausedUntil(s))
		}
		<-time.After(o.RetryAfter)
		if o = p.Poll(t.Context(), s, 2); o != (Outcome{}) || b.asked() != 2 {
			t.Errorf("outcome %+v, %d token requests", o, b.asked())
		}
	})
}

// After Stop no token is obtained, and requests under way come to their end.
func TestTokensStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &tokenServer{rotates: true})
		b.mustFetch(t, refreshToken("https://l.example"))
		for range 2 {
			if err := b.tokens.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		}
		b.mustFetch(t, refreshToken("https://l.example"))
		if err := b.fetch(t, 1, clientCredentials("https://l.example")); err == nil || !strings.Contains(err.Error(), "tokens are stopped") {
			t.Errorf("error %v after Stop", err)
		}
	})
}

// Credentials that nobody has any more, since a reload has put others in their
// place, leave nothing behind; those of refresh tokens stay to be saved.
func TestUnusedTokensAreForgotten(t *testing.T) {
	t.Parallel()
	b := newBench(t, &tokenServer{})
	b.mustFetch(t, refreshToken("https://l.example"))
	for i := range 20 {
		auth := login("https://l.example")
		auth.Header = http.Header{"X-Tenant": {"shop"}, "X-Version": {fmt.Sprint(i)}}
		b.mustFetch(t, auth)
	}
	kept := func() int {
		b.tokens.mu.Lock()
		defer b.tokens.mu.Unlock()
		return len(b.tokens.keepers)
	}
	for range 1000 {
		if runtime.GC(); kept() == 2 {
			return
		}
	}
	t.Errorf("%d tokens are kept, want 2", kept())
}
