package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// fence is a node that believes to have some leases.
type fence map[string]int64

func (f fence) Epoch(resource string) (int64, bool) {
	epoch, held := f[resource]
	return epoch, held
}

// all are the leases of the tests below.
func (f fence) all(epoch int64) fence {
	for _, resource := range []string{
		store.LimitResource("github"), store.SourceResource("orders"), store.EndpointResource("ops"), store.TokenResource("shop"), store.TaskPrune,
	} {
		f[resource] = epoch
	}
	return f
}

// leasehold opens a database in which something waits for the endpoint, and all
// leases are a node's under an epoch.
func leasehold(t *testing.T, node string, epoch int64, f fence) *Store {
	t.Helper()
	s := mustOpen(t, migrated(t))
	for _, query := range []string{
		`INSERT INTO events SELECT n, 'evt_' || n, 'x.created', 'orders', '7', n, n, 0, 0, '{}' FROM generate_series(1, 5) n`,
		`INSERT INTO deliveries SELECT n, n, 'ops', 'somewhere', CASE WHEN n < 4 THEN 'waiting' ELSE 'delivered' END, 0, 0, 7, 0, 8, '', ''
			FROM generate_series(1, 5) n`,
		`UPDATE log_head SET position = 5, delivery = 5`,
		`INSERT INTO replays VALUES ('rpl_1', 'ops', '', 0, 0, 0, 0, 0, 0, 5, 0, 1, 0)`,
	} {
		_, err := s.pool.Exec(t.Context(), query)
		must(t, err)
	}
	for resource := range (fence{}).all(0) {
		_, err := s.pool.Exec(t.Context(), "INSERT INTO leases (resource, node, epoch, since) VALUES ($1, $2, $3, now())", resource, node, epoch)
		must(t, err)
	}
	s.SetFence("me", f)
	return s
}

// leased are the writes that fail where their lease is not held.
var leased = map[string]func(ctx context.Context, s *Store) error{
	"budget": func(ctx context.Context, s *Store) error {
		return s.SaveBudgets(ctx, []poller.Budget{{Limit: "github"}, {Limit: store.OwnLimit("orders")}})
	},
	"pace": func(ctx context.Context, s *Store) error {
		return s.SavePaces(ctx, []notify.Pace{{Endpoint: "ops", Reserved: 3}})
	},
	"endpoint": func(ctx context.Context, s *Store) error {
		return s.SaveEndpointState(ctx, notify.EndpointState{Name: "ops", Paused: true})
	},
	"batch": func(ctx context.Context, s *Store) error {
		_, err := s.SaveBatch(ctx, "ops", "bat_1", []int64{1, 2})
		return err
	},
	"haste": func(ctx context.Context, s *Store) error {
		_, err := s.Hasten(ctx, "ops", 1)
		return err
	},
	"lanes": func(ctx context.Context, s *Store) error { return s.Relabel(ctx, "ops", notify.OrderItem) },
	"replay": func(ctx context.Context, s *Store) error {
		return s.AdvanceReplay(ctx, &store.Replay{ID: "rpl_1", Endpoint: "ops"}, store.ReplayStep{Reached: 5, Tell: []notify.Delivery{{Position: 5}}})
	},
	"token":     func(ctx context.Context, s *Store) error { return s.SaveToken(ctx, "shop", []byte("sealed")) },
	"retention": func(ctx context.Context, s *Store) error { return pruneAll(ctx, s) },
	"overdue":   func(ctx context.Context, s *Store) error { return s.SaveOverdueTold(ctx, []string{"ops"}) },
}

// leftOut are those of which what is not held is left out.
var leftOut = map[string]func(ctx context.Context, s *Store) error{
	"outcomes": func(ctx context.Context, s *Store) error {
		return s.Record(ctx, []notify.Outcome{{Endpoint: "ops", Delivery: 1, State: notify.Delivered, Attempt: notify.Attempt{Number: 1}}})
	},
	"next runs": func(ctx context.Context, s *Store) error {
		return s.SaveNextRuns(ctx, map[string]time.Time{"orders": time.Unix(1, 0)})
	},
}

func pruneAll(ctx context.Context, s *Store) error {
	late := time.Now().AddDate(1, 0, 0)
	_, err := s.Prune(ctx, store.Retention{Events: late, Waiting: late})
	return err
}

