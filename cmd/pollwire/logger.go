package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"
)

// levels are the names of log levels, the least first.
var levels = []string{"debug", "info", "warn", "error"}

// levelFlag adds --log-level to a command.
func levelFlag(cmd *cobra.Command) *string {
	level := cmd.Flags().String("log-level", "", "the least `level` that is logged: "+strings.Join(levels, ", ")+" (default: log.level of the configuration)")
	completeWords(cmd, "log-level", levels)
	return level
}

// parseLevel reads the name of a level, as the configuration and --log-level take it.
func parseLevel(name string) (slog.Level, error) {
	for _, known := range levels {
		var level slog.Level
		if known == name && level.UnmarshalText([]byte(name)) == nil {
			return level, nil
		}
	}
	return 0, fmt.Errorf("no log level %q: want %s", name, strings.Join(levels, ", "))
}

// newLogger logs to w, as text or in JSON.
func newLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	handler := func(w io.Writer, o slog.HandlerOptions) slog.Handler {
		o.Level = level
		if format == "json" {
			return slog.NewJSONHandler(w, &o)
		}
		return slog.NewTextHandler(w, &o)
	}
	if isJournal(w) {
		return slog.New(newJournal(w, format, handler))
	}
	return slog.New(handler(w, slog.HandlerOptions{}))
}
