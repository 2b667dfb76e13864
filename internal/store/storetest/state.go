package storetest

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

var stateTests = map[string]func(*testing.T, Fresh){
	"budgets are replaced by limit":        budgets,
	"next runs are added and replaced":     nextRuns,
	"endpoint states are replaced by name": endpointStates,
	"tokens are replaced by name":          tokens,
	"names of any content are kept":        strangeNames,
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
	equal(t, "states of some", must(s.EndpointStates(t.Context(), "ops", "unknown", "ops", "crm"))(t), []notify.EndpointState{crm, ops})
	equal(t, "state of one", must(s.EndpointStates(t.Context(), "ops"))(t), []notify.EndpointState{ops})

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

// strangeNames has something of every kind under a name of any content.
func strangeNames(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	for n, name := range strange[1:] {
		budget := poller.Budget{Limit: name, Reserved: n}
		state := notify.EndpointState{Name: name, Reason: name}
		noError(t, s.SaveBudgets(t.Context(), []poller.Budget{budget}))
		noError(t, s.SaveNextRuns(t.Context(), map[string]time.Time{name: epoch}))
		noError(t, s.SaveEndpointState(t.Context(), state))
		noError(t, s.PauseSource(t.Context(), name, epoch))
		begin(t, s, store.Replay{ID: name, Endpoint: name, Source: name, CreatedAt: epoch})
		c := &store.Commit{Events: []store.Event{alert(name, name)}}
		c.Events[0].Tell[0].Key = name
		mustCommit(t, s, c)
		told := c.Events[0].Tell[0]
		equal(t, "batch", must(s.SaveBatch(t.Context(), name, name, []int64{told.ID}))(t), []int64{told.ID})
		told.Batch = name
		equal(t, "members", must(s.Batch(t.Context(), name, name))(t), []notify.Delivery{told})
		failed := outcomeOf(told, 1)
		failed.State, failed.Attempt.Error = notify.Waiting, name
		noError(t, s.Record(t.Context(), []notify.Outcome{failed}))
		noError(t, s.SaveOverdueTold(t.Context(), []string{name}))

		equal(t, "budget", must(s.Budgets(t.Context(), name))(t), []poller.Budget{budget})
		equal(t, "next run", must(s.NextRuns(t.Context(), name))(t), map[string]time.Time{name: epoch})
		equal(t, "pause", must(s.PausedSources(t.Context()))(t)[name], epoch)
		if states := must(s.EndpointStates(t.Context()))(t); !slices.Contains(states, state) {
			t.Errorf("%q: %+v", name, states)
		}
		replay := must(s.ReplaysByID(t.Context(), name))(t)[0]
		equal(t, "replay", []string{replay.Endpoint, replay.Source}, []string{name, name})
		shown, attempts, err := s.Delivery(t.Context(), told.ID)
		noError(t, err)
		equal(t, "delivery", []string{shown.Endpoint, shown.Lane, shown.Key, shown.Batch, shown.Source, shown.Last.Error, attempts[0].Error},
			[]string{name, name, name, name, name, name, name})
		overdue := must(s.Overdue(t.Context(), future))(t)
		i := slices.IndexFunc(overdue, func(o store.Overdue) bool { return o.Endpoint == name })
		if i < 0 || !overdue[i].Told {
			t.Errorf("%q: %+v", name, overdue)
		}
	}
}

func ping(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	noError(t, s.Ping(t.Context()))
	noError(t, s.Ping(t.Context()))
}
