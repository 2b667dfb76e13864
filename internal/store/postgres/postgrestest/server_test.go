package postgrestest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

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

// TestTemplate makes copies that have what their template has, and do not share it.
func TestTemplate(t *testing.T) {
	t.Parallel()
	postgrestest.Need(t)
	dsn, err := start(t).Create()
	if err != nil {
		t.Fatal(err)
	}
	run := func(dsn, statement string) error {
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.Exec(t.Context(), statement)
		return errors.Join(err, conn.Close(t.Context()))
	}
	if err := run(dsn, "CREATE TABLE things (id BIGINT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	template, err := postgrestest.NewTemplate(dsn)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		one, err := template.Copy()
		if err != nil {
			t.Fatal(err)
		}
		if err := run(one, "INSERT INTO things VALUES (1)"); err != nil {
			t.Errorf("a copy: %v", err)
		}
	}
}
