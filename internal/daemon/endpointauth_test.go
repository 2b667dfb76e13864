package daemon_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/server"
)

// guarded is a receiver that takes one access token only, together with the token
// endpoint, whose first token it does not take any more.
type guarded struct {
	mu      sync.Mutex
	granted int
	posts   []string // what they were authorized by
}

func (g *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.URL.Path == "/token" {
		g.granted++
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token": "access-topsecret-%d", "token_type": "Bearer"}`, g.granted)
		return
	}
	given := r.Header.Get("Authorization") + r.Header.Get("X-Hook-Key") + r.URL.Query().Get("key")
	g.posts = append(g.posts, given)
	if given == "Bearer access-topsecret-1" {
		w.WriteHeader(http.StatusUnauthorized)
	}
	fmt.Fprintf(w, "thank you, %s", given)
}

// Receivers get the credentials that sources can have, and those that are refused
// are renewed within the attempt.
func TestEndpointsHaveCredentials(t *testing.T) {
	t.Parallel()
	g := &guarded{}
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	for name, tc := range map[string]struct {
		auth string
		want []string
	}{
		"bearer": {`{type: bearer, token: bearer-topsecret}`, []string{"Bearer bearer-topsecret"}},
		"basic":  {`{type: basic, username: joe, password: pw}`, []string{"Basic am9lOnB3"}},
		"header": {`{type: api_key, name: X-Hook-Key, in: header, value: key-topsecret}`, []string{"key-topsecret"}},
		"query":  {`{type: api_key, name: key, in: query, value: query-topsecret}`, []string{"query-topsecret"}},
		"oauth2": {
			`{type: oauth2_client_credentials, token_url: "` + srv.URL + `/token", client_id: a, client_secret: client-topsecret}`,
			[]string{"Bearer access-topsecret-1", "Bearer access-topsecret-2"},
		},
	} {
		cfg, err := config.Parse("test.yaml", fmt.Appendf(nil, `
storage: {dsn: "sqlite:%s"}
sources: [{name: s, schedule: "@yearly", request: {url: "http://127.0.0.1:1/"}}]
endpoints: [{name: ops, url: "%s/hook", secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw], auth: %s}]
`, filepath.Join(t.TempDir(), "p.db"), srv.URL, tc.auth), config.Lookup{})
		if err != nil {
			t.Fatal(err)
		}
		g.mu.Lock()
		g.posts = nil
		g.mu.Unlock()
		webhook := &server.Webhook{ID: "test_1", Body: json.RawMessage(`{"specversion":"1.0","id":"test_1","source":"/sources/s","type":"pollwire.document.created","time":"2026-01-02T03:04:05Z","data":{"n":1}}`)}
		attempt, err := daemon.SendTest(t.Context(), cfg, daemon.Options{Logger: slog.New(slog.DiscardHandler)}, "ops", webhook)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(g.posts) != fmt.Sprint(tc.want) || attempt.Status != http.StatusOK {
			t.Errorf("%s: posted %q, want %q; %+v", name, g.posts, tc.want, attempt)
		}
		if strings.Contains(string(attempt.Response), "topsecret") {
			t.Errorf("%s: kept %q", name, attempt.Response)
		}
	}
}
