package postgres

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
)

// TestConnectionToStandby is given up: the next one may lead to the server that can be
// written to.
func TestConnectionToStandby(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, migrated(t)+"&pool_max_conns=1")
	_, err := s.pool.Exec(t.Context(), "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY") // as on a server that became a standby
	must(t, err)
	mustBe(t, s.Ping(t.Context()), store.ErrUnreachable)
	must(t, s.Ping(t.Context()))
}

// TestSeveralHosts finds the one that can be written to, wherever it stands in the list
// and whatever of target_session_attrs is in the DSN.
func TestSeveralHosts(t *testing.T) {
	t.Parallel()
	standby := postgrestest.Own(t, postgrestest.Options{})
	first, err := standby.Create()
	must(t, err)
	second := database(t)
	read, write := mustURL(t, first), mustURL(t, second)
	name := strings.TrimPrefix(write.Path, "/")
	if read.Path != write.Path {
		mustExec(t, first, "CREATE DATABASE "+name)
	}
	mustExec(t, first, fmt.Sprintf("ALTER DATABASE %s SET default_transaction_read_only = on", name))
	both := fmt.Sprintf("postgres://postgres@/%s?host=%s,%s&port=%s,%s", name,
		url.QueryEscape(read.Query().Get("host")), url.QueryEscape(write.Query().Get("host")), read.Query().Get("port"), write.Query().Get("port"))
	must(t, mustOpen(t, both).Ping(t.Context()))
}

func mustURL(t *testing.T, dsn string) *url.URL {
	t.Helper()
	at, err := url.Parse(dsn)
	must(t, err)
	return at
}

// TestUserWithoutRights is told what to ask for, once.
func TestUserWithoutRights(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	at := mustURL(t, dsn)
	role := "nobody_" + strings.TrimPrefix(at.Path, "/")
	mustExec(t, dsn, "CREATE ROLE "+role+" LOGIN")
	at.User = url.User(role)
	_, err := Open(t.Context(), Options{DSN: at.String()})
	if err == nil || strings.Count(err.Error(), "GRANT CREATE") != 1 || strings.Count(err.Error(), "ALTER DATABASE") != 1 ||
		!strings.Contains(err.Error(), "user "+role+" may not") {
		t.Errorf("got %v", err)
	}
}
