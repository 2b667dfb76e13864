package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
)

func newAcceptCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "accept NAME",
		Short: "Accept that many items of a source vanished",
		Long: "Accept lets the next poll of a source remove more items than its expect.max_removed allows, and polls it now.\n" +
			"The items are then told as deleted.",
		Args: oneArg("the name of a source"),
	}
	where := connectionFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return where.ask(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			if err := c.AcceptRemoval(ctx, args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "source %s: what its next poll finds missing is accepted as deleted\n", args[0])
			return err
		})
	}
	return cmd
}

// newEndpointCommand returns the command for a change of an endpoint.
func newEndpointCommand(change server.EndpointChange, short string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   string(change) + " endpoint/NAME",
		Short: short,
		Args:  oneArg("endpoint/NAME"),
	}
	where := connectionFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, ok := strings.CutPrefix(args[0], "endpoint/")
		if !ok || name == "" {
			return &usageError{fmt.Errorf("%s wants endpoint/NAME, not %q", cmd.CommandPath(), args[0])}
		}
		return where.ask(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			endpoint, err := c.ChangeEndpoint(ctx, name, change)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "endpoint %s is %s\n", endpoint.Name, stateOf(&endpoint))
			return err
		})
	}
	return cmd
}

func stateOf(e *server.Endpoint) string {
	switch {
	case !e.Enabled:
		return "disabled; its deliveries wait until it is enabled"
	case e.Paused:
		return "paused; its deliveries wait until it is resumed"
	}
	return "enabled"
}
