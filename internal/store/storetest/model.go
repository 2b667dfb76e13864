package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var modelTests = map[string]func(*testing.T, Fresh){
	"any sequence of calls does what a model does": matchesModel,
}

// model is the contract in plain Go: what a store must hold.
type model struct {
	open Open
	s    store.Store

	sources map[string]store.Source
	// snapshots are the versions of each source that are kept, oldest first.
	snapshots  map[string][]store.Snapshot
	departed   map[string]map[string]store.Departed
	details    map[string]map[string]store.Detail
	events     []notify.Event
	deliveries []*modelDelivery
}

type modelDelivery struct {
	notify.Delivery
	state notify.State
}

var (
	modelSources   = []string{"a", "b", "c"}
	modelEndpoints = []string{"ops", "crm"}
	modelKeys      = []string{"1", "2", "3", "4"}
)

func matchesModel(t *testing.T, fresh Fresh) {
	rapid.Check(t, func(rt *rapid.T) {
		one := &lifetime{TB: t}
		defer one.end()
		open := fresh(one)
		m := &model{
			open: open, s: open(one), sources: map[string]store.Source{},
			snapshots: map[string][]store.Snapshot{}, departed: map[string]map[string]store.Departed{},
			details: map[string]map[string]store.Detail{},
		}
		rt.Repeat(map[string]func(*rapid.T){
			"commit":  m.commit,
			"stale":   m.stale,
			"accept":  m.accept,
			"rename":  m.rename,
			"record":  m.record,
			"expire":  m.expire,
			"prune":   m.prune,
			"restart": func(*rapid.T) { m.restart(one) },
			"check":   m.check,
		})
		m.check(rt)
		noError(t, m.s.Close())
	})
}

// lifetime is that of one history of a test: what was made for it goes with it, and
// does not wait for the others.
type lifetime struct {
	testing.TB
	ends []func()
}

// Cleanup has a function called at the end of the history.
func (l *lifetime) Cleanup(f func()) { l.ends = append(l.ends, f) }

func (l *lifetime) end() {
	for _, f := range slices.Backward(l.ends) {
		f()
	}
}

func (m *model) restart(t testing.TB) {
	noError(t, m.s.Close())
	m.s = m.open(t)
}

func drawTime(t *rapid.T) time.Time {
	return epoch.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "time")) * time.Second)
}

func (m *model) drawCommit(t *rapid.T, name string) *store.Commit {
	src := m.sources[name]
	src.Name = name
	src.RulesKey = rapid.StringN(0, 3, -1).Draw(t, "rules")
	src.State.Cursor = rapid.StringN(0, 3, -1).Draw(t, "cursor")
	c := &store.Commit{
		Source: &src, KeepSnapshots: rapid.IntRange(0, 3).Draw(t, "keep"),
		ConsumeAcceptance: rapid.Bool().Draw(t, "consume"),
		Forget:            rapid.Bool().Draw(t, "forget"),
		Return:            rapid.SliceOfN(rapid.SampledFrom(modelKeys), 0, 2).Draw(t, "return"),
		DropDetails:       rapid.SliceOfN(rapid.SampledFrom(modelKeys), 0, 2).Draw(t, "drop"),
	}
	if rapid.Bool().Draw(t, "snapshot") {
		c.Snapshot = drawSnapshot(t)
		if kept := m.snapshots[name]; len(kept) > 0 && rapid.Bool().Draw(t, "previous") {
			atHand := rapid.SampledFrom(kept).Draw(t, "at hand") // perhaps not the last one
			c.Previous = &atHand
		}
	}
	for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom(modelKeys), 0, 2, rapid.ID[string]).Draw(t, "depart") {
		c.Depart = append(c.Depart, store.Departed{Key: key, Item: []byte(`{"k":"` + key + `"}`), At: drawTime(t)})
	}
	for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom(modelKeys), 0, 2, rapid.ID[string]).Draw(t, "details") {
		c.Details = append(c.Details, detail(key, rapid.Byte().Draw(t, "seen"), string(drawBody(t))))
	}
	for range rapid.IntRange(0, 4).Draw(t, "events") {
		tell := rapid.SliceOfN(rapid.SampledFrom(modelEndpoints), 0, 2).Draw(t, "tell")
		e := change(name, tell...)
		if rapid.Bool().Draw(t, "alert") {
			e = alert(name, tell...)
		}
		e.Time = drawTime(t)
		for i := range e.Tell {
			e.Tell[i].Lane = rapid.SampledFrom([]string{"x", "y"}).Draw(t, "lane")
		}
		c.Events = append(c.Events, e)
	}
	return c
}

