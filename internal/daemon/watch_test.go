package daemon

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/store"
)

// placed is a store that says what a test lets it say of its place.
type placed struct {
	database
	mu     sync.Mutex
	survey store.Survey
	failed chan struct{}
}

func (p *placed) Survey() store.Survey {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.survey
}

func (p *placed) says(s store.Survey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.survey = s
}

func (p *placed) Fatal() <-chan struct{} { return p.failed }

func (p *placed) Err() error { return errSick }

// TestWatchStore: what turns is logged once, and only what a new start mends ends
// the daemon.
func TestWatchStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logged strings.Builder
		d := New(&config.Config{}, Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
		s := &placed{failed: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { d.watchStore(ctx, s) })
		pass := func(survey store.Survey) {
			s.says(survey)
			<-time.After(time.Minute)
		}
		pass(store.Survey{})
		pass(store.Survey{Warning: errors.New("nearly full")})
		pass(store.Survey{})
		pass(store.Survey{Problem: errors.New("it was moved")})
		cancel()
		running.Wait()
		for line, want := range map[string]int{
			`level=WARN msg="the disk is short of space" err="nearly full"`:         1,
			`level=INFO msg="the disk has space again"`:                             1,
			`level=ERROR msg="the database is not where it was" err="it was moved"`: 1,
		} {
			if got := strings.Count(logged.String(), line); got != want {
				t.Errorf("logged %d times, want %d: %s\n%s", got, want, line, logged.String())
			}
		}
		if len(d.fatal) != 0 {
			t.Errorf("that is not the end: %v", <-d.fatal)
		}

		removed := errors.New("it was removed")
		s.says(store.Survey{Problem: removed, Reopen: true})
		d.watchStore(t.Context(), s)
		if err := awaited(t, d.Fatal()); !errors.Is(err, removed) {
			t.Errorf("fatal: %v", err)
		}
		s.says(store.Survey{})
		close(s.failed)
		d.watchStore(t.Context(), s)
		if err := awaited(t, d.Fatal()); !errors.Is(err, errSick) {
			t.Errorf("fatal: %v", err)
		}
	})
}

// TestUnwritableStoreTellsNobody: what is posted and cannot be recorded would be
// posted again at each start.
func TestUnwritableStoreTellsNobody(t *testing.T) {
	t.Parallel()
	peer := newHanging(t)
	dir := MustMigrate(t)
	d := newDaemon(t, dir, peer.URL, "")
	mustStart(t, d)
	tellSomething(t, d)
	peer.await(t, "/hook")
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	_ = d.Stop(cut) // the delivery is cut short, and waits

	d = newDaemon(t, dir, peer.URL, "")
	sicken(d, "Ping")
	if err := d.Start(t.Context()); !errors.Is(err, errSick) {
		t.Errorf("start: %v", err)
	}
	for len(peer.asked) > 0 {
		if path := <-peer.asked; path == "/hook" {
			t.Error("it was told")
		}
	}
	mustBeFree(t, dir)
}
