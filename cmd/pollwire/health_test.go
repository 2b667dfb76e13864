package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/server"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	pollwire(t, "health", "-c", s.config).want(t, exitFailed, "! no daemon answers on")
	s.runDaemon(t)
	pollwire(t, "health", "-c", s.config).want(t, exitOK, "CHECK", "database")
	got := pollwire(t, "health", "--json", "-c", s.config)
	got.want(t, exitOK)
	var health server.Health
	if err := json.Unmarshal([]byte(got.stdout), &health); err != nil || !health.Ready || len(health.Checks) == 0 {
		t.Errorf("--json: %v\n%s", err, got.stdout)
	}
}

// TestHealthOfASickDaemon: the exit code says it too, for whom no table is read.
func TestHealthOfASickDaemon(t *testing.T) {
	t.Parallel()
	sick := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"ready":false,"checks":[{"name":"database","ok":false,"reason":"its file is gone"},{"name":"loops","ok":true}]}`)
	}))
	defer sick.Close()
	pollwire(t, "health", "--url", sick.URL).
		want(t, exitFailed, "database  failing  -      its file is gone\n", "! pollwire: the daemon is not ready: database\n")
}

func TestHealthInWords(t *testing.T) {
	t.Parallel()
	since := time.Date(2025, 1, 2, 3, 4, 5, 0, time.Local) // long ago, always
	health := &server.Health{Checks: []server.CheckResult{
		{Name: "loops", OK: true},
		{Name: "disk", Warning: true, Reason: "nearly full", Since: &since},
		{Name: "database", Reason: "it is gone"},
	}}
	want := [][]string{
		{"loops", "ok", "", ""},
		{"disk", "warning", "2025-01-02", "nearly full"},
		{"database", "failing", "", "it is gone"},
	}
	if d := cmp.Diff(want, healthRows(health)); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
	if err := unready(health); err == nil || !strings.HasSuffix(err.Error(), "not ready: database") {
		t.Errorf("%v", err)
	}
	if err := unready(&server.Health{Ready: true, Checks: health.Checks[:2]}); err != nil {
		t.Errorf("a warning alone: %v", err)
	}
}
