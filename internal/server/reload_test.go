package server_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
)

// reloader counts reloads.
type reloader struct {
	mu   sync.Mutex
	last server.Reload
	news chan struct{}
	err  error
	// waits has a token once somebody waits.
	waits chan struct{}
}

func newReloader() *reloader {
	return &reloader{news: make(chan struct{}), waits: make(chan struct{}, 1)}
}

func (r *reloader) Reload(context.Context) (*server.Reload, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return nil, r.err
	}
	r.last = server.Reload{Number: r.last.Number + 1, OK: true, Changed: []string{"source/a"}}
	close(r.news)
	r.news = make(chan struct{})
	last := r.last
	return &last, nil
}

func (r *reloader) AwaitReload(ctx context.Context, after int, stop <-chan struct{}) server.Reload {
	for {
		r.mu.Lock()
		last, news := r.last, r.news
		r.mu.Unlock()
		if last.Number > after {
			return last
		}
		if ctx.Err() == nil {
			select {
			case r.waits <- struct{}{}:
			default:
			}
		}
		select {
		case <-news:
		case <-stop:
			return last
		case <-ctx.Done():
			return last
		}
	}
}

func TestReloadRoutes(t *testing.T) {
	t.Parallel()
	r := newReloader()
	s := start(t, server.Options{Controller: &controller{}, Reloader: r})
	c, err := client.New(client.Options{URL: "http://" + s.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if last, err := c.LastReload(t.Context(), 0, 0); err != nil || last.Number != 0 {
		t.Errorf("before the first: %+v, %v", last, err)
	}
	waited := make(chan server.Reload)
	go func() {
		last, err := c.LastReload(t.Context(), 0, time.Minute)
		if err != nil {
			t.Error(err)
		}
		waited <- last
	}()
	<-r.waits
	if done, err := c.Reload(t.Context()); err != nil || !done.OK || done.Number != 1 || done.Changed[0] != "source/a" {
		t.Errorf("reload: %+v, %v", done, err)
	}
	if last := <-waited; last.Number != 1 {
		t.Errorf("waited for %+v", last)
	}
	if last, err := c.LastReload(t.Context(), 1, 0); err != nil || last.Number != 1 {
		t.Errorf("the last one: %+v, %v", last, err)
	}
	r.err = &server.Refusal{Reason: "not now"}
	var problem *server.Problem
	if _, err := c.Reload(t.Context()); !errors.As(err, &problem) || problem.Status != http.StatusConflict || problem.Detail != "not now" {
		t.Errorf("error %v", err)
	}
	for query, want := range map[string]string{"after=x": "after must be a number", "wait=2h": "wait must be seconds", "now=1": "there is no parameter"} {
		resp := ask(t, s.Addr(), question{method: "GET", path: "/v1/reload?" + query})
		if resp.status != http.StatusBadRequest || !strings.Contains(resp.body, want) {
			t.Errorf("%s: %d %s", query, resp.status, resp.body)
		}
	}
	// Who waits is answered when the server stops.
	go func() {
		last, err := c.LastReload(t.Context(), 1, time.Minute)
		if err != nil {
			t.Error(err)
		}
		waited <- last
	}()
	<-r.waits
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	select {
	case <-waited:
	case <-time.After(time.Minute):
		t.Error("the stop waited for who waits")
	}
}
