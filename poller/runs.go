package poller

import (
	"context"
	"fmt"
	"time"
)

const (
	// runsGather is how far apart saves of next runs are.
	runsGather = time.Second
	// lastSaveTimeout bounds the save at the stop.
	lastSaveTimeout = 5 * time.Second
)

// markUnsaved notes that the next run of an entry is to be saved. The lock is held.
func (s *Scheduler) markUnsaved(e *entry) {
	if e.unsaved {
		return
	}
	e.unsaved = true
	s.unsaved = append(s.unsaved, e)
	signal(s.dirty)
}

// saveLoop saves next runs in batches, and does nothing while none changes.
func (s *Scheduler) saveLoop(ctx context.Context) {
	failures := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.dirty:
		}
		if pause(ctx, runsGather) != nil {
			return
		}
		err := s.saveRuns(ctx)
		switch {
		case err == nil && failures > 0:
			s.logger.Info("next runs are saved again", "failures", failures)
			failures = 0
		case err != nil && ctx.Err() == nil:
			if failures++; failures == 1 {
				s.logger.Error("save next runs", "err", err)
			}
			signal(s.dirty)
		}
	}
}

// saveRuns saves what has changed. An entry whose poll has not ended is left
// out, so that after a crash its run counts as missed, not as made.
func (s *Scheduler) saveRuns(ctx context.Context) error {
	s.mu.Lock()
	changed := s.unsaved
	s.unsaved = nil
	next := make(map[string]time.Time, len(changed))
	for _, e := range changed {
		e.unsaved = false
		if e.phase == phaseIdle && e.next != noRun {
			next[e.source.Name] = time.Unix(0, e.next).UTC()
		}
	}
	s.mu.Unlock()
	if len(next) == 0 {
		return nil
	}
	err := s.runs.SaveNextRuns(ctx, next)
	if err == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range changed {
		s.markUnsaved(e)
	}
	return fmt.Errorf("save next runs: %w", err)
}
