package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store/postgres"
)

// auditSchema has the database itself keep a journal: of who holds which lease, and
// of who writes what is under one. A row is entered when its transaction has locked
// the lease, so that the journal is in the order in which leases were held.
const auditSchema = `
CREATE SCHEMA audit;
CREATE TABLE audit.entries (
	n        BIGSERIAL   NOT NULL PRIMARY KEY,
	at       TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
	writer   TEXT        NOT NULL DEFAULT current_setting('application_name'),
	resource TEXT        NOT NULL,
	holder   TEXT,
	epoch    BIGINT
);
CREATE FUNCTION audit.held() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO audit.entries (resource, holder, epoch)
		VALUES (NEW.resource, coalesce((SELECT name FROM public.nodes WHERE id = NEW.node), ''), NEW.epoch);
	RETURN NULL;
END $$;
CREATE FUNCTION audit.wrote() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO audit.entries (resource) VALUES (TG_ARGV[0] || (to_jsonb(NEW) ->> TG_ARGV[1]));
	RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE ON leases FOR EACH ROW EXECUTE FUNCTION audit.held();
CREATE TRIGGER audit AFTER INSERT OR UPDATE ON sources FOR EACH ROW EXECUTE FUNCTION audit.wrote('source/', 'name');
CREATE TRIGGER audit AFTER INSERT OR UPDATE ON next_runs FOR EACH ROW EXECUTE FUNCTION audit.wrote('source/', 'source');
CREATE TRIGGER audit AFTER INSERT OR UPDATE ON endpoint_states FOR EACH ROW EXECUTE FUNCTION audit.wrote('endpoint/', 'name');
CREATE TRIGGER audit AFTER UPDATE ON deliveries FOR EACH ROW EXECUTE FUNCTION audit.wrote('endpoint/', 'endpoint');
CREATE TRIGGER limits AFTER INSERT OR UPDATE ON budgets FOR EACH ROW WHEN (strpos(NEW.name, '/') = 0) EXECUTE FUNCTION audit.wrote('limit/', 'name');
CREATE TRIGGER own AFTER INSERT OR UPDATE ON budgets FOR EACH ROW WHEN (strpos(NEW.name, '/') > 0) EXECUTE FUNCTION audit.wrote('', 'name');
`

// maxInFlight is how many webhooks of an endpoint are under way at once, where its
// configuration does not say.
const maxInFlight = 16

// audit is that journal, with what the upstream and the receivers saw beside it.
type audit struct {
	entries []auditEntry
	// tenures are by resource, each until the next one.
	tenures map[string][]auditEntry
}

// auditEntry is a lease that went to a holder, nobody where that is "", or something
// that was written.
type auditEntry struct {
	at               time.Time
	writer, resource string
	holder           *string
	epoch            int64
}

// keepAudit makes the schema and the journal. It comes before the first node.
func (f *fleet) keepAudit(t *testing.T) {
	t.Helper()
	s, err := postgres.Open(t.Context(), postgres.Options{DSN: f.dsn})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), auditSchema); err != nil {
		t.Fatal(err)
	}
}

// readAudit returns the journal as it is now.
func (f *fleet) readAudit(t *testing.T) *audit {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	rows, err := conn.Query(t.Context(), "SELECT at, writer, resource, holder, coalesce(epoch, 0) FROM audit.entries ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	a := &audit{tenures: make(map[string][]auditEntry)}
	a.entries, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e auditEntry, err error) {
		return e, row.Scan(&e.at, &e.writer, &e.resource, &e.holder, &e.epoch)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range a.entries {
		if e.holder != nil {
			a.tenures[e.resource] = append(a.tenures[e.resource], e)
		}
	}
	return a
}

// holder is the node that had a resource at a time.
func (a *audit) holder(resource string, at time.Time) string {
	list := a.tenures[resource]
	i, _ := slices.BinarySearchFunc(list, at, func(e auditEntry, at time.Time) int { return e.at.Compare(at) })
	if i == 0 {
		return ""
	}
	return *list[i-1].holder
}

// checkAudit fails where anything was written by another node than the one that had
// the lease, or where one asked or told somebody without it. A node that was frozen
// between its last look at the lease and the request is not to be blamed.
func (f *fleet) checkAudit(t *testing.T) {
	t.Helper()
	a := f.readAudit(t)
	held, written := make(map[string]auditEntry), 0
	for _, e := range a.entries {
		if e.holder != nil {
			if e.epoch < held[e.resource].epoch {
				t.Errorf("the epoch of %s was %d and is %d", e.resource, held[e.resource].epoch, e.epoch)
			}
			held[e.resource] = e
			continue
		}
		written++
		writer, _, _ := strings.Cut(e.writer, ".")
		if holder := held[e.resource].holder; holder == nil || *holder != writer {
			t.Errorf("%s was written by %s at %v, but the lease has been since %v: %+v", e.resource, e.writer, e.at, held[e.resource].at, held[e.resource].holderName())
		}
	}
	f.checkRequests(t, a)
	t.Logf("%d writes", written)
}

// checkRequests fails where a node asked for a source or told an endpoint that was
// another's, but for what was under way when it was frozen.
func (f *fleet) checkRequests(t *testing.T, a *audit) {
	t.Helper()
	requests, excused := 0, 0
	// late are the requests of a node since a freeze for what was another's by then.
	late := make(map[freeze]map[string]int)
	look := func(v visit, resource string, underWay int) {
		requests++
		node, holder := nodeNamed(v.node), a.holder(resource, v.at)
		if holder == node {
			return
		}
		for _, frozen := range slices.Backward(f.freezes) {
			if frozen.node != node || v.at.Before(frozen.at) {
				continue
			}
			if late[frozen] == nil {
				late[frozen] = make(map[string]int)
			}
			if late[frozen][resource]++; late[frozen][resource] <= underWay {
				excused++
				return
			}
			break
		}
		t.Errorf("%s asked for %s at %v, which was %q's", node, resource, v.at, holder)
	}
	for _, v := range f.visits.since(time.Time{}) {
		look(v, "source/"+v.source, 1)
	}
	for endpoint, posts := range f.posts {
		for _, v := range posts.since(time.Time{}) {
			look(v, "endpoint/"+endpoint, maxInFlight)
		}
	}
	t.Logf("%d requests, of which %d were under way when their node was frozen", requests, excused)
}

// holderName is the holder of a lease, for people.
func (e auditEntry) holderName() string {
	if e.holder == nil {
		return "never anybody's"
	}
	return cmp.Or(*e.holder, "nobody's")
}

// nodeNamed is the name of the node at an address.
func nodeNamed(address string) string {
	var i int
	if _, err := fmt.Sscanf(address, "10.77.%d.2", &i); err != nil {
		return address
	}
	return fmt.Sprintf("node-%d", i-1)
}
