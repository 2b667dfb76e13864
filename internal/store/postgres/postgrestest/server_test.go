package postgrestest_test

import (
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
)

// TestServer crashes a server and has its databases back.
func TestServer(t *testing.T) {
	t.Parallel()
	postgrestest.Need(t)
	s, err := postgrestest.Start(postgrestest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}()
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
