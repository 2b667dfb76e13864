package poller

import (
	"context"
	"fmt"
	"time"
)

const (
	// runsGather is how far apart saves of next runs are where nothing is said.
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
		if pause(ctx, s.every) != nil {
			return
		}
		saved, err := s.saveRuns(ctx)
		switch {
		case saved && failures > 0: // where there was nothing to save nothing is known
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
// out, so that after a crash its run counts as missed, not as made. Saved says that
// there was anything.
func (s *Scheduler) saveRuns(ctx context.Context) (saved bool, err error) {
	var changed []*entry
	saved, err = s.saveNext(ctx, func() map[string]time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		changed, s.unsaved = s.unsaved, nil
		next := make(map[string]time.Time, len(changed))
		for _, e := range changed {
			e.unsaved = false
			if e.phase == phaseIdle && e.next != noRun && s.owns(e) {
				next[e.source.Name] = runTime(e.next)
			}
		}
		return next
	})
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, e := range changed {
			s.markUnsaved(e)
		}
	}
	return saved, err
}

// owns says whether what an entry knows of its source is still good: it is not
// where that was released since, and not where it was adopted again. The lock is held.
func (s *Scheduler) owns(e *entry) bool {
	now := s.entries[e.source.Name]
	return (now == nil || now == e) && (!s.leased || s.adopted[e.source.Name])
}

// saveNext saves next runs that are read when no others are being saved, so that
// older ones never come after them. Saved says that there was anything.
func (s *Scheduler) saveNext(ctx context.Context, read func() map[string]time.Time) (saved bool, err error) {
	select {
	case s.saving <- struct{}{}:
	case <-ctx.Done():
		return false, fmt.Errorf("save next runs: %w", context.Cause(ctx))
	}
	defer func() { <-s.saving }()
	next := read()
	if len(next) == 0 {
		return false, nil
	}
	if err := s.runs.SaveNextRuns(ctx, next); err != nil {
		return false, fmt.Errorf("save next runs: %w", err)
	}
	return true, nil
}
