package storetest

import (
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var attemptTests = map[string]func(*testing.T, Fresh){
	"attempts are counted and measured by endpoint": attemptsMeasured,
}

func attemptsMeasured(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	equal(t, "of none", must(s.AttemptStats(t.Context(), time.Time{}, 100))(t), []store.AttemptStats{})
	c := &store.Commit{}
	for range 20 {
		c.Events = append(c.Events, alert("orders", "ops", "crm"))
	}
	mustCommit(t, s, c)
	at := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Minute) }
	var outcomes []notify.Outcome
	for i := range c.Events {
		a := notify.Attempt{Number: 1, At: at(i), Duration: time.Duration(20-i) * time.Millisecond, Status: 200}
		outcomes = append(outcomes, notify.Outcome{Delivery: c.Events[i].Tell[0].ID, State: notify.Delivered, Attempts: 1, Attempt: a})
	}
	// The other endpoint took one in three attempts.
	for n := 1; n <= 3; n++ {
		o := notify.Outcome{Delivery: c.Events[9].Tell[1].ID, State: notify.Waiting, Attempts: n}
		o.Attempt = notify.Attempt{Number: n, At: at(10 + n), Duration: time.Duration(n) * time.Second, Status: 500, Error: "500"}
		if n == 3 {
			o.State, o.Attempt.Status, o.Attempt.Error = notify.Delivered, 200, ""
		}
		noError(t, s.Record(t.Context(), []notify.Outcome{o}))
	}
	noError(t, s.Record(t.Context(), outcomes))

	stats := func(since time.Time, deliveries int) []store.AttemptStats {
		t.Helper()
		return must(s.AttemptStats(t.Context(), since, deliveries))(t)
	}
	crm := store.AttemptStats{Endpoint: "crm", Attempts: 3, Failed: 2, Oldest: at(11), P50: 2 * time.Second, P95: 3 * time.Second}
	equal(t, "of all", stats(time.Time{}, 1000), []store.AttemptStats{
		crm, {Endpoint: "ops", Attempts: 20, Oldest: at(0), P50: 10 * time.Millisecond, P95: 19 * time.Millisecond},
	})
	equal(t, "since a time", stats(at(13), 1000), []store.AttemptStats{
		{Endpoint: "crm", Attempts: 1, Oldest: at(13), P50: 3 * time.Second, P95: 3 * time.Second},
		{Endpoint: "ops", Attempts: 7, Oldest: at(13), P50: 4 * time.Millisecond, P95: 7 * time.Millisecond},
	})
	equal(t, "of the newest deliveries", stats(time.Time{}, 4), []store.AttemptStats{
		{Endpoint: "ops", Attempts: 2, Oldest: at(18), P50: time.Millisecond, P95: 2 * time.Millisecond},
	})
	equal(t, "of no delivery", stats(time.Time{}, 0), []store.AttemptStats{})
}
