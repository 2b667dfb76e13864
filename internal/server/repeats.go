package server

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// repeatInterval is how long a failure has to be away to be news again.
	repeatInterval = time.Minute
	// maxRepeats is how many failures are told apart.
	maxRepeats = 64
)

// repeats logs failures of requests. Pages ask again by themselves every few
// seconds, so that of one that comes again and again the first is loud, and those
// that follow are seen at the debug level until it stays away for a while.
type repeats struct {
	log *slog.Logger

	mu sync.Mutex
	// last is when each was met last.
	last map[string]time.Time
}

func newRepeats(log *slog.Logger) *repeats {
	return &repeats{log: log, last: make(map[string]time.Time)}
}

// tell logs a failure.
func (rp *repeats) tell(ctx context.Context, level slog.Level, message string, err error, args ...any) {
	if rp.met(message+": "+err.Error(), time.Now()) {
		level = slog.LevelDebug
	}
	rp.log.Log(ctx, level, message, append(args, "err", err)...) //nolint:sloglint // each message is written where tell is called.
}

// met notes a failure, and says whether it was met a while ago at most.
func (rp *repeats) met(failure string, now time.Time) bool {
	rp.mu.Lock()
	defer rp.mu.Unlock()
	last, known := rp.last[failure]
	if !known && len(rp.last) >= maxRepeats {
		clear(rp.last)
	}
	rp.last[failure] = now
	return known && now.Sub(last) < repeatInterval
}