// drawSnapshot draws an answer of one page or of several, of which some are
// those of other answers.
func drawSnapshot(t *rapid.T) *store.Snapshot {
	snap := &store.Snapshot{At: drawTime(t), Format: "json"}
	if rapid.Bool().Draw(t, "one page") {
		snap.Body = drawBody(t)
		return snap
	}
	snap.Pages = bodies(rapid.SliceOfN(rapid.Custom(drawBody), 1, 4).Draw(t, "pages"))
	return snap
}

// drawBody draws a body that is like others, or like none.
func drawBody(t *rapid.T) []byte {
	if rapid.Bool().Draw(t, "unlike") {
		return rapid.SliceOfN(rapid.Byte(), 1, 700).Draw(t, "body")
	}
	return newList(rapid.Uint64Range(0, 3).Draw(t, "seed"), rapid.IntRange(1, 10).Draw(t, "items")).body()
}

func (m *model) commit(t *rapid.T) {
	name := rapid.SampledFrom(modelSources).Draw(t, "source")
	before, known := m.sources[name]
	if !known {
		before.Sequence = m.lastSequence(name)
	}
	c := m.drawCommit(t, name)
	noError(t, m.s.Commit(t.Context(), c))

	want := *c.Source
	want.Version, want.Sequence, want.AcceptRemoval = before.Version, before.Sequence, before.AcceptRemoval && !c.ConsumeAcceptance
	if c.Snapshot != nil {
		want.Version, want.ChangedAt = want.Version+1, c.Snapshot.At
		kept := append(m.snapshots[name], *c.Snapshot)
		m.snapshots[name] = kept[max(0, len(kept)-max(c.KeepSnapshots, 1)):]
		equal(t, "snapshot's version", c.Snapshot.Version, want.Version)
	}
	if m.departed[name] == nil || c.Forget {
		m.departed[name], m.details[name] = map[string]store.Departed{}, map[string]store.Detail{}
	}
	for _, d := range c.Depart {
		m.departed[name][d.Key] = d
	}
	for _, key := range c.Return {
		delete(m.departed[name], key)
	}
	for _, key := range c.DropDetails {
		delete(m.details[name], key)
	}
	for _, d := range c.Details {
		m.details[name][d.Key] = d
	}
	for _, e := range c.Events {
		if !e.Alert {
			want.Sequence++
			equal(t, "sequence", e.Sequence, want.Sequence)
		}
		m.events = append(m.events, e.Event)
		for _, d := range e.Tell {
			m.deliveries = append(m.deliveries, &modelDelivery{Delivery: d, state: notify.Waiting})
		}
	}
	equal(t, "committed row", *c.Source, want)
	m.sources[name] = want
}

// lastSequence is the last number in the log under a name.
func (m *model) lastSequence(name string) (last int64) {
	for _, e := range m.events {
		if e.Source == name {
			last = max(last, e.Sequence)
		}
	}
	return last
}

func (m *model) rename(t *rapid.T) {
	from, to := rapid.SampledFrom(modelSources).Draw(t, "from"), rapid.SampledFrom(modelSources).Draw(t, "to")
	err := m.s.Rename(t.Context(), from, to)
	src, known := m.sources[from]
	_, taken := m.sources[to]
	switch {
	case !known:
		if !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("got %v, want ErrNotFound", err)
		}
		return
	case taken:
		if !errors.Is(err, store.ErrConflict) {
			t.Fatalf("got %v, want ErrConflict", err)
		}
		return
	}
	noError(t, err)
	src.Name, src.Sequence = to, max(src.Sequence, m.lastSequence(to))
	m.sources[to], m.snapshots[to], m.departed[to], m.details[to] = src, m.snapshots[from], m.departed[from], m.details[from]
	delete(m.sources, from)
	delete(m.snapshots, from)
	delete(m.departed, from)
	delete(m.details, from)
}

func (m *model) stale(t *rapid.T) {
	c := m.drawCommit(t, rapid.SampledFrom(modelSources).Draw(t, "source"))
	c.Source.Version += rapid.SampledFrom([]int64{-1, 1, 5}).Draw(t, "off")
	if err := m.s.Commit(t.Context(), c); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("got %v, want ErrConflict", err)
	}
}

func (m *model) accept(t *rapid.T) {
	name := rapid.SampledFrom(modelSources).Draw(t, "source")
	err := m.s.AcceptRemoval(t.Context(), name)
	src, known := m.sources[name]
	if !known {
		if !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("got %v, want ErrNotFound", err)
		}
		return
	}
	noError(t, err)
	src.AcceptRemoval = true
	m.sources[name] = src
}

