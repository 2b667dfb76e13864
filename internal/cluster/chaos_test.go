package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pollwire/pollwire/internal/store"
)

// fault is one step of a history.
type fault struct {
	Kind  string
	Node  int
	Group int
	Size  time.Duration
	// Wait is how long it is until the next one.
	Wait time.Duration
}

var faultKinds = []string{
	"start", "start", "kill", "stop", "cut", "heal", "heal", "pause", "down", "up", "up", "clock of database", "clock of node", "apply", "drain", "sick", "lag",
}

func faults(t *rapid.T) []fault {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fault {
		return fault{
			Kind:  rapid.SampledFrom(faultKinds).Draw(t, "kind"),
			Node:  rapid.IntRange(0, 5).Draw(t, "node"),
			Group: rapid.IntRange(0, 59).Draw(t, "group"),
			Size:  time.Duration(rapid.IntRange(-20_000, 40_000).Draw(t, "size")) * time.Millisecond,
			Wait:  time.Duration(rapid.SampledFrom([]int{0, 5, 300, 1000, 2500, 6000, 9000, 20_000}).Draw(t, "wait")) * time.Millisecond,
		}
	}), 3, 25).Draw(t, "faults")
}

// TestChaos goes through random histories. At no moment two nodes hold the same,
// nor does one hold what the database would not take from it; nothing is adopted
// before its release; and when quiet returns everything is where it should be.
func TestChaos(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		history := faults(rt)
		var err error
		synctest.Test(t, func(*testing.T) { err = play(history) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

func play(history []fault) error {
	w := newWorld(singles(60))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	stopped := false
	defer func() {
		if !stopped {
			w.stopAll()
		}
	}()
	for _, name := range []string{"a", "b"} {
		if err := w.add(name).node.Start(ctx); err != nil {
			return err
		}
	}
	go w.watch(ctx)
	for i, f := range history {
		w.suffer(ctx, i, f)
		w.after(f.Wait)
	}
	// Quiet returns.
	w.d.set(func(d *database) { d.down = false })
	for _, k := range w.workers {
		k.set(func() { clear(k.drain); clear(k.sick) })
		if !k.dead {
			k.link.set(func(l *link) { l.cut, l.lag = false, 0 })
		}
	}
	if len(w.alive()) == 0 {
		if err := w.add("last").node.Start(ctx); err != nil {
			return err
		}
	}
	w.after(90 * time.Second)
	w.wrong("after a minute and a half", false, w.bug)
	// Whoever was passed over has another chance.
	for end := time.Now().Add(30 * time.Minute); time.Now().Before(end); w.after(10 * time.Second) {
		misplaced := false
		if w.wrong("", true, func(string, ...any) { misplaced = true }); !misplaced {
			break
		}
	}
	w.wrong("in the end", true, w.bug)
	adopted := 0
	for _, k := range w.workers {
		adopted += k.adopted
	}
	w.after(time.Minute)
	for _, k := range w.workers {
		adopted -= k.adopted
	}
	if adopted != 0 {
		w.bug("%d adopted while all was quiet", -adopted)
	}
	stop()
	w.stopAll()
	stopped = true
	for _, k := range w.workers {
		if len(k.busy) > 0 {
			w.bug("%s still does %v", k.name, k.busy)
		}
	}
	if len(w.bugs) > 0 {
		return errors.New(strings.Join(w.bugs[:min(len(w.bugs), 10)], "\n"))
	}
	return nil
}

// alive are the nodes that were started and not ended.
func (w *world) alive() (alive []*worker) {
	for _, k := range w.workers {
		if !k.dead {
			alive = append(alive, k)
		}
	}
	return alive
}

// suffer lets one fault happen.
func (w *world) suffer(ctx context.Context, i int, f fault) {
	alive := w.alive()
	if f.Kind == "start" {
		if len(alive) >= 4 {
			return
		}
		k := w.add([]string{"a", "b", "c", "d", "e", "e"}[f.Node])
		k.set(func() { k.dead = true })
		call, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if k.node.Start(call) == nil {
			k.set(func() { k.dead = false })
		}
		return
	}
	switch f.Kind {
	case "down":
		w.d.set(func(d *database) { d.down = true })
	case "up":
		w.d.set(func(d *database) { d.down = false })
	case "clock of database":
		w.d.set(func(d *database) { d.skew += f.Size })
	case "apply":
		w.apply(f.Group, i)
	}
	if len(alive) == 0 {
		return
	}
	k := alive[f.Node%len(alive)]
	switch f.Kind {
	case "kill":
		k.kill()
	case "stop":
		k.set(func() { k.dead = true })
		go func() {
			call, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(f.Size, time.Second))
			defer cancel()
			_ = k.node.Stop(call) // it may be cut off
		}()
	case "cut":
		k.link.set(func(l *link) { l.cut = true })
	case "heal":
		k.link.set(func(l *link) { l.cut = false })
	case "pause":
		k.link.set(func(l *link) { l.cut = true })
		w.after(f.Size.Abs())
		k.link.set(func(l *link) { l.cut = false })
	case "clock of node":
		k.set(func() { k.skew += f.Size })
	case "drain":
		k.set(func() { k.drain[w.groups[f.Group%len(w.groups)].Key] = f.Size.Abs() })
	case "sick":
		k.set(func() { k.sick[w.groups[f.Group%len(w.groups)].Key] = errors.New("sick") })
	case "lag":
		k.link.set(func(l *link) { l.lag = f.Size.Abs() / 20 })
	}
}

// apply gives all nodes other groups, one after the other.
func (w *world) apply(from, salt int) {
	all := singles(60 + salt%3)
	var groups []Group
	for i := 0; i < len(all); i++ {
		switch {
		case i >= from && i < from+3:
			// left out
		case i%10 == from%10 && i+1 < len(all):
			groups = append(groups, Group{Key: fmt.Sprintf("limit/%d", i), Resources: []string{store.LimitResource(fmt.Sprint(i)), all[i].Key, all[i+1].Key}})
			i++
		default:
			groups = append(groups, all[i])
		}
	}
	w.mu.Lock()
	w.groups = groups
	w.mu.Unlock()
	for _, k := range w.workers {
		k.node.Apply(groups)
		k.node.Configured(fmt.Sprint(salt), time.Now())
		w.after(300 * time.Millisecond)
	}
}

// watch looks at all nodes again and again.
func (w *world) watch(ctx context.Context) {
	again := time.NewTicker(70 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
		w.mu.Lock()
		workers := w.workers
		w.mu.Unlock()
		w.d.mu.Lock()
		rows := w.d.leases
		holders := make(map[string]string)
		for resource, row := range rows {
			for _, k := range workers {
				if !k.node.Holds(resource) {
					continue
				}
				if other, ok := holders[resource]; ok {
					w.bug("%s is held by %s and %s", resource, other, k.name)
				}
				holders[resource] = k.name
				if epoch, ok := k.node.Epoch(resource); ok && (row.Node != k.node.Self() || row.Epoch != epoch) {
					w.bug("%s: %s holds it under epoch %d, in the database is %+v", resource, k.name, epoch, row)
				}
			}
		}
		w.d.mu.Unlock()
	}
}

// wrong tells of groups that are not held as a whole, or not where they should be.
func (w *world) wrong(when string, placed bool, tell func(string, ...any)) {
	alive := w.alive()
	var members []store.Member
	for _, k := range alive {
		members = append(members, store.Member{ID: k.node.Self(), Name: k.name})
	}
	list := ballots(members)
	for _, g := range w.groups {
		owner := elect(list, hash(g.Key), nil)
		holders := 0
		for _, k := range alive {
			for _, r := range g.Resources {
				if !k.node.Holds(r) {
					continue
				}
				holders++
				if placed && k.node.Self() != owner {
					tell("%s: %s is with %s", when, r, k.name)
				}
			}
		}
		if holders != len(g.Resources) {
			tell("%s: of %s %d of %d are held", when, g.Key, holders, len(g.Resources))
		}
	}
}
