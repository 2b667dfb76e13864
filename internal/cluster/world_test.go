package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// world is nodes on a database.
type world struct {
	d       *database
	workers []*worker
	groups  []Group

	mu   sync.Mutex
	bugs []string
	// log is what the nodes say.
	log bytes.Buffer
}

// Write adds to the log.
func (w *world) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(line)
}

func newWorld(groups []Group) *world { return &world{d: newDatabase(), groups: groups} }

// said is all that the nodes have logged.
func (w *world) said() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

// singles are so many groups of one source.
func singles(count int) []Group {
	groups := make([]Group, count)
	for i := range groups {
		r := store.SourceResource(fmt.Sprintf("s%04d", i))
		groups[i] = Group{Key: r, Resources: []string{r}}
	}
	return groups
}

func (w *world) bug(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bugs = append(w.bugs, fmt.Sprintf("%v ", time.Now().Format("04:05.000"))+fmt.Sprintf(format, args...))
}

// check reports what went wrong.
func (w *world) check(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, bug := range w.bugs {
		t.Error(bug)
	}
}

// worker is a node, and what it does under its leases.
type worker struct {
	w    *world
	name string
	node *Node
	link *link

	mu sync.Mutex
	// busy are the groups that were adopted and not released.
	busy map[string]bool
	// drain is how long a Release takes of a group, by key; "" of any.
	drain map[string]time.Duration
	// sick are the errors of Adopt, by key; "" of any.
	sick    map[string]error
	skew    time.Duration // of its wall clock
	resumed int
	adopted int
	pulses  []store.Pulse
	// dead says that the process is gone, or stands still.
	dead bool
}

func (w *world) add(name string) *worker {
	k := &worker{w: w, name: name, link: &link{d: w.d}, busy: map[string]bool{}, drain: map[string]time.Duration{}, sick: map[string]error{}}
	k.node = New(Options{
		Store: k.link, Self: store.Member{Name: name}, Logger: slog.New(slog.NewTextHandler(w, nil)), Adopt: k.adopt, Release: k.release,
		Resumed: func() { k.set(func() { k.resumed++ }) },
		Pulsed: func(_ context.Context, _, now store.Pulse) {
			k.set(func() { k.pulses = append(k.pulses, now) })
		},
	})
	k.node.clock = func() moment {
		k.mu.Lock()
		defer k.mu.Unlock()
		m := now()
		m.wall = m.wall.Add(k.skew)
		return m
	}
	k.node.Apply(w.groups)
	w.mu.Lock()
	w.workers = append(w.workers, k)
	w.mu.Unlock()
	return k
}

func (w *world) start(t *testing.T, name string) *worker {
	t.Helper()
	k := w.add(name)
	if err := k.node.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *worker) set(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}

func (k *worker) adopt(ctx context.Context, groups []Group) error {
	var errs []error
	k.set(func() {
		for _, g := range groups {
			if k.busy[g.Key] {
				k.w.bug("%s: %s adopted before it was released", k.name, g.Key)
			}
			k.busy[g.Key] = true
			k.adopted++
			errs = append(errs, k.sick[g.Key])
		}
		errs = append(errs, k.sick[""])
	})
	for _, g := range groups {
		for _, r := range g.Resources {
			if _, ok := k.node.Epoch(r); !ok && ctx.Err() == nil {
				k.w.bug("%s: %s has no epoch while it is adopted", k.name, r)
			}
		}
	}
	return errors.Join(errs...)
}

func (k *worker) release(ctx context.Context, groups []Group, lost bool) {
	var wait time.Duration
	k.set(func() {
		for _, g := range groups {
			wait = max(wait, k.drain[g.Key], k.drain[""])
		}
	})
	for _, g := range groups {
		for _, r := range g.Resources {
			if _, ok := k.node.Epoch(r); ok && lost {
				k.w.bug("%s: %s has an epoch, but is lost", k.name, r)
			}
		}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	k.set(func() {
		for _, g := range groups {
			if !k.busy[g.Key] {
				k.w.bug("%s: %s released, but not adopted", k.name, g.Key)
			}
			delete(k.busy, g.Key)
		}
	})
}

// kill ends a process from one moment to the next: nothing of it reaches the
// database any more. What is left of it in the test ends with stopAll.
func (k *worker) kill() {
	k.set(func() { k.dead = true })
	k.link.set(func(l *link) { l.cut = true })
}

// held counts the groups that a worker holds.
func (k *worker) held() int {
	count := 0
	for _, g := range k.w.groups {
		if k.node.Holds(g.Resources[0]) {
			count++
		}
	}
	return count
}

// stopAll ends what is left of all nodes.
func (w *world) stopAll() {
	for _, k := range w.workers {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_ = k.node.Stop(ctx) // those that were killed cannot leave
		cancel()
	}
	synctest.Wait()
}

// after lets time pass, and everything come to rest. What the test has looked at or
// set before is seen by whatever happens then.
func (w *world) after(d time.Duration) {
	w.d.set(func(*database) {})
	for _, k := range w.workers {
		k.set(func() {})
		k.link.set(func(*link) {})
	}
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
}

// inWorld runs a test with nodes that share groups, and reports what went wrong in
// any of them.
func inWorld(t *testing.T, groups []Group, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(groups)
		defer w.check(t)
		defer w.stopAll()
		test(t, w)
	})
}

// wantShared fails where not every group is held by exactly one of the nodes, or
// where the nodes do not hold about the same.
func (w *world) wantShared(t *testing.T, nodes ...*worker) {
	t.Helper()
	total := 0
	for _, k := range nodes {
		held := k.held()
		total += held
		fair := len(w.groups) / len(nodes)
		if held < fair*85/100 || held > fair*115/100 {
			t.Errorf("%s holds %d of %d, among %d nodes", k.name, held, len(w.groups), len(nodes))
		}
	}
	if total != len(w.groups) {
		t.Errorf("%d of %d groups are held", total, len(w.groups))
	}
}
