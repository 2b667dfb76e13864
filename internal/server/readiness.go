package server

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// checkTimeout bounds all readiness checks of one request together.
const checkTimeout = 5 * time.Second

// Check is one thing that must be well before the server calls itself ready.
type Check struct {
	// Name is told to clients when the check fails.
	Name string
	// Func returns nil when all is well. It returns soon after ctx has ended.
	// Its error is logged, and not told to clients: they need no token here.
	Func func(ctx context.Context) error
}

// readiness answers /readyz.
type readiness struct {
	checks []Check
	log    *slog.Logger

	mu     sync.Mutex
	failed map[string]bool
}

func newReadiness(checks []Check, log *slog.Logger) *readiness {
	return &readiness{checks: checks, log: log, failed: make(map[string]bool)}
}

func (rd *readiness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
	defer cancel()
	var failed []string
	for _, c := range rd.checks {
		err := c.Func(ctx)
		// A probe that gave up says nothing about the check.
		if r.Context().Err() == nil {
			rd.report(c.Name, err)
		}
		if err != nil {
			failed = append(failed, c.Name)
		}
	}
	if len(failed) > 0 {
		writeProblem(w, r, http.StatusServiceUnavailable, "not ready, as these checks fail: "+strings.Join(failed, ", "))
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

// report logs a check when its result turns, so that probes, which come every
// few seconds, do not fill the log.
func (rd *readiness) report(name string, err error) {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	if rd.failed[name] == (err != nil) {
		return
	}
	rd.failed[name] = err != nil
	if err != nil {
		rd.log.Warn("readiness check failed", "check", name, "err", err)
		return
	}
	rd.log.Info("readiness check passes again", "check", name)
}
