package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
)

// connection are the flags that say where the running daemon is.
type connection struct{ config, url, token *string }

func connectionFlags(cmd *cobra.Command) connection {
	return connection{
		config: configFlag(cmd),
		url:    cmd.Flags().String("url", "", "reach the daemon at an `address` such as http://127.0.0.1:8470 (default: its unix socket)"),
		token:  cmd.Flags().String("token", "", "the daemon's server.`token`, with --url"),
	}
}

// ask calls do with a client of the daemon.
func (c connection) ask(ctx context.Context, do func(context.Context, *client.Client) error) error {
	if *c.url != "" {
		return c.askURL(ctx, do)
	}
	cfg, err := config.Load(*c.config)
	if err != nil {
		return err
	}
	err = askSocket(ctx, cfg, do)
	if unreachable, ok := errors.AsType[*unreachableError](err); ok {
		return fmt.Errorf("%w; start it with 'pollwire run', or say with --url where it is", unreachable)
	}
	return err
}

func (c connection) askURL(ctx context.Context, do func(context.Context, *client.Client) error) error {
	cl, err := client.New(client.Options{URL: *c.url, Token: *c.token})
	if err != nil {
		return &usageError{err}
	}
	defer cl.Close()
	err = do(ctx, cl)
	if problem, ok := errors.AsType[*server.Problem](err); ok && problem.Status == http.StatusUnauthorized {
		problem.Detail = fmt.Sprintf("the daemon at %s has another server.token than the one of --token", *c.url)
		if *c.token == "" {
			problem.Detail = fmt.Sprintf("the daemon at %s asks for its server.token: give it with --token", *c.url)
		}
	}
	return plain(err)
}

// askSocket calls do with a client of the daemon that runs with a configuration
// on this machine. It fails with an *unreachableError where none answers.
func askSocket(ctx context.Context, cfg *config.Config, do func(context.Context, *client.Client) error) error {
	unreachable := &unreachableError{database: cfg.Storage.Path(), tooLong: daemon.SocketPath(cfg) == ""}
	for _, path := range daemon.ClientSockets(cfg) {
		cl, err := client.New(client.Options{Socket: path})
		if err != nil {
			return err
		}
		err = do(ctx, cl)
		cl.Close()
		switch {
		case errors.Is(err, client.ErrNotRunning):
			unreachable.tried = append(unreachable.tried, path)
		case errors.Is(err, fs.ErrPermission):
			return fmt.Errorf("%s belongs to the daemon's user: run this as that user, or as root", path)
		default:
			return plain(err)
		}
	}
	return unreachable
}

// unreachableError says that no daemon answers on a socket.
type unreachableError struct {
	database string
	// tried are the sockets on which nobody answers.
	tried []string
	// tooLong says that a daemon has no socket where it should be.
	tooLong bool
}

func (e *unreachableError) Error() string {
	if e.tooLong {
		return fmt.Sprintf("a daemon on %s has no socket to be reached by: its path would be longer than %d bytes. "+
			"Give storage.dsn a shorter path, or the daemon a RUNTIME_DIRECTORY", e.database, daemon.MaxSocketPath)
	}
	return "no daemon answers on " + strings.Join(e.tried, " or ")
}

// plain leaves out the address in an error of HTTP: on a socket it means nothing.
func plain(err error) error {
	if request, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("ask the daemon: %w", request.Err)
	}
	return err
}
