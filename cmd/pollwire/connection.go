package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
)

// connection are the flags that say where the running daemon is.
type connection struct {
	config, url, token *string
	// given says whether --config was.
	given func() bool
}

func connectionFlags(cmd *cobra.Command) connection {
	return connection{
		config: configFlag(cmd),
		given:  func() bool { return cmd.Flags().Changed("config") },
		url:    cmd.Flags().String("url", "", "reach the daemon at an `address` such as http://127.0.0.1:8470 (default: its unix socket)"),
		token:  cmd.Flags().String("token", "", "the daemon's server.`token`, with --url"),
	}
}

// ask calls do with a client of the daemon.
func (c connection) ask(ctx context.Context, do func(context.Context, *client.Client) error) error {
	if *c.url != "" {
		return c.askURL(ctx, do)
	}
	err := c.askSocket(ctx, do)
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
// on this machine. Of that it reads only where the database is: what else is in it
// the daemon knows. It fails with an *unreachableError where none answers.
func (c connection) askSocket(ctx context.Context, do func(context.Context, *client.Client) error) error {
	storage, err := config.LoadStorage(*c.config)
	if err != nil {
		if c.besideService() {
			return askSockets(ctx, &unreachableError{}, []string{daemon.ServiceSocket}, do)
		}
		if _, missing := os.Stat(*c.config); missing != nil {
			return err
		}
		// The password in a DSN may be a credential that only the service has.
		asked := askSockets(ctx, &unreachableError{}, daemon.UnitSockets(*c.config), do)
		if _, nobody := errors.AsType[*unreachableError](asked); nobody {
			return err
		}
		return asked
	}
	sockets := daemon.ClientSockets(*c.config, storage)
	return askSockets(ctx, &unreachableError{database: storage.Name(), tooLong: len(sockets) == 0}, sockets, do)
}

// besideService says whether a command that names no configuration, where there is
// none, can mean the service of this machine alone.
func (c connection) besideService() bool {
	if c.given() {
		return false
	}
	if _, err := os.Stat(*c.config); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	_, err := os.Stat(daemon.ServiceSocket)
	return err == nil || errors.Is(err, fs.ErrPermission)
}

// askSockets calls do with a client of the daemon that answers on one of the
// sockets, and fails with unreachable where none does.
func askSockets(ctx context.Context, unreachable *unreachableError, sockets []string, do func(context.Context, *client.Client) error) error {
	for _, path := range sockets {
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
