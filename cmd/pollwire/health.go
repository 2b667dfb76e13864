package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
)

func newHealthCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Say whether the daemon is well; fail where it is not",
		Long: "Health lists what the daemon checks of itself. It fails, with exit code 1, while the daemon is not ready or\n" +
			"none answers: a check for containers and scripts.",
		Args: noArgs,
	}
	where, asJSON := connectionFlags(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return where.ask(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			health, err := c.Health(ctx)
			if err != nil {
				return err
			}
			if *asJSON {
				err = printJSON(cmd.OutOrStdout(), []*server.Health{health})
			} else {
				err = printTable(cmd.OutOrStdout(), "CHECK STATE SINCE REASON", healthRows(health))
			}
			return errors.Join(err, unready(health))
		})
	}
	return cmd
}

func healthRows(health *server.Health) [][]string {
	rows := make([][]string, len(health.Checks))
	for i := range health.Checks {
		c := &health.Checks[i]
		state := "ok"
		switch {
		case c.OK:
		case c.Warning:
			state = "warning"
		default:
			state = "failing"
		}
		rows[i] = []string{c.Name, state, stamp(c.Since), c.Reason}
	}
	return rows
}

// unready is the error of a daemon that is not ready, nil of one that is.
func unready(health *server.Health) error {
	if health.Ready {
		return nil
	}
	var failing []string
	for i := range health.Checks {
		if c := &health.Checks[i]; !c.OK && !c.Warning {
			failing = append(failing, c.Name)
		}
	}
	return fmt.Errorf("the daemon is not ready: %s", strings.Join(failing, ", "))
}
