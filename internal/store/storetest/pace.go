package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

var paceTests = map[string]func(*testing.T, Fresh){
	"paces are replaced by endpoint":           paces,
	"paces are none of the limits":             pacesAreNoLimits,
	"the pace of a subscription goes with it":  paceOfSubscription,
	"the paces of many endpoints are one save": manyPaces,
}

func paces(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	equal(t, "before the first", must(s.Pace(t.Context(), "ops"))(t), notify.Pace{Endpoint: "ops"})
	noError(t, s.SavePaces(t.Context(), nil))
	ops := notify.Pace{Endpoint: "ops", Reserved: 3, Spent: []notify.Spend{{At: epoch, Count: 1}, {At: epoch.Add(time.Microsecond), Count: 7}}}
	noError(t, s.SavePaces(t.Context(), []notify.Pace{ops, {Endpoint: "crm", Reserved: 1}}))
	equal(t, "ops", must(s.Pace(t.Context(), "ops"))(t), ops)

	ops.Spent, ops.Reserved = ops.Spent[1:], 0
	noError(t, s.SavePaces(t.Context(), []notify.Pace{ops}))
	noError(t, s.Close())
	s = open(t)
	equal(t, "ops after a restart", must(s.Pace(t.Context(), "ops"))(t), ops)
	equal(t, "crm after a restart", must(s.Pace(t.Context(), "crm"))(t), notify.Pace{Endpoint: "crm", Reserved: 1})
}

// pacesAreNoLimits: a limit and a source of the endpoint's name have budgets of
// their own, and who reads all limits meets no endpoint.
func pacesAreNoLimits(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	limits := []poller.Budget{{Limit: "endpoint", Reserved: 1}, {Limit: "ops", Reserved: 2}, {Limit: store.OwnLimit("ops"), Reserved: 3}}
	noError(t, s.SaveBudgets(t.Context(), limits))
	noError(t, s.SavePaces(t.Context(), []notify.Pace{{Endpoint: "ops", Reserved: 4}, {Endpoint: "zoo", Reserved: 5}}))
	equal(t, "limits", must(s.Budgets(t.Context()))(t), limits)
	equal(t, "pace", must(s.Pace(t.Context(), "ops"))(t), notify.Pace{Endpoint: "ops", Reserved: 4})
}

func paceOfSubscription(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	noError(t, s.AddSubscription(t.Context(), subscription("sub_1")))
	noError(t, s.SavePaces(t.Context(), []notify.Pace{{Endpoint: "sub_1", Reserved: 4}, {Endpoint: "sub_2", Reserved: 5}}))
	_ = must(s.EndSubscription(t.Context(), "sub_1"))(t)
	equal(t, "its own", must(s.Pace(t.Context(), "sub_1"))(t), notify.Pace{Endpoint: "sub_1"})
	equal(t, "another's", must(s.Pace(t.Context(), "sub_2"))(t), notify.Pace{Endpoint: "sub_2", Reserved: 5})
}

func manyPaces(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	all := make([]notify.Pace, 3000)
	for i := range all {
		all[i] = notify.Pace{Endpoint: fmt.Sprint("endpoint-", i), Reserved: i + 1, Spent: []notify.Spend{{At: epoch, Count: i + 1}}}
	}
	noError(t, s.SavePaces(t.Context(), all))
	for _, i := range []int{0, 1499, 2999} {
		equal(t, "pace", must(s.Pace(t.Context(), all[i].Endpoint))(t), all[i])
	}
}
