package daemon_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/server"
)

// TestNoReload: where there is nothing to read again, and when it is over.
func TestNoReload(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{}`)
	d := startDaemon(t, "sources:\n"+sourceOf("thing", a.url, ""))
	var problem *server.Problem
	if _, err := d.client.Reload(t.Context()); !errors.As(err, &problem) || problem.Status != http.StatusConflict {
		t.Errorf("error %v", err)
	}
	r, _ := startReloadable(t, "sources:\n"+sourceOf("thing", a.url, ""))
	if last, err := r.client.LastReload(t.Context(), 0, 0); err != nil || last.Number != 0 || last.OK {
		t.Errorf("last %+v, %v", last, err)
	}
	stopDaemon(t, r.Daemon)
	if _, err := r.Reload(t.Context()); err == nil {
		t.Error("a daemon that has stopped takes a configuration")
	}
}

// TestReloadIsWaitedFor by who asks what came of it.
func TestReloadIsWaitedFor(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{}`)
	text := "sources:\n" + sourceOf("thing", a.url, "")
	d, _ := startReloadable(t, text)
	told := make(chan server.Reload)
	go func() {
		last, err := d.client.LastReload(t.Context(), 0, time.Minute)
		if err != nil {
			t.Error(err)
		}
		told <- last
	}()
	if _, err := d.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if last := awaited(t, told); last.Number != 1 || !last.OK {
		t.Errorf("last %+v", last)
	}
}

// TestReloadUnderWayIsSaid: who asks in the middle of one learns which number that
// of an edit of now has at least.
func TestReloadUnderWayIsSaid(t *testing.T) {
	t.Parallel()
	a := newAPI(t, `{}`)
	d, f := startReloadable(t, "sources:\n"+sourceOf("thing", a.url, ""))
	f.mu.Lock() // the file cannot be read
	done := make(chan server.Reload)
	go func() {
		first, err := d.Reload(t.Context())
		if err != nil {
			t.Error(err)
		}
		done <- first
	}()
	var last server.Reload
	for began := time.Now(); last.Begun == 0 && time.Since(began) < patience; {
		var err error
		if last, err = d.client.LastReload(t.Context(), 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	if last.Begun != 1 || last.Number != 0 {
		t.Errorf("in the middle of the first: %+v", last)
	}
	f.mu.Unlock()
	if first := awaited(t, done); first.Number != 1 || first.Begun != 1 {
		t.Errorf("the first: %+v", first)
	}
	if last, err := d.client.LastReload(t.Context(), 0, 0); err != nil || last.Begun != 1 || last.Number != 1 {
		t.Errorf("after it: %+v, %v", last, err)
	}
}
