package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

var pauseTests = map[string]func(*testing.T, Fresh){
	"a pause lasts until it is ended":              pauses,
	"a renamed source stays paused":                renameKeepsPause,
	"a source without a state takes its pause too": renameMovesPauseAlone,
}

func pauses(t *testing.T, fresh Fresh) {
	open := fresh(t)
	s := open(t)
	equal(t, "before the first", len(must(s.PausedSources(t.Context()))(t)), 0)
	noError(t, s.ResumeSource(t.Context(), "orders"))
	noError(t, s.PauseSource(t.Context(), "orders", epoch))
	noError(t, s.PauseSource(t.Context(), "orders", epoch.Add(time.Hour)))
	noError(t, s.PauseSource(t.Context(), "feed", epoch.Add(time.Minute)))
	noError(t, s.Close())

	s = open(t)
	equal(t, "after a restart", must(s.PausedSources(t.Context()))(t),
		map[string]time.Time{"orders": epoch, "feed": epoch.Add(time.Minute)})
	noError(t, s.ResumeSource(t.Context(), "orders"))
	noError(t, s.ResumeSource(t.Context(), "orders"))
	noError(t, s.PauseSource(t.Context(), "feed", epoch))
	noError(t, s.Close())
	equal(t, "after its end", must(open(t).PausedSources(t.Context()))(t), map[string]time.Time{"feed": epoch.Add(time.Minute)})
}

func renameKeepsPause(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	for _, name := range []string{"old", "other", "taken"} {
		fill(t, s, name)
	}
	noError(t, s.PauseSource(t.Context(), "old", epoch))
	noError(t, s.PauseSource(t.Context(), "new", epoch.Add(time.Hour))) // a name that was used before
	noError(t, s.PauseSource(t.Context(), "other", epoch))
	noError(t, s.Rename(t.Context(), "old", "new"))
	if err := s.Rename(t.Context(), "other", "taken"); !errors.Is(err, store.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	equal(t, "paused", must(s.PausedSources(t.Context()))(t), map[string]time.Time{"new": epoch, "other": epoch})
}

// renameMovesPauseAlone renames a source that was paused before its first poll.
func renameMovesPauseAlone(t *testing.T, fresh Fresh) {
	s := fresh(t)(t)
	fill(t, s, "known")
	noError(t, s.PauseSource(t.Context(), "old", epoch))
	if err := s.Rename(t.Context(), "old", "known"); !errors.Is(err, store.ErrConflict) {
		t.Errorf("to a source of its own: got %v, want ErrConflict", err)
	}
	if err := s.Rename(t.Context(), "old", "old"); !errors.Is(err, store.ErrConflict) {
		t.Errorf("to itself: got %v, want ErrConflict", err)
	}
	noError(t, s.Rename(t.Context(), "old", "new"))
	equal(t, "paused", must(s.PausedSources(t.Context()))(t), map[string]time.Time{"new": epoch})
	if err := s.Rename(t.Context(), "old", "new"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("once more: got %v, want ErrNotFound", err)
	}
}
