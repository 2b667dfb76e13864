package store

import (
	"context"
	"time"
)

// Pauses keeps which sources the operator holds back. It knows a source that was
// never polled, too, and one that there is no more.
type Pauses interface {
	// PausedSources returns since when which sources are paused, by name.
	PausedSources(ctx context.Context) (map[string]time.Time, error)
	// PauseSource holds a source back. One that is paused already stays so since
	// then.
	PauseSource(ctx context.Context, source string, since time.Time) error
	// ResumeSource ends that. There need not be a pause.
	ResumeSource(ctx context.Context, source string) error
}
