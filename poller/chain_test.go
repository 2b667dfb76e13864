package poller

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"
	"github.com/pollwire/pollwire/internal/seal"
)

const authBase = "https://l.example"

// A refresh token that the server replaces is saved before the access token
// that came with it is used, and serves after a restart.
func TestRotatedRefreshTokenSurvives(t *testing.T) {
	t.Parallel()
	b := newBench(t, &tokenServer{rotates: true})
	for n := range 3 {
		b.mustFetch(t, refreshToken(authBase))
		if b.store.saves != n+1 {
			t.Errorf("%d refresh tokens saved after %d rotations", b.store.saves, n+1)
		}
		b.restart(t)
	}
	for name, sealed := range b.store.saved {
		if bytes.Contains(sealed, []byte("secret")) || strings.Contains(name, "secret") {
			t.Errorf("%s is saved as %q", name, sealed)
		}
	}
	if len(b.store.saved) != 1 {
		t.Errorf("%d names", len(b.store.saved))
	}
}

// A refresh token that stays is not saved again and again.
func TestConstantRefreshTokenIsNotSaved(t *testing.T) {
	t.Parallel()
	b := newBench(t, &tokenServer{})
	b.mustFetch(t, refreshToken(authBase))
	if b.store.saves != 0 {
		t.Errorf("%d saves", b.store.saves)
	}
}

func nilMask() *httpclient.Redactor { return nil }

// The process dies between any two steps: between the save and the use the new
// refresh token is the saved one.
func TestKilledBetweenSaveAndUse(t *testing.T) {
	t.Parallel()
	b := newBench(t, &tokenServer{rotates: true})
	s := b.tokens.seal
	k := &keeper{client: &tokenClient{Client: b.fetcher.client, mask: nilMask}, tokens: b.tokens}
	auth := refreshToken(authBase)
	k.asker = auth.asker()
	k.chain = &chain{name: "refresh_token/" + auth.identity(), first: firstRefresh, store: b.store, seal: s, log: slog.New(slog.DiscardHandler)}
	if _, err := k.obtain(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Nobody has used the token; a new process begins with what was saved.
	b.restart(t)
	b.mustFetch(t, auth)
	if got := b.server.asked[1].Get("refresh_token"); got != "refresh-secret-1" {
		t.Errorf("the new process used %q", got)
	}
}

// While a new refresh token cannot be saved it is kept, not used, and the poll
// fails with the reason; once it is saved, what came with it is used.
func TestUnsavedRefreshTokenIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &tokenServer{rotates: true})
		b.mustFetch(t, refreshToken(authBase))
		b.server.revoke()
		full := errors.New("disk full")
		if err := b.fetch(t, 0, refreshToken(authBase)); err == nil || !err.Renewed {
			t.Fatalf("error %v", err)
		}
		b.store.setFail(full)
		for range 3 {
			err := b.fetch(t, 0, refreshToken(authBase))
			if err == nil || !errors.Is(err, full) || !err.Retryable || !strings.Contains(err.Error(), "save the new refresh token") {
				t.Fatalf("error %v", err)
			}
			<-time.After(maxTokenWait)
		}
		if _, served, _ := b.server.counts(); b.asked() != 2 || served != 1 {
			t.Errorf("%d token requests, %d requests served while nothing was saved", b.asked(), served)
		}
		b.store.setFail(nil)
		b.mustFetch(t, refreshToken(authBase))
		if b.asked() != 2 || b.store.saves != 2 {
			t.Errorf("%d token requests, %d saves", b.asked(), b.store.saves)
		}
	})
}

// The last chance to save is when the process ends.
func TestStopSavesRefreshToken(t *testing.T) {
	t.Parallel()
	b := newBench(t, &tokenServer{rotates: true})
	b.mustFetch(t, refreshToken(authBase))
	b.server.revoke()
	_ = b.fetch(t, 0, refreshToken(authBase)) // finds it refused
	b.store.setFail(errors.New("disk full"))
	if err := b.fetch(t, 0, refreshToken(authBase)); err == nil {
		t.Fatal("it was used unsaved")
	}
	if err := b.tokens.Stop(t.Context()); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("Stop = %v, want to hear what is lost", err)
	}
	b.store.setFail(nil)
	if err := b.tokens.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	b.restart(t)
	b.mustFetch(t, refreshToken(authBase))
}

