package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var lifeTests = map[string]func(*testing.T, Fresh){
	"all survives a restart":                   survivesRestart,
	"a closed store writes no more":            closedWritesNoMore,
	"close may be called twice":                closeTwice,
	"close waits for writes":                   closeWaits,
	"an ended context is not begun":            endedContext,
	"a context that ends leaves a whole state": contextEndsWhileWriting,
}

func survivesRestart(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	src, e := seed(t, s, "orders", "ops")
	noError(t, s.AcceptRemoval(t.Context(), "orders"))
	noError(t, s.Close())

	s = open(t)
	want := *src
	want.AcceptRemoval = true
	equal(t, "row", must(s.Source(t.Context(), "orders"))(t), want)
	equal(t, "snapshot", string(must(s.Snapshot(t.Context(), "orders"))(t).Body), `{"n":1}`)
	equal(t, "event", must(s.Event(t.Context(), e.Position))(t), e.Event)
	equal(t, "event by id", must(s.EventByID(t.Context(), e.ID))(t), e.Event)
	equal(t, "waiting", must(s.Waiting(t.Context(), "ops", 0, 10))(t), e.Tell)

	c := &store.Commit{Source: src, Snapshot: answer(2), Events: []store.Event{change("orders", "ops")}}
	mustCommit(t, s, c)
	equal(t, "next sequence", c.Events[0].Sequence, int64(2))
	if c.Events[0].Position <= e.Position || c.Events[0].Tell[0].ID <= e.Tell[0].ID {
		t.Error("numbers do not rise over a restart")
	}
}

func closedWritesNoMore(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	src, e := seed(t, s, "orders", "ops")
	noError(t, s.Close())
	for name, err := range map[string]error{
		"commit":   s.Commit(t.Context(), &store.Commit{Source: src}),
		"record":   s.Record(t.Context(), []notify.Outcome{outcomeOf(e.Tell[0], 1)}),
		"ping":     s.Ping(t.Context()),
		"accept":   s.AcceptRemoval(t.Context(), "orders"),
		"rename":   s.Rename(t.Context(), "orders", "others"),
		"token":    s.SaveToken(t.Context(), "shop", []byte("sealed")),
		"endpoint": s.SaveEndpointState(t.Context(), notify.EndpointState{Name: "ops"}),
	} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s: got %v, want ErrClosed", name, err)
		}
	}
	if _, err := s.Source(t.Context(), "orders"); err == nil {
		t.Error("a closed store was read")
	}
}

func closeTwice(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// closeWaits closes while many write: what was acknowledged is there afterwards,
// and nothing else.
func closeWaits(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	acknowledged := make(chan int64, 64)
	begun := make(chan struct{}, 64)
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			begun <- struct{}{}
			c := &store.Commit{Events: []store.Event{alert("ops")}}
			switch err := s.Commit(t.Context(), c); {
			case err == nil:
				acknowledged <- c.Events[0].Position
			case !errors.Is(err, store.ErrClosed):
				t.Error(err)
			}
		})
	}
	for range 32 {
		<-begun
	}
	noError(t, s.Close())
	all.Wait()
	close(acknowledged)

	s = open(t)
	count := 0
	for position := range acknowledged {
		must(s.Event(t.Context(), position))(t)
		count++
	}
	equal(t, "events", len(must(s.Events(t.Context(), 0, 100))(t)), count)
}

func endedContext(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	why := errors.New("the poll was called off")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := s.Commit(ctx, &store.Commit{Events: []store.Event{alert("ops")}}); !errors.Is(err, why) {
		t.Errorf("commit: got %v, want the cause", err)
	}
	if _, err := s.Events(ctx, 0, 10); !errors.Is(err, why) {
		t.Errorf("read: got %v, want the cause", err)
	}
	equal(t, "events", len(must(s.Events(t.Context(), 0, 10))(t)), 0)
}

func contextEndsWhileWriting(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	var all sync.WaitGroup
	for n := range 40 {
		ctx, cancel := context.WithCancel(t.Context())
		all.Go(func() {
			src := &store.Source{Name: "source-" + string(rune('a'+n))}
			buffer := []byte(`{"n":1}`)
			c := &store.Commit{Source: src, Snapshot: answer(n), Events: []store.Event{change(src.Name, "ops")}}
			c.Snapshot.Body = buffer
			err := s.Commit(ctx, c)
			copy(buffer, "garbage") // its owner goes on at once
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		all.Go(cancel)
	}
	all.Wait()
	// What was under way when its caller had left may still be written, and a log that
	// grows while it is read looks torn: closing waits for it.
	noError(t, s.Close())
	s = open(t)
	VerifyLog(t, s)
	sources := must(s.Sources(t.Context()))(t)
	for _, src := range sources {
		equal(t, "snapshot of "+src.Name, string(must(s.Snapshot(t.Context(), src.Name))(t).Body), `{"n":1}`)
	}
	equal(t, "deliveries", len(waitingIDs(t, s, "ops")), len(sources))
}
