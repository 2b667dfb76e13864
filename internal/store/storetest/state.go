package storetest

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

var stateTests = map[string]func(*testing.T, Fresh){
	"budgets are replaced by limit":        budgets,
	"next runs are added and replaced":     nextRuns,
	"endpoint states are replaced by name": endpointStates,
	"tokens are replaced by name":          tokens,
	"ping writes":                          ping,
}

func budgets(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	equal(t, "before the first", len(must(s.Budgets(t.Context()))(t)), 0)
	noError(t, s.SaveBudgets(t.Context(), nil))
	github := poller.Budget{Limit: "github", Reserved: 8, PausedUntil: epoch, Spent: []poller.Spend{{At: epoch, Count: 1}, {At: epoch.Add(time.Microsecond), Count: 20}}}
	noError(t, s.SaveBudgets(t.Context(), []poller.Budget{{Limit: "stripe"}, github}))
	equal(t, "budgets", must(s.Budgets(t.Context()))(t), []poller.Budget{github, {Limit: "stripe"}})
	equal(t, "of one limit", must(s.Budgets(t.Context(), "github"))(t), []poller.Budget{github})
	equal(t, "of limits some of which have none, and one twice",
		must(s.Budgets(t.Context(), "stripe", "none", "github", "stripe"))(t), []poller.Budget{github, {Limit: "stripe"}})
	equal(t, "of a limit that has none", len(must(s.Budgets(t.Context(), "none"))(t)), 0)

	github.Spent, github.Reserved, github.PausedUntil = github.Spent[1:], 0, time.Time{}
	noError(t, s.SaveBudgets(t.Context(), []poller.Budget{github}))
	noError(t, s.Close())
	equal(t, "after a restart", must(open(t).Budgets(t.Context()))(t), []poller.Budget{github, {Limit: "stripe"}})
}

func nextRuns(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	noError(t, s.SaveNextRuns(t.Context(), nil))
	want := map[string]time.Time{}
	for n := range 300 {
		want[fmt.Sprint("source-", n)] = epoch.Add(time.Duration(n) * time.Second)
	}
	noError(t, s.SaveNextRuns(t.Context(), want))
	equal(t, "next runs", must(s.NextRuns(t.Context()))(t), want)
	equal(t, "of two sources", must(s.NextRuns(t.Context(), "source-7", "source-8", "none", "source-7"))(t),
		map[string]time.Time{"source-7": want["source-7"], "source-8": want["source-8"]})
	equal(t, "of a source that has none", len(must(s.NextRuns(t.Context(), "none"))(t)), 0)
	most := slices.Sorted(maps.Keys(want))[20:]
	some := must(s.NextRuns(t.Context(), most...))(t)
	equal(t, "how many of many", len(some), len(most))
	equal(t, "one of many", some[most[100]], want[most[100]])

	want["source-7"], want["new"], want["never"] = future, epoch, time.Time{}
	noError(t, s.SaveNextRuns(t.Context(), map[string]time.Time{"source-7": future, "new": epoch, "never": {}}))
	noError(t, s.Close())
	equal(t, "after a restart", must(open(t).NextRuns(t.Context()))(t), want)
}

func endpointStates(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	equal(t, "before the first", len(must(s.EndpointStates(t.Context()))(t)), 0)
	ops := notify.EndpointState{Name: "ops", Disabled: true, Reason: "410 Gone", Since: epoch}
	crm := notify.EndpointState{
		Name: "crm", Reason: "status 503", Paused: true, PausedUntil: epoch.Add(time.Hour), Failures: 7,
		FailingSince: epoch.Add(time.Minute), FailedAt: epoch.Add(2 * time.Minute),
		OpenUntil: epoch.Add(3 * time.Minute), Cooldown: 90 * time.Second, Told: true, Untold: notify.EndpointFailing,
	}
	noError(t, s.SaveEndpointState(t.Context(), ops))
	noError(t, s.SaveEndpointState(t.Context(), crm))
	equal(t, "states", must(s.EndpointStates(t.Context()))(t), []notify.EndpointState{crm, ops})

	noError(t, s.SaveEndpointState(t.Context(), notify.EndpointState{Name: "ops"}))
	noError(t, s.Close())
	equal(t, "after a restart", must(open(t).EndpointStates(t.Context()))(t), []notify.EndpointState{crm, {Name: "ops"}})
}

func tokens(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	if sealed := must(s.Token(t.Context(), "shop"))(t); sealed != nil {
		t.Errorf("a token that was never saved: %q", sealed)
	}
	buffer := []byte{0, 1, 2, 255}
	noError(t, s.SaveToken(t.Context(), "shop", buffer))
	clear(buffer)
	equal(t, "token", must(s.Token(t.Context(), "shop"))(t), []byte{0, 1, 2, 255})
	noError(t, s.SaveToken(t.Context(), "shop", []byte("newer")))
	noError(t, s.SaveToken(t.Context(), "other", nil))
	noError(t, s.Close())
	s = open(t)
	equal(t, "after a restart", string(must(s.Token(t.Context(), "shop"))(t)), "newer")
	equal(t, "of another name", len(must(s.Token(t.Context(), "other"))(t)), 0)
}

func ping(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	noError(t, s.Ping(t.Context()))
	noError(t, s.Ping(t.Context()))
}
