package daemon

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

// TestPokeLeavesADeadHostAlone, which an operator's poll does not.
func TestPokeLeavesADeadHostAlone(t *testing.T) {
	t.Parallel()
	peer := httptest.NewServer(http.NotFoundHandler())
	url := peer.URL
	peer.Close() // nobody listens there any more
	d := newDaemon(t, MustMigrate(t), url, "127.0.0.1:0")
	d.cfg.Sources[0].Alerts.FailureThreshold = 1
	mustStart(t, d)
	c := &control{d}
	for wait := time.Duration(0); wait <= 0; {
		var err error
		if wait, err = c.Poke("shop"); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Poll(t.Context(), "shop"); err != nil {
		t.Error(err)
	}
}

// TestPokeRefuses what is not scheduled.
func TestPokeRefuses(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, MustMigrate(t), "http://127.0.0.1:1", "127.0.0.1:0")
	d.cfg.Sources[0].Enabled = false
	mustStart(t, d)
	c := &control{d}
	if _, err := c.Poke("shop"); !isRefusal(err) {
		t.Errorf("a disabled source: %v, want a %T", err, &server.Refusal{})
	}
	if _, err := c.Poke("nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an unknown source: %v", err)
	}
}
