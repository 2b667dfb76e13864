package postgres

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// TestSettings: whatever a database has as its defaults, several that open it at once
// make its tables, and it works.
func TestSettings(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]string{
		"serializable": {"default_transaction_isolation = 'serializable'", "DateStyle = 'German, DMY'", "TimeZone = 'Asia/Kolkata'", "bytea_output = escape"},
		"repeatable": {
			"default_transaction_isolation = 'repeatable read'", "DateStyle = 'Postgres, DMY'", "IntervalStyle = 'sql_standard'", "standard_conforming_strings = off",
			"backslash_quote = off", "client_encoding = 'LATIN1'", "search_path = 'Mein Schema'", "lock_timeout = '1s'", "statement_timeout = '20s'",
			"idle_in_transaction_session_timeout = '1s'", "array_nulls = off", "transform_null_equals = on", "synchronous_commit = off", "extra_float_digits = -10",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := database(t)
			name := strings.TrimPrefix(mustURL(t, dsn).Path, "/")
			mustExec(t, dsn, `CREATE SCHEMA "Mein Schema"`)
			for _, setting := range settings {
				mustExec(t, dsn, "ALTER DATABASE "+name+" SET "+setting)
			}
			var opened sync.WaitGroup
			stores := make([]*Store, 2)
			for i := range stores {
				opened.Go(func() {
					var err error
					if stores[i], err = Open(t.Context(), Options{DSN: dsn}); err != nil {
						t.Error(err)
					}
				})
			}
			opened.Wait()
			for _, s := range stores {
				if s != nil {
					defer s.Close()
				}
			}
			if t.Failed() {
				return
			}
			useSettings(t, stores[0])
		})
	}
}

// useSettings goes through what has times, bytes and strings in it.
func useSettings(t *testing.T, s *Store) {
	t.Helper()
	s.SetFence("", fence{store.EndpointResource("ops"): 1})
	must(t, s.Join(t.Context(), store.Member{ID: "me", Name: "a", StartedAt: time.Unix(1, 0), ConfiguredAt: time.Unix(2, 0)}))
	alive, err := s.Beat(t.Context(), store.Member{ID: "me", ConfiguredAt: time.Unix(3, 0)})
	members, err2 := s.Members(t.Context())
	if must(t, errors.Join(err, err2)); !alive || len(members) != 1 || members[0].Age > time.Minute || time.Since(members[0].SeenAt).Abs() > time.Minute {
		t.Errorf("members %v", members)
	}
	claimed, err := s.Claim(t.Context(), "me", [][]string{{store.EndpointResource("ops")}})
	if must(t, err); len(claimed) != 1 || time.Since(claimed[0].Since).Abs() > time.Minute {
		t.Errorf("claimed %v", claimed)
	}
	leases, err := s.Leases(t.Context(), claimed[0].Since)
	if must(t, err); len(leases) != 1 || !leases[0].Since.Equal(claimed[0].Since) {
		t.Errorf("leases %v, want %v", leases, claimed)
	}
	const words = "it's \\ \"ünïcode\" ✓ \x00 {NULL}"
	e := notify.Event{ID: "evt_1", Type: "x", Source: "orders", Subject: words, Time: time.UnixMicro(1767323045678901), Data: []byte(`{"n":1}`), Alert: true}
	must(t, s.Commit(t.Context(), &store.Commit{
		Lease:  store.EndpointResource("ops"),
		Events: []store.Event{{Event: e, Tell: []notify.Delivery{{Endpoint: "ops", Lane: words, Key: words}}}},
	}))
	got, err := s.EventByID(t.Context(), "evt_1")
	if must(t, err); got.Subject != words || !got.Time.Equal(e.Time) || string(got.Data) != string(e.Data) {
		t.Errorf("got %+v", got)
	}
	waiting, err := s.Waiting(t.Context(), "ops", 0, 10)
	if must(t, err); len(waiting) != 1 || waiting[0].Lane != words {
		t.Errorf("waiting %v", waiting)
	}
}
