package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	systemd "github.com/coreos/go-systemd/v22/journal"
)

// isJournal says whether w is the standard error that systemd's journal reads. It
// compares what JOURNAL_STREAM names with what is open, since the variable is
// passed on to processes whose output goes elsewhere.
func isJournal(w io.Writer) bool {
	if w != io.Writer(os.Stderr) {
		return false
	}
	is, err := systemd.StderrIsJournalStream()
	return is && err == nil
}

// The priorities of lines, as sd-daemon(3) has them.
const (
	priorityError   = "<3>"
	priorityWarning = "<4>"
	priorityInfo    = "<6>"
	priorityDebug   = "<7>"
)

// journal is a handler whose records bear their priority, so that journalctl can
// tell them apart (-p warning). Each record is one line: both formats escape the
// line breaks in what they write.
type journal struct{ debug, info, warning, failure slog.Handler }

var _ slog.Handler = (*journal)(nil)

// newJournal makes a journal of handlers that handler makes. The journal notes when
// a line came, so that text says it no second time; of JSON, which goes on to
// other tools, nothing is left out.
func newJournal(w io.Writer, format string, handler func(io.Writer, slog.HandlerOptions) slog.Handler) *journal {
	var o slog.HandlerOptions
	if format != "json" {
		o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
				return slog.Attr{}
			}
			return a
		}
	}
	mu := new(sync.Mutex)
	at := func(priority string) slog.Handler { return handler(&prefixed{mu: mu, w: w, prefix: priority}, o) }
	return &journal{at(priorityDebug), at(priorityInfo), at(priorityWarning), at(priorityError)}
}

// of is the handler for records of a level.
func (j *journal) of(level slog.Level) slog.Handler {
	switch {
	case level >= slog.LevelError:
		return j.failure
	case level >= slog.LevelWarn:
		return j.warning
	case level >= slog.LevelInfo:
		return j.info
	}
	return j.debug
}

// Enabled is a [slog.Handler]'s.
func (j *journal) Enabled(ctx context.Context, level slog.Level) bool {
	return j.of(level).Enabled(ctx, level)
}

// Handle is a [slog.Handler]'s.
func (j *journal) Handle(ctx context.Context, r slog.Record) error {
	return j.of(r.Level).Handle(ctx, r)
}

// WithAttrs is a [slog.Handler]'s.
func (j *journal) WithAttrs(attrs []slog.Attr) slog.Handler {
	return j.each(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup is a [slog.Handler]'s.
func (j *journal) WithGroup(name string) slog.Handler {
	return j.each(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (j *journal) each(change func(slog.Handler) slog.Handler) *journal {
	return &journal{change(j.debug), change(j.info), change(j.warning), change(j.failure)}
}

// prefixed writes a prefix before each line, in one write with it. Those that share
// a lock write no line into another one.
type prefixed struct {
	mu     *sync.Mutex
	w      io.Writer
	prefix string
}

// Write writes whole lines.
func (p *prefixed) Write(text []byte) (int, error) {
	var lines strings.Builder
	for line := range strings.Lines(string(text)) {
		lines.WriteString(p.prefix)
		lines.WriteString(line)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := io.WriteString(p.w, lines.String()); err != nil {
		return 0, err
	}
	return len(text), nil
}

// failures is where a command says why it failed: errors, where the journal reads.
func failures(stderr io.Writer) io.Writer {
	if isJournal(stderr) {
		return &prefixed{mu: new(sync.Mutex), w: stderr, prefix: priorityError}
	}
	return stderr
}
