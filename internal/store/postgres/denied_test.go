package postgres

import (
	"net/url"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// TestDenied: what a user may not do any more waits for the operator, as what was told
// would be told again by a daemon that ends over it.
func TestDenied(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	at := mustURL(t, dsn)
	role := "denied_" + strings.TrimPrefix(at.Path, "/")
	mustExec(t, dsn, "CREATE ROLE "+role+" LOGIN")
	mustExec(t, dsn, "GRANT CREATE ON SCHEMA public TO "+role)
	at.User = url.User(role)
	s := mustOpen(t, at.String())
	mustExec(t, dsn, "REVOKE INSERT ON attempts FROM "+role)
	record := func() error {
		return s.Record(t.Context(), []notify.Outcome{{Endpoint: "ops", Delivery: 1, State: notify.Delivered, Attempt: notify.Attempt{Number: 1}}})
	}
	err := record()
	mustBe(t, err, store.ErrDenied)
	if !store.Passes(err) || strings.Count(err.Error(), "permission denied for table attempts") != 1 {
		t.Errorf("got %v", err)
	}
	mustExec(t, dsn, "GRANT INSERT ON attempts TO "+role)
	must(t, record())
	mustExec(t, dsn, "REVOKE EXECUTE ON FUNCTION pg_current_wal_lsn() FROM PUBLIC")
	if other := mustOpen(t, at.String()); other.timelines {
		t.Error("asks for timelines that it may not know")
	}
}