// Another refresh token in the configuration begins anew, and an old one that
// comes back goes on where it was.
func TestConfiguredRefreshTokenChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t, &tokenServer{rotates: true})
	b.mustFetch(t, refreshToken(authBase))
	other := refreshToken(authBase)
	other.RefreshToken, b.server.refresh = "authorized-anew", "authorized-anew"
	b.restart(t)
	b.mustFetch(t, other)
	b.restart(t)
	b.mustFetch(t, other)
	b.restart(t)
	b.server.refresh = "refresh-secret-1"
	b.mustFetch(t, refreshToken(authBase))
	var used []string
	for _, form := range b.server.asked {
		used = append(used, form.Get("refresh_token"))
	}
	if want := []string{firstRefresh, "authorized-anew", "refresh-secret-2", "refresh-secret-1"}; !slices.Equal(used, want) {
		t.Errorf("used %v, want %v", used, want)
	}
}

// Where the key was changed the configured token is tried, and its refusal says
// why it was.
func TestRefreshTokenOfAnotherKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, &tokenServer{rotates: true})
	b.mustFetch(t, refreshToken(authBase))
	var log bytes.Buffer
	b.tokens = NewTokens(TokensOptions{Store: b.store, Key: strings.ToUpper(sealingKey), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	b.fetcher = newFetcher(t, FetcherOptions{RoundTripper: b.server, Tokens: b.tokens})
	err := b.fetch(t, 0, refreshToken(authBase))
	if err == nil || err.Retryable || !strings.Contains(err.Error(), "invalid_grant") ||
		!strings.Contains(err.Error(), "restore the old storage.encryption_key") || strings.Contains(err.Error(), firstRefresh) {
		t.Errorf("error %v", err)
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "storage.encryption_key") || strings.Contains(text, "secret-") {
		t.Errorf("log %s", text)
	}
	b.server.refresh = firstRefresh
	b.restart(t)
	b.tokens.seal = seal.New(strings.ToUpper(sealingKey), seal.Tokens)
	b.mustFetch(t, refreshToken(authBase))
}

func TestRefusedRefreshTokenSaysTheWayOut(t *testing.T) {
	t.Parallel()
	b := newBench(t, &tokenServer{refresh: "another"})
	err := b.fetch(t, 0, refreshToken(authBase))
	if err == nil || err.Retryable || !strings.Contains(err.Error(), "answered 400 Bad Request: invalid_grant: not good: <secret>; authorize pollwire anew") {
		t.Errorf("error %v", err)
	}
}

// Without a store or a key a new refresh token would be lost.
func TestRefreshTokenNeedsAStore(t *testing.T) {
	t.Parallel()
	b := newBench(t, &tokenServer{})
	for _, o := range []TokensOptions{{}, {Key: sealingKey}, {Store: b.store}} {
		b.tokens = NewTokens(o)
		b.fetcher = newFetcher(t, FetcherOptions{RoundTripper: b.server, Tokens: b.tokens})
		if err := b.fetch(t, 0, refreshToken(authBase)); err == nil || err.Retryable || !strings.Contains(err.Error(), "storage.encryption_key") {
			t.Errorf("error %v", err)
		}
	}
}

// A store that cannot be read is not taken for one that holds nothing.
func TestUnreadableStore(t *testing.T) {
	t.Parallel()
	b := newBench(t, &tokenServer{rotates: true})
	b.store.setFail(errors.New("disk gone"))
	if err := b.fetch(t, 0, refreshToken(authBase)); err == nil || !err.Retryable || b.asked() != 0 || !strings.Contains(err.Error(), "read saved refresh token: disk gone") {
		t.Errorf("error %v, %d token requests", err, b.asked())
	}
}
