package eventlog

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/sqlite"
	"github.com/pollwire/pollwire/notify"
)

// counted counts what is asked of a store.
type counted struct {
	store.Store
	logs, lasts atomic.Int64
}

func (c *counted) Log(ctx context.Context, q store.LogQuery) (store.LogPage, error) {
	c.logs.Add(1)
	return c.Store.Log(ctx, q)
}

func (c *counted) LastPosition(ctx context.Context) (int64, error) {
	c.lasts.Add(1)
	return c.Store.LastPosition(ctx)
}

// rig is a log on a real database.
type rig struct {
	tb    testing.TB
	store *counted
	log   *Log
	n     int
}

func newRig(tb testing.TB) *rig {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), sqlite.Options{Path: filepath.Join(tb.TempDir(), "pollwire.db"), Version: "test"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	c := &counted{Store: s}
	return &rig{tb: tb, store: c, log: New(c)}
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func id(n int) string { return fmt.Sprintf("evt_%026d", n) }

// commit commits events of the sources, and returns their IDs.
func (r *rig) commit(sources ...string) []string {
	r.tb.Helper()
	c := &store.Commit{}
	ids := make([]string, len(sources))
	for i, source := range sources {
		r.n++
		ids[i] = id(r.n)
		c.Events = append(c.Events, store.Event{Event: notify.Event{
			ID: ids[i], Type: source + ".item.updated", Source: source, Subject: fmt.Sprint(r.n), Time: epoch, Alert: true,
			Data: fmt.Appendf(nil, `{"n":%d}`, r.n),
		}})
	}
	if err := r.store.Commit(r.tb.Context(), c); err != nil {
		r.tb.Fatal(err)
	}
	r.log.Grown()
	return ids
}

// many is n times a source.
func many(n int, source string) []string {
	sources := make([]string, n)
	for i := range sources {
		sources[i] = source
	}
	return sources
}

func (r *rig) read(q Query) Page {
	r.tb.Helper()
	page, err := r.log.Read(r.tb.Context(), &q)
	if err != nil {
		r.tb.Fatal(err)
	}
	return page
}

func ids(page *Page) []string {
	list := make([]string, len(page.Events))
	for i := range page.Events {
		list[i] = page.Events[i].ID
	}
	return list
}
