package storetest

import (
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var batchTests = map[string]func(*testing.T, Fresh){
	"a batch keeps its members":         batchKeepsMembers,
	"only what waits joins a batch":     onlyWaitingJoins,
	"retention ends a batch as a whole": batchExpiresWhole,
	"what is in a batch is posted":      batchIsNotSuperseded,
	"a batch is hastened as a whole":    batchIsHastened,
}

// commitMany commits n changes told to one endpoint.
func commitMany(tb testing.TB, s store.Store, src *store.Source, n int) []notify.Delivery {
	tb.Helper()
	c := &store.Commit{Source: src}
	for range n {
		c.Events = append(c.Events, change(src.Name, "ops"))
	}
	mustCommit(tb, s, c)
	var told []notify.Delivery
	for _, e := range c.Events {
		told = append(told, e.Tell[0])
	}
	return told
}

func idsOf(deliveries []notify.Delivery) []int64 {
	var ids []int64
	for _, d := range deliveries {
		ids = append(ids, d.ID)
	}
	return ids
}

func batchKeepsMembers(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	want := commitMany(t, s, &store.Source{Name: "orders"}, 300)
	in := append(append([]notify.Delivery(nil), want[:120]...), want[200:]...)
	for i := range in {
		in[i].Batch = "bat_1"
	}
	equal(t, "saved", len(must(s.SaveBatch(t.Context(), "ops", "bat_1", idsOf(in)))(t)), len(in))
	noError(t, s.Close())
	s = open(t)
	equal(t, "members", must(s.Batch(t.Context(), "ops", "bat_1"))(t), in)
	equal(t, "of another endpoint", len(must(s.Batch(t.Context(), "crm", "bat_1"))(t)), 0)
	equal(t, "of another batch", len(must(s.Batch(t.Context(), "ops", "bat_2"))(t)), 0)
	equal(t, "the first that waits", must(s.Waiting(t.Context(), "ops", 0, 1))(t), in[:1])
	var outcomes []notify.Outcome
	for _, d := range in {
		outcomes = append(outcomes, outcomeOf(d, 1))
	}
	noError(t, s.Record(t.Context(), outcomes))
	equal(t, "after its end", len(must(s.Batch(t.Context(), "ops", "bat_1"))(t)), 0)
	equal(t, "left", waitingIDs(t, s, "ops"), idsOf(want[120:200]))
}

func onlyWaitingJoins(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	d := commitMany(t, s, &store.Source{Name: "orders"}, 5)
	noError(t, s.Record(t.Context(), []notify.Outcome{outcomeOf(d[1], 1)}))
	equal(t, "first", must(s.SaveBatch(t.Context(), "ops", "bat_1", []int64{d[2].ID}))(t), []int64{d[2].ID})
	equal(t, "second", must(s.SaveBatch(t.Context(), "ops", "bat_2", append(idsOf(d), 999)))(t), []int64{d[0].ID, d[3].ID, d[4].ID})
	equal(t, "again, as its answer was lost", must(s.SaveBatch(t.Context(), "ops", "bat_2", append(idsOf(d), 999)))(t), []int64{d[0].ID, d[3].ID, d[4].ID})
	equal(t, "of another endpoint", must(s.SaveBatch(t.Context(), "crm", "bat_3", idsOf(d)))(t), []int64{})
	equal(t, "nothing", must(s.SaveBatch(t.Context(), "ops", "bat_4", nil))(t), []int64{})
}

func batchIsHastened(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	d := commitMany(t, s, &store.Source{Name: "orders"}, 4)
	must(s.SaveBatch(t.Context(), "ops", "bat_1", idsOf(d[:3])))(t)
	var outcomes []notify.Outcome
	for i := range d {
		o := outcomeOf(d[i], 1)
		if o.State, o.NotBefore = notify.Waiting, epoch.Add(time.Hour); i == 0 {
			o.State = notify.Dead
		}
		outcomes = append(outcomes, o)
	}
	noError(t, s.Record(t.Context(), outcomes))
	equal(t, "asked for", must(s.Hasten(t.Context(), "ops", d[2].ID))(t).ID, d[2].ID)
	waiting := must(s.Waiting(t.Context(), "ops", 0, 10))(t)
	equal(t, "waiting", idsOf(waiting), idsOf(d[1:]))
	for i, hastened := range []bool{true, true, false} {
		if got := waiting[i].NotBefore.Before(epoch); got != hastened {
			t.Errorf("delivery %d is due at %s", waiting[i].ID, waiting[i].NotBefore)
		}
	}
}

func batchExpiresWhole(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src := &store.Source{Name: "orders"}
	old := commitMany(t, s, src, 301)
	between := time.Now().Add(time.Millisecond)
	<-time.After(2 * time.Millisecond)
	young := commitMany(t, s, src, 1)
	_ = must(s.SaveBatch(t.Context(), "ops", "bat_1", append(idsOf(old[:100]), young[0].ID)))(t)
	_ = must(s.SaveBatch(t.Context(), "ops", "bat_2", idsOf(old[100:300])))(t)
	done := must(s.Prune(t.Context(), store.Retention{Waiting: between}))(t)
	equal(t, "expired", done.Expired, int64(201))
	equal(t, "the batch with a young member", len(must(s.Batch(t.Context(), "ops", "bat_1"))(t)), 101)
	done = must(s.Prune(t.Context(), store.Retention{Waiting: future}))(t)
	equal(t, "expired at last", done.Expired, int64(101))
	equal(t, "left", len(waitingIDs(t, s, "ops")), 0)
}

func batchIsNotSuperseded(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	c := &store.Commit{Source: &store.Source{Name: "orders"}, Events: []store.Event{
		keyed("orders", "7", "ops"), keyed("orders", "7", "ops"), keyed("orders", "7", "ops"),
	}}
	mustCommit(t, s, c)
	_ = must(s.SaveBatch(t.Context(), "ops", "bat_1", []int64{c.Events[0].Tell[0].ID}))(t)
	equal(t, "superseded", superseded(t, s, "ops", 1, 2, 3), []int64{2})
}
