package daemon_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/server"
)

// TestPreviewShowsNoSecret: neither a token in the path, nor a value in the
// body that the server echoes, is shown.
func TestPreviewShowsNoSecret(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, "%s may not %s", r.URL.Path, body)
	}))
	t.Cleanup(api.Close)
	cfg, err := config.Parse("test.yaml", fmt.Appendf(nil, `
storage: {dsn: "sqlite:%s"}
server: {listen: ""}
sources:
  - {name: bot, schedule: "@yearly", request: {url: "%s/bot${TOKEN}/get", method: POST, body: "pass=${PASS}"}, retry: {max_attempts: 1}}
`, filepath.Join(t.TempDir(), "p.db"), api.URL), config.Lookup{Env: func(name string) (string, bool) {
		value, ok := map[string]string{"TOKEN": "token-topsecret", "PASS": "pass-topsecret"}[name]
		return value, ok
	}})
	if err != nil {
		t.Fatal(err)
	}
	preview, err := daemon.Preview(t.Context(), cfg, daemon.Options{Logger: slog.New(slog.DiscardHandler)}, "bot")
	if err != nil {
		t.Fatal(err)
	}
	if preview.Outcome != server.Failed || !strings.Contains(preview.Reason, "may not") {
		t.Errorf("outcome %s: %s", preview.Outcome, preview.Reason)
	}
	if shown := preview.Request + preview.Reason; strings.Contains(shown, "topsecret") {
		t.Errorf("a secret is shown: %s", shown)
	}
}
