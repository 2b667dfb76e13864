package poller

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient/httpclienttest"
)

// Each kind of credentials, over real TLS with an authority of its own and a
// client certificate, which the token is asked for with too.
func TestEveryAuth(t *testing.T) {
	t.Parallel()
	ca := httpclienttest.NewAuthority(t)
	certFile, keyFile := ca.Issue(t, "pollwire", time.Now().Add(time.Hour))
	for _, tt := range []struct {
		name  string
		style string
		auth  func(base string) Auth
		asked int
	}{
		{"bearer", "", func(string) Auth { return Bearer{Token: "constant-secret"} }, 0},
		{"basic", "", func(string) Auth { return Basic{Username: "joe", Password: "constant-secret"} }, 0},
		{"api key", "", func(string) Auth { return APIKey{Name: "X-Session", Value: "constant-secret"} }, 0},
		{"client credentials", "basic", func(base string) Auth { return clientCredentials(base) }, 1},
		{"client credentials in the body", "body", func(base string) Auth { return clientCredentials(base) }, 2},
		{"refresh token", "basic", func(base string) Auth { return refreshToken(base) }, 1},
		{"refresh token in the body", "body", func(base string) Auth { return refreshToken(base) }, 2},
		{"refresh token of a public client", "none", func(base string) Auth {
			auth := refreshToken(base)
			auth.ClientSecret = ""
			return auth
		}, 1},
		{"login", "", func(base string) Auth { return login(base) }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := &tokenServer{style: tt.style, refresh: firstRefresh, good: "constant-secret"}
			if tt.name == "basic" {
				server.good = "am9lOmNvbnN0YW50LXNlY3JldA=="
			}
			srv := serveTLS(t, ca, "api", tls.RequireAndVerifyClientCert, server.ServeHTTP)
			f := newFetcher(t, FetcherOptions{Tokens: newTokens(t, new(memoryStore))})
			for i := range 3 {
				s := authSource(srv.URL, tt.auth(srv.URL))
				s.Name = fmt.Sprint(i)
				s.Request.Route = Route{CAFile: ca.File, CertFile: certFile, KeyFile: keyFile}
				o := mustFetch(t, f, s, State{})
				o.Release()
			}
			if asked, served, refused := server.counts(); asked != tt.asked || served != 3 || refused != 0 {
				t.Errorf("%d token requests, %d requests served, %d refused", asked, served, refused)
			}
		})
	}
}

func TestTokenRequest(t *testing.T) {
	t.Parallel()
	server := &tokenServer{style: "body", refresh: firstRefresh}
	f := newFetcher(t, FetcherOptions{RoundTripper: server, Tokens: newTokens(t, new(memoryStore))})
	refresh := refreshToken("https://login.example")
	refresh.Scopes = []string{"c"}
	for _, auth := range []Auth{clientCredentials("https://login.example"), refresh} {
		s := authSource("https://api.example", auth)
		o := mustFetch(t, f, s, State{})
		o.Release()
	}
	want := []string{
		"audience=https%3A%2F%2Fapi.example%2F&grant_type=client_credentials&scope=a+b",
		"audience=https%3A%2F%2Fapi.example%2F&client_id=client+id%2F1&client_secret=client%3As%2Becret%252&grant_type=client_credentials&scope=a+b",
		"grant_type=refresh_token&refresh_token=refresh-secret-0&scope=c",
		"client_id=client+id%2F1&client_secret=client%3As%2Becret%252&grant_type=refresh_token&refresh_token=refresh-secret-0&scope=c",
	}
	for i, form := range server.asked {
		if got := form.Encode(); i >= len(want) || got != want[i] {
			t.Errorf("request %d: %s", i, got)
		}
	}
}

