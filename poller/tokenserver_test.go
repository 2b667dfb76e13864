package poller

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// tokenServer grants tokens and serves what they give access to. It is a
// RoundTripper too, for tests that need no network.
type tokenServer struct {
	mu sync.Mutex
	// style is how the client must authenticate: basic, body or none.
	style string
	// refresh is the refresh token that is good, and replaced at each use where
	// rotates is set.
	refresh string
	rotates bool
	// lifetime is told as expires_in where it is not 0.
	lifetime int
	// answer replaces the answer of the token endpoint where it is not nil.
	answer func(n int) *http.Response
	// broken refuses every token.
	broken bool

	granted int // tokens so far
	good    string
	asked   []url.Values // of the token endpoint
	served  int
	refused int
}

func (s *tokenServer) RoundTrip(req *http.Request) (*http.Response, error) {
	body := ""
	if req.Body != nil {
		data, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		body = string(data)
	}
	if err := req.Context().Err(); err != nil {
		return nil, context.Cause(req.Context())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch req.URL.Path {
	case "/token":
		return s.token(req, body), nil
	case "/login":
		return s.login(req, body), nil
	}
	if got := req.Header.Get("Authorization") + req.Header.Get("X-Session"); s.broken || s.good == "" || !strings.HasSuffix(got, s.good) {
		s.refused++
		return fakeAnswer(http.StatusUnauthorized, `{"message": "token refused: `+got+`"}`, nil), nil
	}
	s.served++
	return fakeAnswer(http.StatusOK, fmt.Sprintf(`{"served": %d}`, s.served), nil), nil
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resp, err := s.RoundTrip(r)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

const (
	clientID     = "client id/1"
	clientSecret = "client:s+ecret%2"
	firstRefresh = "refresh-secret-0"
)

func (s *tokenServer) token(req *http.Request, body string) *http.Response {
	form, err := url.ParseQuery(body)
	if err != nil || req.Method != http.MethodPost {
		return fakeAnswer(http.StatusBadRequest, "", nil)
	}
	s.asked = append(s.asked, form)
	if s.answer != nil {
		if resp := s.answer(len(s.asked)); resp != nil {
			return resp
		}
	}
	if !s.authenticated(req, form) {
		return fakeAnswer(http.StatusUnauthorized, `{"error": "invalid_client", "error_description": "who is `+body+`?"}`, nil)
	}
	if form.Get("grant_type") == "refresh_token" && form.Get("refresh_token") != s.refresh {
		return fakeAnswer(http.StatusBadRequest, `{"error": "invalid_grant", "error_description": "not good: `+form.Get("refresh_token")+`"}`, nil)
	}
	return s.grant()
}

func (s *tokenServer) authenticated(req *http.Request, form url.Values) bool {
	id, secret, basic := req.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	switch s.style {
	case "none":
		return !basic && form.Get("client_id") == clientID && !form.Has("client_secret")
	case "body":
		return !basic && form.Get("client_id") == clientID && form.Get("client_secret") == clientSecret
	default:
		return basic && id == clientID && secret == clientSecret && !form.Has("client_secret")
	}
}

// grant makes a new token, which ends the last one.
func (s *tokenServer) grant() *http.Response {
	s.granted++
	s.good = fmt.Sprintf("access-secret-%d", s.granted)
	answer := map[string]any{"access_token": s.good, "token_type": "Bearer"}
	if s.lifetime != 0 {
		answer["expires_in"] = s.lifetime
	}
	if s.rotates && s.refresh != "" {
		s.refresh = fmt.Sprintf("refresh-secret-%d", s.granted)
		answer["refresh_token"] = s.refresh
	}
	text, _ := json.Marshal(answer)
	return fakeAnswer(http.StatusOK, string(text), http.Header{"Content-Type": {"application/json"}})
}

func (s *tokenServer) login(req *http.Request, body string) *http.Response {
	s.asked = append(s.asked, url.Values{"body": {body}})
	if req.Header.Get("X-Tenant") != "shop" || body != `{"user":"joe","password":"login-secret"}` {
		return fakeAnswer(http.StatusForbidden, "wrong: "+body, nil)
	}
	resp := s.grant()
	resp.Body.Close()
	return fakeAnswer(http.StatusCreated, fmt.Sprintf(`{"data": {"token": %q}, "ttl": %d}`, s.good, s.lifetime), nil)
}

// revoke ends the good token.
func (s *tokenServer) revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.good = ""
}

// counts are how many tokens were asked for, and requests served and refused.
func (s *tokenServer) counts() (asked, served, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked), s.served, s.refused
}

// clientCredentials, refreshToken and login are the grants that a tokenServer
// at base knows.
func clientCredentials(base string) OAuth2ClientCredentials {
	return OAuth2ClientCredentials{
		TokenURL: base + "/token", ClientID: clientID, ClientSecret: clientSecret,
		Scopes: []string{"a", "b"}, Params: url.Values{"audience": {"https://api.example/"}},
	}
}

func refreshToken(base string) OAuth2RefreshToken {
	return OAuth2RefreshToken{TokenURL: base + "/token", ClientID: clientID, ClientSecret: clientSecret, RefreshToken: firstRefresh}
}

func login(base string) Login {
	return Login{
		URL: base + "/login", Header: http.Header{"X-Tenant": {"shop"}}, Body: []byte(`{"user":"joe","password":"login-secret"}`),
		TokenPath: "data.token", ExpiresPath: "ttl", Name: "X-Session", Value: "sid={token}",
	}
}

// memoryStore is a TokenStore that forgets at its end.
type memoryStore struct {
	mu    sync.Mutex
	saved map[string][]byte
	saves int
	// fail is the error of every call where it is not nil.
	fail error
}

func (m *memoryStore) Token(_ context.Context, name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.saved[name], m.fail
}

func (m *memoryStore) SaveToken(_ context.Context, name string, sealed []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if m.saved == nil {
		m.saved = make(map[string][]byte)
	}
	m.saved[name] = sealed
	m.saves++
	return nil
}

func (m *memoryStore) setFail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

const sealingKey = "a key that has at least 32 characters"

func newTokens(tb testing.TB, store TokenStore) *Tokens {
	tb.Helper()
	tokens := NewTokens(TokensOptions{Store: store, Key: sealingKey})
	tb.Cleanup(func() { _ = tokens.Stop(context.WithoutCancel(tb.Context())) })
	return tokens
}

// authSource is a source that needs a grant.
func authSource(base string, auth Auth) *Source {
	s := newSource(base + "/orders")
	s.Request.Auth = auth
	return s
}
