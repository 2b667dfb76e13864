package poller

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// extendFunc is called before each redirect within the origin.
type extendFunc func()

func (e extendFunc) Extend(context.Context, string, int) error { e(); return nil }

// The lease goes while that is waited for which comes before a request: nothing is
// sent then, and the source is not to blame.
func TestNothingIsAskedThatIsNotHeld(t *testing.T) {
	t.Parallel()
	const base = "https://a.example"
	redirect := func(to string) *http.Response {
		return fakeAnswer(http.StatusFound, "", http.Header{"Location": {to}})
	}
	tests := []struct {
		name string
		auth Auth
		// lose is the path of the request with which the lease goes; empty where it
		// goes while the redirect waits for its turn.
		lose     string
		location string
		want     string
	}{
		{name: "token", auth: clientCredentials(base), lose: "/token", want: "/token"},
		{name: "login", auth: login(base), lose: "/login", want: "/login"},
		{name: "redirect", lose: "/", location: "/next", want: "/"},
		{name: "turn of a redirect", location: "/next", want: "/"},
		{name: "redirect to another host", lose: "/", location: "https://b.example/next", want: "/"},
	}
	for _, test := range tests {
		var held atomic.Bool
		held.Store(true)
		var asked []string
		server := &tokenServer{}
		network := fakeNetwork(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.URL.Path)
			if r.URL.Path == test.lose {
				held.Store(false)
			}
			if r.URL.Path == "/" && test.location != "" {
				return redirect(test.location), nil
			}
			return server.RoundTrip(r)
		})
		f := newFetcher(t, FetcherOptions{
			RoundTripper: network, Extender: extendFunc(func() { held.Store(false) }),
			Holds: func(s *Source) bool { return s.Name != "" && held.Load() },
		})
		s := newSource(base + "/")
		s.Request.Auth = test.auth
		o, err := f.Fetch(t.Context(), s, State{})
		fe := mustFail(t, o, err)
		if got := strings.Join(asked, " "); !errors.Is(fe, ErrElsewhere) || fe.Unreached || got != test.want {
			t.Errorf("%s: asked for %q, want %q: %v", test.name, got, test.want, fe)
		}
	}
}

// A refresh token may be used up by another node: none is shown where it may be.
// Once this node may ask again it does so at once.
func TestNoTokenIsObtainedThatIsNotHeld(t *testing.T) {
	t.Parallel()
	for _, auth := range []Auth{clientCredentials(authBase), refreshToken(authBase), login(authBase)} {
		synctest.Test(t, func(t *testing.T) {
			var held atomic.Bool
			server := &tokenServer{rotates: true, refresh: firstRefresh}
			b := newBench(t, server)
			b.tokens = NewTokens(TokensOptions{Store: b.store, Key: sealingKey, Holds: func(id string) bool {
				return held.Load() || id != CredentialIDs(auth, Route{})[0]
			}})
			b.fetcher = newFetcher(t, FetcherOptions{RoundTripper: server, Tokens: b.tokens})
			for range 3 {
				if err := b.fetch(t, 0, auth); err == nil || !errors.Is(err, ErrElsewhere) || b.asked() != 0 {
					t.Errorf("%d were asked for: %v", b.asked(), err)
				}
			}
			held.Store(true)
			begun := time.Now()
			if err := b.fetch(t, 0, auth); err != nil || time.Since(begun) != 0 {
				t.Errorf("once it is held again, after %v: %v", time.Since(begun), err)
			}
			if err := b.tokens.Stop(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		})
	}
}
