package recipe_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
)

// failures is a slog.Handler that keeps why polls failed and which sources
// changed, and hands all on.
type failures struct {
	out slog.Handler

	mu      sync.Mutex
	reasons []string
	failed  []string // the sources, one for each reason
	changes []string
}

// Enabled implements slog.Handler.
func (f *failures) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (f *failures) Handle(ctx context.Context, r slog.Record) error {
	switch r.Message {
	case "poll failed":
		f.keep(&f.reasons, "err", r)
		f.keep(&f.failed, "source", r)
	case "source changed":
		f.keep(&f.changes, "source", r)
	}
	return f.out.Handle(ctx, r)
}

// keep adds an attribute of a record to a list. A change without events, such as
// that of where to go on from, is none.
func (f *failures) keep(list *[]string, key string, r slog.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	attributes := make(map[string]string)
	r.Attrs(func(a slog.Attr) bool {
		attributes[a.Key] = a.Value.String()
		return true
	})
	if attributes["events"] != "0" {
		*list = append(*list, attributes[key])
	}
}

// WithAttrs implements slog.Handler; the daemon's parts use none of it.
func (f *failures) WithAttrs([]slog.Attr) slog.Handler { return f }

// WithGroup implements slog.Handler; the daemon's parts use none of it.
func (f *failures) WithGroup(string) slog.Handler { return f }

func (f *failures) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.reasons)
}

// hasFailed says whether a poll of a source failed since take was last called.
func (f *failures) hasFailed(source string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.failed, source)
}

// takeChanges returns the sources that changed since it was last called.
func (f *failures) takeChanges() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	changes := f.changes
	f.changes = nil
	return changes
}

func (f *failures) take() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	reasons := f.reasons
	f.reasons, f.failed = nil, nil
	return reasons
}
