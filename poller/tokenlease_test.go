package poller

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// newNodes returns benches that ask one server, and share a store, whose tokens
// have to be adopted.
func newNodes(t *testing.T, server *tokenServer) (one, two *bench) {
	t.Helper()
	one = newBench(t, server)
	two = &bench{server: server, store: one.store}
	for _, b := range []*bench{one, two} {
		b.tokens = NewTokens(TokensOptions{
			Store: b.store, Key: sealingKey, Leased: true, Lost: func(err error) bool { return errors.Is(err, errNotHeld) },
		})
		t.Cleanup(func() {
			if err := b.tokens.Stop(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		})
		b.fetcher = newFetcher(t, FetcherOptions{RoundTripper: server, Tokens: b.tokens})
	}
	return one, two
}

func (b *bench) release(t *testing.T, auth Auth) {
	t.Helper()
	if err := b.tokens.Release(t.Context(), CredentialIDs(auth, Route{})); err != nil {
		t.Error(err)
	}
}

func (b *bench) mustBeElsewhere(t *testing.T, auth Auth) {
	t.Helper()
	asked := b.asked()
	err := b.fetch(t, 0, auth)
	if err == nil || !errors.Is(err, ErrElsewhere) || !errors.Is(err, ErrToken) || err.Retryable {
		t.Errorf("error %v", err)
	}
	if b.asked() != asked {
		t.Error("a token was asked for")
	}
}

// Tokens are obtained between the adoption of their credentials and its end. The
// heir goes on with the newest refresh token, whoever got that.
func TestTokensAreObtainedWhereTheyWereAdopted(t *testing.T) {
	t.Parallel()
	for _, auth := range []Auth{clientCredentials(authBase), refreshToken(authBase), login(authBase)} {
		one, two := newNodes(t, &tokenServer{rotates: true})
		ids := CredentialIDs(auth, Route{})
		one.mustBeElsewhere(t, auth)
		for range 3 {
			for _, b := range []*bench{one, two} {
				b.tokens.Adopt(ids)
				asked := b.asked()
				b.mustFetch(t, auth)
				b.mustFetch(t, auth)
				if n := b.asked() - asked; n != 1 {
					t.Errorf("%d tokens asked for", n)
				}
				b.release(t, auth)
				b.release(t, auth)
				b.mustBeElsewhere(t, auth)
			}
		}
	}
}

// A release waits for the request for a token, and cancels it when time is up.
func TestReleaseOfTokensWaits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		time time.Duration
		cut  bool
	}{{"in time", time.Minute, false}, {"cut", time.Second, true}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				auth := refreshToken(authBase)
				b, _ := newNodes(t, &tokenServer{rotates: true})
				b.fetcher = newFetcher(t, FetcherOptions{Tokens: b.tokens, RoundTripper: fakeNetwork(func(r *http.Request) (*http.Response, error) {
					if r.URL.Path == "/token" {
						if err := pause(r.Context(), 3*time.Second); err != nil {
							return nil, err
						}
					}
					return b.server.RoundTrip(r)
				})})
				b.tokens.Adopt(CredentialIDs(auth, Route{}))
				fetched := make(chan *FetchError, 1)
				go func() { fetched <- b.fetch(t, 0, auth) }()
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), tt.time)
				defer cancel()
				before := time.Now()
				err := b.tokens.Release(ctx, CredentialIDs(auth, Route{}))
				if errors.Is(err, context.DeadlineExceeded) != tt.cut {
					t.Errorf("release: %v", err)
				}
				if took, want := time.Since(before), min(tt.time, 3*time.Second); took != want {
					t.Errorf("released after %v, want %v", took, want)
				}
				if failed := <-fetched; (failed != nil) != tt.cut {
					t.Errorf("fetch: %v", failed)
				}
				if saved := b.store.saves; (saved == 0) != tt.cut {
					t.Errorf("%d saves", saved)
				}
			})
		})
	}
}

// A refresh token that could not be saved, since its credentials were lost in the
// middle, is used where nobody has used the one before it, and dropped else.
func TestUnsavedRefreshTokenOfALostCredential(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		others bool // have got a newer one meanwhile
	}{{"nobody used it", false}, {"another node did", true}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				auth := refreshToken(authBase)
				ids := CredentialIDs(auth, Route{})
				server := &tokenServer{rotates: true}
				one, two := newNodes(t, server)
				one.tokens.Adopt(ids)
				one.mustFetch(t, auth)
				server.revoke()
				if err := one.fetch(t, 0, auth); err == nil || !err.Renewed {
					t.Fatalf("error %v", err)
				}
				one.store.setFail(errNotHeld)
				// What cannot be read is no loss yet; it was read before.
				if err := one.fetch(t, 0, auth); err == nil || !errors.Is(err, ErrElsewhere) || err.Retryable {
					t.Fatalf("error %v", err)
				}
				one.release(t, auth)
				one.store.setFail(nil)
				if tt.others {
					server.refresh = "refresh-secret-1" // as if the server takes the older one as well
					two.tokens.Adopt(ids)
					two.mustFetch(t, auth)
					two.release(t, auth)
				}
				one.tokens.Adopt(ids)
				one.mustFetch(t, auth)
				var used []string
				for _, form := range server.asked {
					used = append(used, strings.TrimPrefix(form.Get("refresh_token"), "refresh-secret-"))
				}
				want := []string{"0", "1"} // the token that came with it is still good
				if tt.others {
					want = []string{"0", "1", "1", "3"}
				}
				if !slices.Equal(used, want) {
					t.Errorf("used %v, want %v", used, want)
				}
			})
		})
	}
}

