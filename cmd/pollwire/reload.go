package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
)

// reloadPatience is how long the answer of a daemon that was signalled may take.
// systemd waits for 90 seconds.
const reloadPatience = time.Minute

func newReloadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reload [PID]",
		Short: "Have the daemon take its configuration anew",
		Long: "Reload has the running daemon check its configuration, and take it: what stays as it is goes on\n" +
			"undisturbed, and one that cannot be used changes nothing. It waits for the daemon's answer, and fails with\n" +
			"the reason. With a PID it sends SIGHUP to that process, as a unit of systemd's does, in place of asking over\n" +
			"the API; the answer comes over the socket all the same.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{fmt.Errorf("%s wants one PID at most", cmd.CommandPath())}
			}
			return nil
		},
	}
	where := connectionFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ask := func(ctx context.Context, c *client.Client) (server.Reload, error) { return c.Reload(ctx) }
		if len(args) == 1 {
			pid, err := strconv.Atoi(args[0])
			if err != nil || pid < 2 {
				return &usageError{fmt.Errorf("%s: %q is no PID of a daemon", cmd.CommandPath(), args[0])}
			}
			ask = func(ctx context.Context, c *client.Client) (server.Reload, error) { return signalled(ctx, c, pid) }
		}
		do := func(ctx context.Context, c *client.Client) error {
			done, err := ask(ctx, c)
			if err != nil {
				return err
			}
			return printReload(cmd.OutOrStdout(), &done)
		}
		if socket := daemon.RuntimeSocket(); socket != "" && len(args) == 1 && *where.url == "" {
			return askOn(cmd.Context(), socket, do) // the unit's own command: there is one daemon that it can mean
		}
		err := where.ask(cmd.Context(), do)
		if _, ok := errors.AsType[*unreachableError](err); ok {
			return fmt.Errorf("%w. One that runs on another database than storage.dsn names by now takes a restart", err)
		}
		return err
	}
	return cmd
}

// askOn calls do with a client of the daemon that listens on a socket.
func askOn(ctx context.Context, socket string, do func(context.Context, *client.Client) error) error {
	return askSockets(ctx, &unreachableError{}, []string{socket}, do)
}

// signalled sends SIGHUP to a daemon and waits for what comes of it.
func signalled(ctx context.Context, c *client.Client, pid int) (server.Reload, error) {
	if err := checkPID(ctx, c, pid); err != nil {
		return server.Reload{}, err
	}
	before, err := c.LastReload(ctx, 0, 0)
	if err != nil {
		return server.Reload{}, err
	}
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Signal(syscall.SIGHUP)
	}
	if err != nil {
		return server.Reload{}, fmt.Errorf("signal process %d: %w", pid, err)
	}
	ctx, cancel := context.WithTimeout(ctx, reloadPatience)
	defer cancel()
	for {
		// One that had begun already may have read the file before it was edited.
		last, err := c.LastReload(ctx, before.Begun, reloadPatience/2)
		switch {
		case ctx.Err() != nil:
			return server.Reload{}, fmt.Errorf("no answer within %s: the log of the daemon, process %d, says more", reloadPatience, pid)
		case err != nil:
			return server.Reload{}, err
		case last.Number > before.Begun:
			return last, nil
		}
	}
}

// checkPID refuses a process that is not the daemon which answers: a SIGHUP ends
// most others.
func checkPID(ctx context.Context, c *client.Client, pid int) error {
	nodes, err := c.Nodes(ctx)
	if err != nil {
		return err
	}
	for _, node := range nodes {
		if len(nodes) > 1 && !node.Self {
			continue // others that share the database, on other machines
		}
		if node.PID != pid && node.PID != 0 { // an older daemon, upgraded but not restarted, does not say
			return fmt.Errorf("process %d was left alone: the daemon that answers is process %d", pid, node.PID)
		}
	}
	return nil
}

// printReload says what a reload has touched, or fails with why it has not been.
func printReload(w io.Writer, done *server.Reload) error {
	if done.OK {
		_, err := fmt.Fprintln(w, "configuration reloaded: "+touched(done))
		return err
	}
	if !done.BadConfiguration {
		return fmt.Errorf("the daemon goes on as before: %s", strings.Join(done.Errors, "; "))
	}
	return &refusedError{done.Errors}
}

// refusedError says that the daemon found its configuration bad. It alone has the
// environment and the credentials that it reads, and knows what takes a restart.
type refusedError struct{ reasons []string }

func (e *refusedError) Error() string {
	return "the daemon refuses the configuration, and goes on as before:\n" + strings.Join(e.reasons, "\n")
}

// touched names what was added, changed and removed.
func touched(done *server.Reload) string {
	var parts []string
	for _, list := range []struct {
		verb  string
		names []string
	}{{"added", done.Added}, {"changed", done.Changed}, {"removed", done.Removed}} {
		switch n := len(list.names); {
		case n > 10:
			parts = append(parts, fmt.Sprintf("%s %d", list.verb, n))
		case n > 0:
			parts = append(parts, list.verb+" "+strings.Join(list.names, ", "))
		}
	}
	if parts == nil {
		return "no source and no endpoint is another than before"
	}
	return strings.Join(parts, "; ")
}
