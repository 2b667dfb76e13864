package sqlite

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
)

// TestSubscriptionPlans: neither the end of a subscription nor the look for what
// was left of some may read all that waits for others.
func TestSubscriptionPlans(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "pollwire.db"))
	for query, most := range map[string]int{endWaiting: 2, selectEndpointNames: 3} {
		rows, err := s.reader.db.Query("EXPLAIN QUERY PLAN "+query, "sub_", 1000, 0)
		must(t, err)
		plan, err := collect(rows, func(rows *sql.Rows) (step string, err error) {
			var unused int
			err = rows.Scan(&unused, &unused, &unused, &step)
			return step, err
		})
		must(t, err)
		text := strings.Join(plan, "\n")
		if !strings.Contains(text, "deliveries_waiting ") && !strings.Contains(text, "deliveries_waiting_lane ") ||
			strings.Contains(text, "SCAN deliveries") || strings.Count(text, "SEARCH") < most {
			t.Errorf("%s:\n%s", query, text)
		}
	}
}
