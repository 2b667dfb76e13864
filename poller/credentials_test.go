package poller

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// post makes a request with credentials, and once more where they are renewed.
func post(t *testing.T, c *Credentials, url string) int {
	t.Helper()
	for again := false; ; again = true {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Authorize(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized || again || !c.Renew(req.Header) {
			return resp.StatusCode
		}
	}
}

func TestCredentialsRenewTokens(t *testing.T) {
	t.Parallel()
	server := &tokenServer{}
	srv := httptest.NewServer(server)
	t.Cleanup(srv.Close)
	tokens := NewTokens(TokensOptions{Version: "1.2.3"})
	t.Cleanup(func() { _ = tokens.Stop(t.Context()) })
	credentials := func() *Credentials {
		c, err := tokens.Credentials(clientCredentials(srv.URL), Route{}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first, second := credentials(), credentials()
	for _, c := range []*Credentials{first, second, first} {
		if got := post(t, c, srv.URL); got != http.StatusOK {
			t.Fatalf("answered %d", got)
		}
	}
	if server.granted != 1 {
		t.Errorf("%d tokens for credentials that are the same", server.granted)
	}
	server.mu.Lock()
	server.good = "revoked"
	server.mu.Unlock()
	if got := post(t, second, srv.URL); got != http.StatusOK || server.granted != 2 {
		t.Errorf("answered %d with %d tokens after the first was revoked", got, server.granted)
	}
	for _, want := range []string{clientSecret, "access-secret-1", "access-secret-2"} {
		if !slices.Contains(first.Secrets(), want) {
			t.Errorf("%q is no secret of %q", want, first.Secrets())
		}
	}
	if first.Renew(http.Header{}) {
		t.Error("a request without a token has it renewed")
	}
}

func TestCredentialsThatStay(t *testing.T) {
	t.Parallel()
	tokens := NewTokens(TokensOptions{})
	t.Cleanup(func() { _ = tokens.Stop(t.Context()) })
	c, err := tokens.Credentials(Bearer{Token: "a-token"}, Route{}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
	if err := c.Authorize(t.Context(), req); err != nil || req.Header.Get("Authorization") != "Bearer a-token" {
		t.Errorf("error %v, header %v", err, req.Header)
	}
	if c.Renew(req.Header) || !slices.Equal(c.Secrets(), []string{"a-token"}) {
		t.Errorf("a constant token is renewed, or its secrets are %q", c.Secrets())
	}
}

func TestCredentialsRefuse(t *testing.T) {
	t.Parallel()
	tokens := NewTokens(TokensOptions{})
	t.Cleanup(func() { _ = tokens.Stop(t.Context()) })
	missing := Route{CAFile: filepath.Join(t.TempDir(), "none.pem")}
	if _, err := tokens.Credentials(clientCredentials("https://l.example"), missing, time.Minute); err == nil || !strings.Contains(err.Error(), "tls.ca_file") {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := tokens.Credentials(refreshToken("https://l.example"), Route{}, time.Minute); err == nil || !strings.Contains(err.Error(), "storage.encryption_key") {
		t.Errorf("a refresh token without a store: %v", err)
	}
}