func (m *model) record(t *rapid.T) {
	if len(m.deliveries) == 0 {
		return
	}
	var outcomes []notify.Outcome
	for range rapid.IntRange(1, 3).Draw(t, "outcomes") {
		d := rapid.SampledFrom(m.deliveries).Draw(t, "delivery")
		o := outcomeOf(d.Delivery, d.Posts+1)
		o.State = rapid.SampledFrom([]notify.State{notify.Waiting, notify.Delivered, notify.Dead}).Draw(t, "state")
		o.NotBefore = drawTime(t)
		outcomes = append(outcomes, o)
		d.Posts, d.Attempts, d.NotBefore = d.Posts+1, o.Attempts, o.NotBefore
		if d.state == notify.Waiting || d.state == notify.Dead && o.State == notify.Delivered {
			d.state = o.State
		}
	}
	noError(t, m.s.Record(t.Context(), outcomes))
}

func (m *model) expire(t *rapid.T) {
	done, err := m.s.Prune(t.Context(), store.Retention{Waiting: future})
	noError(t, err)
	var want int64
	for _, d := range m.deliveries {
		if d.state == notify.Waiting {
			d.state, d.NotBefore = notify.Dead, time.Now()
			want++
		}
	}
	equal(t, "expired", done, store.Pruned{Expired: want})
}

func (m *model) prune(t *rapid.T) {
	before := drawTime(t)
	done, err := m.s.Prune(t.Context(), store.Retention{Events: before})
	noError(t, err)

	needed, mourned := map[int64]bool{}, map[int64]bool{}
	freshlyDead := func(d *modelDelivery) bool { return d.state == notify.Dead && !d.NotBefore.Before(before) }
	for _, d := range m.deliveries {
		needed[d.Position] = needed[d.Position] || d.state == notify.Waiting
		mourned[d.Position] = mourned[d.Position] || freshlyDead(d)
	}
	gone := map[int64]bool{}
	var want store.Pruned
	old := map[int64]bool{}
	for _, e := range m.events {
		old[e.Position] = e.Time.Before(before) && !needed[e.Position]
	}
	m.events = slices.DeleteFunc(m.events, func(e notify.Event) bool {
		gone[e.Position] = old[e.Position] && !mourned[e.Position]
		return gone[e.Position]
	})
	deliveries := len(m.deliveries)
	m.deliveries = slices.DeleteFunc(m.deliveries, func(d *modelDelivery) bool { return old[d.Position] && !freshlyDead(d) })
	want.Deliveries = int64(deliveries - len(m.deliveries))
	for _, away := range gone {
		if away {
			want.Events++
		}
	}
	for _, items := range m.departed {
		count := len(items)
		maps.DeleteFunc(items, func(_ string, d store.Departed) bool { return d.At.Before(before) })
		want.Departed += int64(count - len(items))
	}
	equal(t, "pruned", done, want)
}

// check compares all that can be read.
func (m *model) check(t *rapid.T) {
	ctx := t.Context()
	var sources []store.Source
	for _, name := range modelSources {
		src, known := m.sources[name]
		if known {
			sources = append(sources, src)
			equal(t, "row", must(m.s.Source(ctx, name))(t), src)
		}
		if kept := m.snapshots[name]; len(kept) > 0 {
			equal(t, "snapshot", readPages(t, must(m.s.Snapshot(ctx, name))(t)), kept[len(kept)-1])
			equal(t, "history", readHistory(t, m.s, name), kept)
		}
		found := map[string]store.Departed{}
		for _, d := range must(m.s.Departed(ctx, name, modelKeys))(t) {
			found[d.Key] = d
		}
		equal(t, "departed", found, m.departed[name])
		equal(t, "all departed", len(must(m.s.AllDeparted(ctx, name))(t)), len(found))
		equal(t, "details", readDetails(t, m.s, name, modelKeys...), m.details[name])
	}
	equal(t, "sources", must(m.s.Sources(ctx))(t), sources)
	equal(t, "log", must(m.s.Events(ctx, 0, 10_000))(t), m.events)
	for _, endpoint := range modelEndpoints {
		equal(t, "waiting", must(m.s.Waiting(ctx, endpoint, 0, 10_000))(t), m.waiting(endpoint, ""))
		for _, lane := range []string{"x", "y"} {
			equal(t, fmt.Sprint("lane ", lane), must(m.s.WaitingInLane(ctx, endpoint, lane, 0, 10_000))(t), m.waiting(endpoint, lane))
		}
	}
}

// waiting lists what waits for an endpoint, in one lane or in all.
func (m *model) waiting(endpoint, lane string) []notify.Delivery {
	var found []notify.Delivery
	for _, d := range m.deliveries {
		if d.state == notify.Waiting && d.Endpoint == endpoint && (lane == "" || d.Lane == lane) {
			found = append(found, d.Delivery)
		}
	}
	return found
}
