package postgrestest_test

import (
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
)

// start starts a server until the test ends.
func start(t *testing.T) *postgrestest.Server {
	t.Helper()
	s, err := postgrestest.Start(postgrestest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestServer crashes a server and has its databases back.
func TestServer(t *testing.T) {
	t.Parallel()
	postgrestest.Need(t)
	s := start(t)
	dsn, err := s.Create()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(dsn, "postgres://postgres@/t") {
		t.Errorf("DSN %s", dsn)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(); err != nil {
		t.Fatal(err)
	}
}

// TestPooler makes databases that are reached by way of a pooler.
func TestPooler(t *testing.T) {
	t.Parallel()
	postgrestest.NeedPooler(t)
	p, err := start(t).Pool()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	dsn, err := p.Create()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(dsn, "&port=6432") {
		t.Errorf("DSN %s", dsn)
	}
}
