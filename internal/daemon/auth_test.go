package daemon_test

import (
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
	"github.com/pollwire/pollwire/internal/server/client"
)

// rotating is an API together with its token endpoint, which replaces the
// refresh token at each use and takes no older one.
type rotating struct {
	mu      sync.Mutex
	refresh string
	granted int
	refused int
}

func (r *rotating) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case req.URL.Path == "/login", req.FormValue("grant_type") == "client_credentials":
		fmt.Fprint(w, `{"access_token": "access-topsecret-0", "token_type": "Bearer", "expires_in": 3600}`)
	case req.URL.Path == "/token" && req.FormValue("refresh_token") != r.refresh:
		r.refused++
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error": "invalid_grant", "error_description": "%s is used up"}`, req.FormValue("refresh_token"))
	case req.URL.Path == "/token":
		r.grant(w)
	case !strings.HasPrefix(req.Header.Get("Authorization"), "Bearer access-topsecret-"):
		w.WriteHeader(http.StatusUnauthorized)
	default:
		fmt.Fprint(w, `{"status": "open"}`)
	}
}

func (r *rotating) grant(w http.ResponseWriter) {
	r.granted++
	r.refresh = fmt.Sprintf("refresh-topsecret-%d", r.granted)
	fmt.Fprintf(w, `{"access_token": "access-topsecret-%d", "refresh_token": %q, "token_type": "Bearer", "expires_in": 3600}`, r.granted, r.refresh)
}

// authConfig has a source for each kind of credentials that are obtained.
func authConfig(t *testing.T, dir, base, secret string) *config.Config {
	t.Helper()
	cfg, err := config.Parse("test.yaml", fmt.Appendf(nil, `
storage: {dsn: "sqlite:%[1]s", encryption_key: "a-key-of-32-characters-at-least-topsecret"}
server: {listen: "127.0.0.1:0"}
defaults: {schedule: "@yearly", request: {url: "%[2]s/orders"}, retry: {max_attempts: 1}}
sources:
  - {name: client, auth: {type: oauth2_client_credentials, token_url: "%[2]s/token", client_id: a, client_secret: %[3]s}}
  - {name: refresh, auth: {type: oauth2_refresh_token, token_url: "%[2]s/token", client_id: a, refresh_token: refresh-topsecret-0}}
  - {name: login, auth: {type: login, request: {url: "%[2]s/login", json: {password: login-topsecret}}}}
`, filepath.Join(dir, "p.db"), base, secret), config.Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Check(cfg); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// A preview changes no state but tokens: a refresh token that was replaced in
// it serves the next one, which is another process.
func TestPreviewKeepsRefreshTokens(t *testing.T) {
	t.Parallel()
	api := &rotating{refresh: "refresh-topsecret-0"}
	srv := httptest.NewServer(api)
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	preview := func(source string) *server.Preview {
		t.Helper()
		cfg := authConfig(t, dir, srv.URL, "client-topsecret")
		p, err := daemon.Preview(t.Context(), cfg, daemon.Options{Logger: slog.New(slog.DiscardHandler)}, source)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for range 3 {
		if p := preview("refresh"); p.Outcome != server.Baseline {
			t.Errorf("outcome %s: %s", p.Outcome, p.Reason)
		}
	}
	if api.granted != 3 || api.refused != 0 {
		t.Errorf("%d tokens granted, %d refused", api.granted, api.refused)
	}
	for _, source := range []string{"client", "login"} {
		if p := preview(source); p.Outcome != server.Baseline {
			t.Errorf("%s: outcome %s: %s", source, p.Outcome, p.Reason)
		}
	}
	api.refresh = "another" // somebody else used it up: no secret shows in what is said
	p := preview("refresh")
	if p.Outcome != server.Failed || !strings.Contains(p.Reason, "invalid_grant") || !strings.Contains(p.Reason, "authorize pollwire anew") {
		t.Errorf("outcome %s: %s", p.Outcome, p.Reason)
	}
	if strings.Contains(p.Reason+p.Request, "topsecret") {
		t.Errorf("a secret is shown: %s", p.Reason)
	}
}

// The daemon goes on after a restart with the refresh token that it had last,
// and with the answers that it had: renewed credentials are the same request.
func TestDaemonKeepsRefreshTokens(t *testing.T) {
	t.Parallel()
	api := &rotating{refresh: "refresh-topsecret-0"}
	srv := httptest.NewServer(api)
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	for n := range 2 {
		d := daemon.New(authConfig(t, dir, srv.URL, fmt.Sprintf("client-topsecret-%d", n)), daemon.Options{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		c, err := client.New(client.Options{URL: "http://" + d.Addr()})
		if err != nil {
			t.Fatal(err)
		}
		for n == 0 {
			p, err := c.Preview(t.Context(), "client")
			if err != nil {
				t.Fatal(err)
			}
			if p.Outcome == server.Unchanged {
				break
			}
			_ = c.Poll(t.Context(), "client") // the answer is asked for above
		}
		if p, err := c.Preview(t.Context(), "client"); err != nil || p.Outcome != server.Unchanged {
			t.Errorf("start %d: %+v, %v", n, p, err)
		}
		p, err := c.Preview(t.Context(), "refresh")
		c.Close()
		if err != nil || p.Outcome == server.Failed {
			t.Errorf("start %d: %+v, %v", n, p, err)
		}
		stopDaemon(t, d)
	}
	if api.refused != 0 {
		t.Errorf("%d refresh tokens were refused", api.refused)
	}
}
