package server_test

import (
	"context"
	"errors"
	"log/slog"
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
