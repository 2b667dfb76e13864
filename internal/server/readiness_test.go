package server_test

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pollwire/pollwire/internal/server"
)

func TestReadinessNamesWhatFails(t *testing.T) {
	t.Parallel()
	var sick atomic.Bool
	var logged strings.Builder
	s := start(t, server.Options{
		Logger: slog.New(slog.NewTextHandler(&logged, nil)),
		Ready: []server.Check{
			{Name: "store", Func: func(ctx context.Context) error {
				if _, bounded := ctx.Deadline(); !bounded {
					t.Error("the check may take for ever")
				}
				if sick.Load() {
					return errors.New("disk I/O error on a secret path")
				}
				return nil
			}},
			{Name: "config", Func: func(context.Context) error { return nil }},
		},
	})
	probe := func(want int) {
		t.Helper()
		got := ask(t, s.Addr(), question{method: "GET", path: "/readyz"})
		if got.status != want {
			t.Errorf("answered %d, want %d", got.status, want)
		}
		if want != 503 {
			return
		}
		if !strings.Contains(got.body, `"not ready, as these checks fail: store"`) || strings.Contains(got.body, "secret") {
			t.Errorf("told %s", got.body)
		}
		if got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("told as %s", got.header.Get("Content-Type"))
		}
	}
	probe(200)
	sick.Store(true)
	for range 3 {
		probe(503)
	}
	sick.Store(false)
	probe(200)
	probe(200)

	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for message, want := range map[string]int{
		`level=WARN msg="readiness check failed" check=store err="disk I/O error on a secret path"`: 1,
		`level=INFO msg="readiness check passes again" check=store`:                                 1,
		"check=config": 0,
	} {
		if got := strings.Count(logged.String(), message); got != want {
			t.Errorf("logged %d times, want %d: %s\n%s", got, want, message, logged.String())
		}
	}
}

// TestHealthSaysWhy: the reasons are for those who may use the API, and a warning
// leaves the server ready.
func TestHealthSaysWhy(t *testing.T) {
	t.Parallel()
	var sick, short atomic.Bool
	check := func(name string, warning bool, fails *atomic.Bool, why string) server.Check {
		return server.Check{Name: name, Warning: warning, Func: func(context.Context) error {
			if fails.Load() {
				return errors.New(why)
			}
			return nil
		}}
	}
	s := start(t, server.Options{Token: "secret-token", Ready: []server.Check{
		check("database", false, &sick, "no space left"), check("disk", true, &short, "nearly full"),
	}})
	token := headers("Authorization", "Bearer secret-token")
	look := func(ready, health string) {
		t.Helper()
		if got := ask(t, s.Addr(), question{method: "GET", path: "/readyz"}); !strings.Contains(got.body, ready) {
			t.Errorf("readyz: %s, want %s", got.body, ready)
		}
		got := ask(t, s.Addr(), question{method: "GET", path: "/v1/health", header: token})
		body := regexp.MustCompile(`"since":"[^"]+"`).ReplaceAllString(got.body, `"since":"T"`)
		if got.status != 200 || strings.TrimSpace(body) != health {
			t.Errorf("health: %d %s, want %s", got.status, body, health)
		}
	}
	if got := ask(t, s.Addr(), question{method: "GET", path: "/v1/health"}); got.status != 401 {
		t.Errorf("without a token: %d %s", got.status, got.body)
	}
	look(`{"status":"ready"}`,
		`{"ready":true,"checks":[{"name":"database","ok":true,"warning":false},{"name":"disk","ok":true,"warning":true}]}`)
	short.Store(true)
	look(`{"status":"ready","warnings":["disk"]}`,
		`{"ready":true,"checks":[{"name":"database","ok":true,"warning":false},{"name":"disk","ok":false,"warning":true,"reason":"nearly full","since":"T"}]}`)
	sick.Store(true)
	look(`as these checks fail: database"`,
		`{"ready":false,"checks":[{"name":"database","ok":false,"warning":false,"reason":"no space left","since":"T"},`+
			`{"name":"disk","ok":false,"warning":true,"reason":"nearly full","since":"T"}]}`)
	sick.Store(false)
	short.Store(false)
	look(`{"status":"ready"}`,
		`{"ready":true,"checks":[{"name":"database","ok":true,"warning":false},{"name":"disk","ok":true,"warning":true}]}`)
}
