package daemon_test

import (
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

// A preview says with an API's own words why its answer is refused, though they came
// in a 200, and shows no secret that they give back.
func TestPreviewQuotesARefusal(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok":false,"error":"not_in_channel","token":"`+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")+`"}`)
	}))
	t.Cleanup(srv.Close)
	text := "storage: {dsn: 'sqlite:" + filepath.Join(t.TempDir(), "pollwire.db") + "'}\n" +
		"defaults: {schedule: '@hourly', request: {url: '" + srv.URL + "'}, auth: {type: bearer, token: topsecret-1}}\n" +
		"sources: [{name: expecting, expect: {when: document.ok}}, {name: listing, items: {path: messages, key: ts}},\n" +
		"  {name: paging, items: {path: messages, key: ts}, pagination: {type: cursor, cursor_path: next, cursor_param: cursor}}]\n"
	cfg, err := config.Parse("pollwire.yaml", []byte(text), config.Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	for source, reason := range map[string]string{
		"expecting": "expect.when is false: document.ok",
		"listing":   `items.path "messages" leads to nothing`,
		"paging":    `items.path "messages" leads to nothing`,
	} {
		p, err := daemon.Preview(t.Context(), cfg, daemon.Options{Logger: slog.New(slog.DiscardHandler)}, source)
		if err != nil {
			t.Fatal(err)
		}
		if p.Outcome != server.Failed || !strings.Contains(p.Reason, reason+`; the answer begins: {"ok":false,"error":"not_in_channel"`) || strings.Contains(p.Reason, "topsecret") {
			t.Errorf("%s: outcome %s: %s", source, p.Outcome, p.Reason)
		}
	}
}