// A stop does not try again to save what is another node's.
func TestStopLeavesLostTokensAlone(t *testing.T) {
	t.Parallel()
	auth := refreshToken(authBase)
	b, _ := newNodes(t, &tokenServer{rotates: true})
	b.tokens.Adopt(CredentialIDs(auth, Route{}))
	b.store.setFail(nil)
	b.mustFetch(t, auth)
	b.server.revoke()
	_ = b.fetch(t, 0, auth) // refused
	b.store.setFail(errNotHeld)
	_ = b.fetch(t, 0, auth) // cannot be saved
	b.release(t, auth)
	if err := b.tokens.Stop(t.Context()); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// A refresh token that a release could not save is told of.
func TestReleaseOfTokensErrors(t *testing.T) {
	t.Parallel()
	auth := refreshToken(authBase)
	b, _ := newNodes(t, &tokenServer{rotates: true})
	b.tokens.Adopt(CredentialIDs(auth, Route{}))
	b.mustFetch(t, auth)
	b.server.revoke()
	_ = b.fetch(t, 0, auth) // refused
	b.store.setFail(errDisk)
	_ = b.fetch(t, 0, auth) // cannot be saved
	if err := b.tokens.Release(t.Context(), CredentialIDs(auth, Route{})); !errors.Is(err, errDisk) {
		t.Errorf("release: %v", err)
	}
	b.store.setFail(nil)
}

// Equal credentials have equal ids, others have others, and none shows a secret.
func TestCredentialIDs(t *testing.T) {
	t.Parallel()
	for _, none := range []Auth{nil, Bearer{Token: "t"}, Basic{}, APIKey{}, &Credentials{auth: Bearer{}}} {
		if ids := CredentialIDs(none, Route{}); len(ids) != 0 {
			t.Errorf("%T: %v", none, ids)
		}
	}
	id := func(a Auth, r Route) string {
		ids := CredentialIDs(a, r)
		if len(ids) != 1 || strings.Contains(ids[0], "secret") {
			t.Fatalf("ids %q", ids)
		}
		return ids[0]
	}
	other := clientCredentials(authBase)
	other.Scopes = nil
	all := []string{
		id(clientCredentials(authBase), Route{}), id(other, Route{}), id(clientCredentials(authBase), Route{CAFile: "ca.pem"}),
		id(refreshToken(authBase), Route{}), id(login(authBase), Route{}),
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(all)))); n != len(all) {
		t.Errorf("ids %v", all)
	}
	if id(clientCredentials(authBase), Route{}) != all[0] || id(&Credentials{grant: other}, Route{}) != all[1] {
		t.Error("equal credentials have other ids")
	}
	// The file may hold another thing on another node, and a refresh token is one
	// whichever way it goes.
	if id(clientCredentials(authBase), Route{CAFile: "ca.pem", CAVersion: "2"}) != all[2] {
		t.Error("the id is another where a file holds another thing")
	}
	if id(refreshToken(authBase), Route{CAFile: "ca.pem"}) != all[3] || all[3] != "refresh_token/"+refreshToken(authBase).identity() {
		t.Error("the id of a refresh token is not the name that it is saved under")
	}
}

// A poll that got no token, since that is another node's to obtain, has not failed,
// and goes on where this one obtains it again.
func TestPollWithoutALostTokenHasNotFailed(t *testing.T) {
	t.Parallel()
	b, _ := newNodes(t, &tokenServer{})
	seen := &reader{}
	done := 0
	p := NewPoller(PollerOptions{Fetcher: b.fetcher, Observer: seen, Done: func(*Source, Result) { done++ }})
	if o := p.Poll(t.Context(), authSource("https://api.example", clientCredentials(authBase)), 1); o != (Outcome{RetryAfter: time.Second}) {
		t.Errorf("outcome %+v", o)
	}
	if len(seen.fails) != 0 || done != 0 {
		t.Errorf("failures %q, %d told of", seen.fails, done)
	}
	b.tokens.Adopt(CredentialIDs(clientCredentials(authBase), Route{}))
	if o := p.Poll(t.Context(), authSource("https://api.example", clientCredentials(authBase)), 2); o != (Outcome{}) || len(seen.fails) != 0 {
		t.Errorf("outcome %+v, failures %q", o, seen.fails)
	}
}
