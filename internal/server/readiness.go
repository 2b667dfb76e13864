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
	// Warning says that the server is ready though the check fails: the operator
	// should do something before it is not.
	Warning bool
	// Func returns nil when all is well. It returns soon after ctx has ended.
	// Its error is logged, and told only to clients who may use the API.
	Func func(ctx context.Context) error
}

// Health is how the daemon stands.
type Health struct {
	Ready  bool          `json:"ready" doc:"All checks pass that are no warnings."`
	Checks []CheckResult `json:"checks" doc:"All checks."`
}

// CheckResult is what came of a [Check].
type CheckResult struct {
	Name    string     `json:"name" doc:"What is checked."`
	OK      bool       `json:"ok" doc:"It passes."`
	Warning bool       `json:"warning" doc:"The daemon is ready though it fails."`
	Reason  string     `json:"reason,omitempty" doc:"Why it fails."`
	Since   *time.Time `json:"since,omitempty" doc:"Since when that is known."`
}

// ready is the answer of /readyz.
type ready struct {
	Status   string   `json:"status" doc:"ready."`
	Warnings []string `json:"warnings,omitempty" doc:"The names of the checks that fail without making the daemon unready."`
}

// readiness answers /readyz and /v1/health.
type readiness struct {
	checks []Check
	log    *slog.Logger

	mu     sync.Mutex
	failed map[string]time.Time
}

func newReadiness(checks []Check, log *slog.Logger) *readiness {
	return &readiness{checks: checks, log: log, failed: make(map[string]time.Time)}
}

// look makes all checks.
func (rd *readiness) look(asked context.Context) Health {
	ctx, cancel := context.WithTimeout(asked, checkTimeout)
	defer cancel()
	h := Health{Ready: true, Checks: make([]CheckResult, len(rd.checks))}
	for i, c := range rd.checks {
		err := c.Func(ctx)
		h.Checks[i] = CheckResult{Name: c.Name, OK: err == nil, Warning: c.Warning}
		// A probe that gave up says nothing about the check.
		if asked.Err() == nil {
			h.Checks[i].Since = rd.report(c.Name, err)
		}
		if err != nil {
			h.Checks[i].Reason = err.Error()
			h.Ready = h.Ready && c.Warning
		}
	}
	return h
}

// ServeHTTP answers /readyz, with the names of what fails: the reasons are for
// those who may use the API.
func (rd *readiness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := rd.look(r.Context())
	var failed, warnings []string
	for _, c := range h.Checks {
		switch {
		case !c.OK && c.Warning:
			warnings = append(warnings, c.Name)
		case !c.OK:
			failed = append(failed, c.Name)
		}
	}
	if !h.Ready {
		writeProblem(w, r, http.StatusServiceUnavailable, "not ready, as these checks fail: "+strings.Join(failed, ", "))
		return
	}
	writeJSON(w, http.StatusOK, ready{"ready", warnings})
}

// health answers /v1/health. It is an answer whether all is well or not.
func (rd *readiness) health(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, rd.look(r.Context()))
}

// report logs a check when its result turns, so that probes, which come every
// few seconds, do not fill the log. It returns since when the check fails, nil
// where it does not.
func (rd *readiness) report(name string, err error) *time.Time {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	since, failing := rd.failed[name]
	switch {
	case err != nil && !failing:
		since = time.Now().UTC()
		rd.failed[name] = since
		rd.log.Warn("readiness check failed", "check", name, "err", err)
	case err == nil && failing:
		delete(rd.failed, name)
		rd.log.Info("readiness check passes again", "check", name)
	}
	if err == nil {
		return nil
	}
	return &since
}
