package postgres

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
)

// TestServerThatForgets is warned of, and none that waits for its disk.
func TestServerThatForgets(t *testing.T) {
	t.Parallel()
	durable := postgrestest.Own(t, postgrestest.Options{Durable: true})
	good, err := durable.Create()
	must(t, err)
	for dsn, warned := range map[string]bool{good: false, database(t): true} {
		var log bytes.Buffer
		s, err := Open(t.Context(), Options{DSN: dsn, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		must(t, err)
		must(t, s.Close())
		if strings.Contains(log.String(), "fsync = on") != warned {
			t.Errorf("warned %v, want %v:\n%s", !warned, warned, log.String())
		}
	}
}