// contents is all that the tests above could have written.
func contents(t *testing.T, s *Store) string {
	t.Helper()
	var all string
	for _, table := range []string{
		"events", "deliveries", "attempts", "endpoint_states", "budgets", "next_runs", "tokens", "overdue_told", "replays", "log_head",
	} {
		found, err := list(t.Context(), s, scanName, "SELECT '"+table+"' || coalesce(string_agg(t::text, ' ' ORDER BY t::text), '') FROM "+table+" t")
		must(t, err)
		all += found[0] + "\n"
	}
	return all
}

// TestWithoutLease: what is another node's by now is not written, whatever this one
// believes.
func TestWithoutLease(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		node  string
		epoch int64
		fence fence
	}{
		"never held":        {"me", 1, fence{}},
		"of another":        {"other", 1, fence{}.all(1)},
		"under a new epoch": {"me", 2, fence{}.all(1)},
		"free":              {"", 1, fence{}.all(1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := leasehold(t, c.node, c.epoch, c.fence)
			before := contents(t, s)
			for what, write := range leased {
				if err := write(t.Context(), s); !errors.Is(err, store.ErrNotHeld) {
					t.Errorf("%s: got %v, want ErrNotHeld", what, err)
				}
			}
			for what, write := range leftOut {
				if err := write(t.Context(), s); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			if after := contents(t, s); after != before {
				t.Errorf("written:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}

// TestUnderLease: each of them writes where the lease is held.
func TestUnderLease(t *testing.T) {
	t.Parallel()
	for _, writes := range []map[string]func(ctx context.Context, s *Store) error{leased, leftOut} {
		for what, write := range writes {
			t.Run(what, func(t *testing.T) {
				t.Parallel()
				s := leasehold(t, "me", 3, fence{}.all(3))
				before := contents(t, s)
				must(t, write(t.Context(), s))
				if contents(t, s) == before {
					t.Error("nothing was written")
				}
			})
		}
	}
}

// TestHeldAmongOthers records what is held of several endpoints, and saves the next
// runs of those sources that are.
func TestHeldAmongOthers(t *testing.T) {
	t.Parallel()
	s := leasehold(t, "me", 3, fence{}.all(3))
	_, err := s.pool.Exec(t.Context(), "UPDATE deliveries SET endpoint = 'crm' WHERE id = 2")
	must(t, err)
	outcome := func(endpoint string, delivery int64) notify.Outcome {
		return notify.Outcome{Endpoint: endpoint, Delivery: delivery, State: notify.Delivered, Attempt: notify.Attempt{Number: 1}}
	}
	must(t, s.Record(t.Context(), []notify.Outcome{outcome("ops", 1), outcome("crm", 2), outcome("ops", 3)}))
	left, err := list(t.Context(), s, scanID, "SELECT id FROM deliveries WHERE state = 'waiting'")
	must(t, err)
	if len(left) != 1 || left[0] != 2 {
		t.Errorf("%v wait, want the one of another node", left)
	}
	must(t, s.SaveNextRuns(t.Context(), map[string]time.Time{"orders": time.Unix(1, 0), "feed": time.Unix(1, 0)}))
	runs, err := s.NextRuns(t.Context())
	must(t, err)
	if _, ok := runs["orders"]; !ok || len(runs) != 1 {
		t.Errorf("next runs %v, want that of orders", runs)
	}
}

// TestWithoutNeed: what any node may do needs no lease, and lets all look again.
func TestWithoutNeed(t *testing.T) {
	t.Parallel()
	s := leasehold(t, "other", 1, fence{})
	generation := func() int64 {
		t.Helper()
		found, err := list(t.Context(), s, scanID, "SELECT generation FROM cluster")
		must(t, err)
		return found[0]
	}
	for _, c := range []struct {
		what  string
		write func() error
		told  bool
	}{
		{"pause", func() error { return s.PauseSource(t.Context(), "orders", time.Unix(1, 0)) }, true},
		{"resume", func() error { return s.ResumeSource(t.Context(), "orders") }, true},
		{"replay", func() error {
			return s.AddReplays(t.Context(), []store.Replay{{ID: "rpl_2", Endpoint: "ops", CreatedAt: time.Unix(1, 0)}})
		}, true},
		{"subscription", func() error { return s.AddSubscription(t.Context(), store.Subscription{ID: "sub_1"}) }, true},
		{"end", func() error { _, err := s.EndSubscription(t.Context(), "sub_1"); return err }, true},
		{"retell", func() error { _, err := s.Retell(t.Context(), 5); return err }, false},
		{"ping", func() error { return s.Ping(t.Context()) }, false},
	} {
		before := generation()
		if err := c.write(); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if told := generation() > before; told != c.told {
			t.Errorf("%s: others were told: %v", c.what, told)
		}
	}
}