// What a token's server may answer instead of a token: each is a failure with
// its reason, and none shows a secret.
func TestHostileTokenAnswers(t *testing.T) {
	t.Parallel()
	plain := func(code int, body string) func() *http.Response {
		return func() *http.Response { return fakeAnswer(code, body, nil) }
	}
	for _, tt := range []struct {
		name      string
		answer    func() *http.Response
		want      string
		retryable bool
	}{
		{"a page", plain(200, "<html>log in</html>"), "/token answered 200, but it is no JSON object", false},
		{"no token", plain(200, `{"token": "x"}`), "it holds no access_token", false},
		{"a line break", plain(200, `{"access_token": "hostile-secret\r\nX-Admin: 1"}`), "cannot be sent in a header", false},
		{"another type", plain(200, `{"access_token": "hostile-secret", "token_type": "DPoP"}`), `its token_type is "DPoP"`, false},
		{"an error with 200", plain(200, `{"error": "bad_refresh_token"}`), "answered 200 OK: bad_refresh_token", false},
		{"a cut answer", func() *http.Response {
			r := fakeAnswer(200, `{"access_token"`, nil)
			r.Body = io.NopCloser(io.MultiReader(r.Body, iotest.ErrReader(io.ErrUnexpectedEOF)))
			return r
		}, "unexpected EOF", true},
		{"an endless answer", func() *http.Response {
			r := fakeAnswer(200, "", nil)
			r.ContentLength, r.Body = -1, io.NopCloser(endless{})
			return r
		}, "answered 200 with more than 1048576 bytes", false},
		{"a gzip bomb", func() *http.Response {
			return fakeAnswer(200, zip(t, strings.Repeat(" ", 4<<20)), http.Header{"Content-Encoding": {"gzip"}})
		}, "answered 200 with more than 1048576 bytes", false},
		{"a refusal", plain(400, `{"error": "invalid_scope", "error_description": "no `+clientSecret+`"}`), "answered 400 Bad Request: invalid_scope: no <secret>", false},
		{"a refusal in words", plain(404, "no such tenant"), "answered 404 Not Found: no such tenant", false},
		{"an error page", plain(500, "oops"), "answered 500 Internal Server Error: oops", true},
		{"temporarily", plain(400, `{"error": "temporarily_unavailable"}`), "temporarily_unavailable", true},
		{"too many", plain(429, ``), "answered 429 Too Many Requests", true},
		{"a redirect", func() *http.Response {
			return fakeAnswer(307, "", http.Header{"Location": {"https://elsewhere.example/?k=" + url.QueryEscape(clientSecret)}})
		}, "answered 307, a redirect to https://elsewhere.example/?k=…, which is not followed", false},
		{"a redirect home", func() *http.Response {
			return fakeAnswer(302, "", http.Header{"Location": {"/other"}})
		}, "answered 302, a redirect to https://l.example/other, which is not followed", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, &tokenServer{answer: func(int) *http.Response { return tt.answer() }})
			err := b.fetch(t, 0, clientCredentials(authBase))
			if err == nil || !errors.Is(err, ErrToken) || !strings.Contains(err.Error(), tt.want) || err.Retryable != tt.retryable || err.Renewed {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
			if text := err.Error(); strings.Contains(text, "hostile-secret") || strings.Contains(text, clientSecret) || strings.Contains(text, url.QueryEscape(clientSecret)) {
				t.Errorf("a secret shows in %s", text)
			}
			if err.Status != 0 || err.RetryAfter <= 0 {
				t.Errorf("status %d, wait %s: this is no answer of the source", err.Status, err.RetryAfter)
			}
			if asked, served, refused := b.server.counts(); asked != 1 || served+refused != 0 {
				t.Errorf("%d token requests, %d requests", asked, served+refused)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// A client that is refused both ways is tried one way at a time from then on.
func TestRefusedClientIsNotTriedTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &tokenServer{style: "body"})
		auth := clientCredentials(authBase)
		auth.ClientSecret = "wrong"
		for n, want := range []int{2, 3, 4} {
			err := b.fetch(t, n, auth)
			if err == nil || err.Retryable || !strings.Contains(err.Error(), "answered 401 Unauthorized: invalid_client: who is") || b.asked() != want {
				t.Errorf("error %v, %d token requests", err, b.asked())
			}
			<-time.After(maxTokenWait)
		}
	})
}

// A refresh token whose refusal is its own is sent once: a server that rotates
// would take a second time for theft.
func TestRefreshTokenIsSentOnce(t *testing.T) {
	t.Parallel()
	for _, answer := range []*http.Response{
		fakeAnswer(400, `{"error":"invalid_grant"}`, nil), fakeAnswer(500, "", nil), fakeAnswer(200, "cut", nil), fakeAnswer(429, "", nil),
	} {
		b := newBench(t, &tokenServer{answer: func(int) *http.Response { return answer }})
		if err := b.fetch(t, 0, refreshToken(authBase)); err == nil || b.asked() != 1 {
			t.Errorf("error %v after %d token requests", err, b.asked())
		}
	}
}

// The token goes along with redirects within the origin, never beyond, and a
// refusal beyond is none of the token.
func TestTokenStaysAtItsOrigin(t *testing.T) {
	t.Parallel()
	server := &tokenServer{}
	var hops []string
	network := fakeNetwork(func(r *http.Request) (*http.Response, error) {
		switch {
		case r.URL.Host == "elsewhere.example":
			hops = append(hops, fmt.Sprint(r.Header))
			return fakeAnswer(401, "who are you", nil), nil
		case r.URL.Path == "/orders":
			return fakeAnswer(302, "", http.Header{"Location": {"/moved"}}), nil
		case r.URL.Path == "/moved":
			if r.Header.Get("Authorization") != "Bearer access-secret-1" {
				t.Errorf("moved with %v", r.Header)
			}
			return fakeAnswer(302, "", http.Header{"Location": {"https://elsewhere.example/?t=access-secret-1"}}), nil
		}
		return server.RoundTrip(r)
	})
	f := newFetcher(t, FetcherOptions{RoundTripper: network, Tokens: newTokens(t, nil)})
	o, err := f.Fetch(t.Context(), authSource("https://api.example", clientCredentials(authBase)), State{})
	fe := mustFail(t, o, err)
	if fe.Renewed || fe.Status != 401 || len(hops) != 1 || strings.Contains(hops[0], "secret") || strings.Contains(fe.Error(), "access-secret") {
		t.Errorf("error %v, hops %v", fe, hops)
	}
}
