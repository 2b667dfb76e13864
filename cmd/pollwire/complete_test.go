package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// TestNamesAreCompleted: what a shell asks for at a Tab.
func TestNamesAreCompleted(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	for args, want := range map[string]string{
		"poll":                  "orders",
		"sources":               "orders",
		"trigger o":             "orders",
		"trigger x":             "",
		"trigger orders":        "orders",
		"accept":                "orders",
		"test":                  "you",
		"enable":                "endpoint/you",
		"pause":                 "endpoint/you source/orders",
		"resume source/":        "source/orders",
		"events --source":       "orders",
		"events --endpoint":     "you",
		"replay --source":       "orders",
		"replay --endpoint":     "you",
		"deliveries --endpoint": "you",
		"deliveries --state":    "waiting delivered dead superseded",
		"sources --state":       "ok new failing paused disabled",
	} {
		words := strings.Fields(args)
		begun := ""
		if len(words) > 1 && !strings.HasPrefix(words[1], "--") {
			begun, words = words[1], words[:1]
		}
		line := append([]string{"__complete", words[0], "--config", s.config}, append(words[1:], begun)...)
		got := pollwire(t, line...)
		offered, _, _ := strings.Cut(got.stdout, ":4\n") // 4: and no files.
		if got.code != exitOK || strings.Join(strings.Fields(offered), " ") != want || !strings.Contains(got.stdout, ":4\n") {
			t.Errorf("%s: %d, %q, want %q", args, got.code, got.stdout, want)
		}
	}
	pollwire(t, "__complete", "trigger", "--config", s.config, "orders", "").want(t, exitOK, ":4\n", "! ")
}

// TestNamesOfADaemon: with --url they are the daemon's, and no configuration is
// needed.
func TestNamesOfADaemon(t *testing.T) {
	t.Parallel()
	daemon := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		answer := `{"sources":[{"name":"far"}]}`
		if r.URL.Path == "/v1/endpoints" {
			answer = `{"endpoints":[{"name":"away"}]}`
		}
		_, _ = w.Write([]byte(answer))
	}))
	defer daemon.Close()
	pollwire(t, "__complete", "pause", "--url", daemon.URL, "").want(t, exitOK, "endpoint/away\nsource/far\n:4\n", "! ")
}

// TestNothingToComplete: where no name is known, none is offered, and no error
// is taken for one.
func TestNothingToComplete(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "none.yaml")
	for _, where := range [][]string{{"--config", none}, {"--url", "http://127.0.0.1:1"}, {"--url", "nonsense"}} {
		got := pollwire(t, append(append([]string{"__complete", "trigger"}, where...), "")...)
		if got.code != exitOK || got.stdout != ":4\n" {
			t.Errorf("%v: %d, %q", where, got.code, got.stdout)
		}
	}
}
