package postgres

import (
	"testing"
	"time"
)

// TestMembersTellTheTime: what is read of a member, however long it was silent, is what
// the clock of the database says, which is another one than that of this machine.
func TestMembersTellTheTime(t *testing.T) {
	t.Parallel()
	const ahead = 90 * time.Second
	dsn := migratedAlone(t)
	mustExec(t, dsn, `CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
		'SELECT pg_catalog.clock_timestamp() + interval ''90 seconds'''`)
	s := mustOpen(t, dsn+"&search_path=public,pg_catalog") // so that it is found before the server's own
	mustJoin(t, s, "a", "b")
	quieten(t, s, "b", time.Hour)
	asked := time.Now()
	found, err := s.Members(t.Context())
	answered := time.Now()
	must(t, err)
	if len(found) != 2 {
		t.Fatalf("members %v", found)
	}
	for _, m := range found {
		// Both of its parts are cut to microseconds.
		said := m.SeenAt.Add(m.Age).Add(-ahead)
		if said.Before(asked.Add(-2*time.Microsecond)) || said.After(answered.Add(2*time.Microsecond)) {
			t.Errorf("%s: it said %v, asked at %v and answered at %v", m.ID, said, asked, answered)
		}
	}
}
