package eventlog

import (
	"testing"

	"github.com/pollwire/pollwire/internal/store"
)

// TestForget asks the store again, which may have other events than those at hand.
func TestForget(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.commit("orders", "orders")
	r.read(Query{Limit: 10})
	r.commit("orders")
	r.read(Query{Limit: 10})
	state := func() picked {
		_, state := r.log.tail.pick(&store.LogQuery{After: 2}, 0)
		return state
	}
	if state() != answered {
		t.Fatal("the newest event is not at hand")
	}
	r.log.Forget()
	if state() != stale {
		t.Error("the newest event is at hand still")
	}
	if page := r.read(Query{Limit: 10}); len(page.Events) != 3 {
		t.Errorf("%d events", len(page.Events))
	}
}
