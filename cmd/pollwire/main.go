// Command pollwire turns APIs into webhooks: it polls the sources that a
// configuration declares, and posts what changed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // time zones on machines that have no database of them

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
)

// Exit codes. A Go panic exits with 2, like wrong usage; a bad configuration
// has a code of its own, so that systemd can tell what a restart would not mend.
const (
	exitOK        = 0
	exitFailed    = 1
	exitUsage     = 2
	exitBadConfig = 78 // EX_CONFIG of sysexits.h
)

func main() {
	ctx, stop := signalContext()
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes a command line, until ctx ends, and returns its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(append([]string{}, args...)) // with nil, cobra takes those of the process
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	return report(failures(stderr), err)
}

// signalContext is the root of all contexts: it ends with the first SIGINT or
// SIGTERM. A second one ends the process at once.
func signalContext() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// report prints an error for a person and returns the exit code it stands for.
func report(stderr io.Writer, err error) int {
	var bad config.Errors
	var usage *usageError
	var refused *refusedError
	switch {
	case errors.As(err, &bad):
		fmt.Fprintln(stderr, bad)
		return exitBadConfig
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "pollwire: %v\nRun 'pollwire help' for the commands, 'pollwire help COMMAND' for its flags.\n", usage)
		return exitUsage
	case errors.As(err, &refused):
		fmt.Fprintf(stderr, "pollwire: %v\n", err)
		return exitBadConfig
	default:
		fmt.Fprintf(stderr, "pollwire: %v\n", err)
		return exitFailed
	}
}

// usageError says that the command line was wrong.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// loadConfig reads a configuration that the daemon can run. Its error is a
// config.Errors.
func loadConfig(path string) (*config.Config, error) {
	cfg, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	err = daemon.Check(cfg)
	if placed, ok := errors.AsType[config.Errors](err); ok {
		return nil, placed
	}
	if err != nil {
		return nil, config.Errors{{File: path, Message: err.Error()}}
	}
	return cfg, nil
}
