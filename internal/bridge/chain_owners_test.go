package bridge

import (
	"context"
	"errors"
	"os"
	"testing"

	"pgregory.net/rapid"

	"github.com/pollwire/pollwire/internal/store"
)

// TestChainHoldsOverOwners lets a list evolve while the source goes from one node
// to another, handed over or lost, and who has lost it goes on until it learns of
// that. Whatever was accepted is there, in one chain, by whomever.
func TestChainHoldsOverOwners(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Source){
		"complete": func(*Source) {},
		"newest":   func(s *Source) { s.Window = Newest },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			rapid.Check(t, func(t *rapid.T) {
				own, err := os.MkdirTemp(dir, "")
				if err != nil {
					t.Fatal(err)
				}
				e := newEvolution(t, own, change)
				o := &owning{evolution: e}
				o.restart()
				actions := e.actions(t)
				actions["hand over"] = func(*rapid.T) {
					o.bridges[o.owner].Release([]string{"shop"})
					o.take(1 - o.owner)
				}
				actions["lose"] = func(*rapid.T) { o.take(1 - o.owner) }
				actions["write as one who lost it"] = func(t *rapid.T) { o.writeLate(rapid.Bool().Draw(t, "fails")) }
				actions["restart"] = func(*rapid.T) { o.restart() }
				t.Repeat(actions)
				e.settle()
			})
		})
	}
}

// owning is an evolution that two nodes observe, one at a time.
type owning struct {
	*evolution
	bridges [2]*Bridge
	stores  [2]*leasedStore
	owner   int
}

// restart begins with two new nodes.
func (o *owning) restart() {
	o.t.Helper()
	source := o.source
	for i := range o.bridges {
		o.stores[i] = &leasedStore{Store: o.store}
		b, err := New(o.t.Context(), Options{
			Store: o.stores[i], Sources: []*Source{&source}, Endpoints: o.others, KeepSnapshots: 3, Leased: true,
			Wake: func(...string) {}, Logger: o.logging,
		})
		if err != nil {
			o.t.Fatalf("new bridge: %v", err)
		}
		o.bridges[i] = b
	}
	o.take(o.owner)
}

// take gives the source to a node, whether the other one knows or not.
func (o *owning) take(owner int) {
	o.t.Helper()
	o.stores[1-owner].held, o.stores[owner].held = false, true
	o.owner, o.bridge = owner, o.bridges[owner]
	o.bridge.Release([]string{"shop"}) // It may have lost it before, and not known yet.
	if err := o.bridge.Adopt(o.t.Context(), []string{"shop"}); err != nil {
		o.t.Fatalf("adopt: %v", err)
	}
	o.polled = o.bridge.InitialState("shop")
}

// writeLate lets the node that has lost the source, or never had it, go on.
func (o *owning) writeLate(fails bool) {
	o.t.Helper()
	other := o.bridges[1-o.owner]
	before := o.row()
	commits := o.store.commits
	if fails {
		for range 5 {
			other.Fail(o.t.Context(), "shop", errors.New("no"))
		}
	} else if err := other.Observe(o.t.Context(), o.observation("application/json", o.body())); err != nil && !errors.Is(err, ErrElsewhere) {
		o.t.Fatalf("observe: %v", err)
	}
	if after := o.row(); after.Sequence != before.Sequence || after.Version != before.Version || o.store.commits != commits {
		o.t.Fatalf("one that had lost the source wrote %+v over %+v", after, before)
	}
}

// leasedStore is that of one of several nodes: what is not under its lease is
// refused.
type leasedStore struct {
	store.Store
	held bool
}

func (s *leasedStore) Commit(ctx context.Context, c *store.Commit) error {
	if !s.held {
		return store.ErrNotHeld
	}
	return s.Store.Commit(ctx, c)
}

func (s *leasedStore) AcceptRemoval(ctx context.Context, source string) error {
	if !s.held {
		return store.ErrNotHeld
	}
	return s.Store.AcceptRemoval(ctx, source)
}
