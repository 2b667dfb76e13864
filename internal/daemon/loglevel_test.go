package daemon

import (
	"log/slog"
	"testing"

	"github.com/pollwire/pollwire/internal/config"
)

// TestLogLevelFollowsTheConfiguration, from the first line on and with each that
// is taken, unless it is another's to say.
func TestLogLevelFollowsTheConfiguration(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError, "": slog.LevelInfo,
	} {
		var level slog.LevelVar
		level.Set(slog.LevelError + 1)
		cfg := &config.Config{Log: config.Log{Level: written}}
		d := New(cfg, Options{Logger: slog.New(slog.DiscardHandler), LogLevel: &level})
		if level.Level() != want {
			t.Errorf("%q is %s at the start", written, level.Level())
		}
		s, err := newSetup(&config.Config{Log: config.Log{Level: "warn"}}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		d.watchBy(s)
		if level.Level() != slog.LevelWarn {
			t.Errorf("%s after another configuration was taken", level.Level())
		}
		New(cfg, Options{Logger: slog.New(slog.DiscardHandler)}).watchBy(s) // nothing to follow
	}
}
