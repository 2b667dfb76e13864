package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
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
	cmd.ValidArgsFunction = where.complete(sourceNames)
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
	return newChangeCommand(string(change), short, map[string]changer{"endpoint": changeEndpoint(change)})
}

// newHoldCommand returns the command for a change of a source or an endpoint.
func newHoldCommand(source server.SourceChange, endpoint server.EndpointChange, short string) *cobra.Command {
	return newChangeCommand(string(source), short, map[string]changer{"source": changeSource(source), "endpoint": changeEndpoint(endpoint)})
}

// changer changes what has a name, and says how it stands then.
type changer func(ctx context.Context, c *client.Client, name string) (string, error)

// newChangeCommand returns a command whose argument is a kind and a name.
func newChangeCommand(verb, short string, kinds map[string]changer) *cobra.Command {
	var forms []string
	for _, kind := range slices.Backward(slices.Sorted(maps.Keys(kinds))) {
		forms = append(forms, kind+"/NAME")
	}
	cmd := &cobra.Command{
		Use:   verb + " " + strings.Join(forms, "|"),
		Short: short,
		Args:  oneArg(strings.Join(forms, " or ")),
	}
	where := connectionFlags(cmd)
	cmd.ValidArgsFunction = where.complete(kindNames(slices.Sorted(maps.Keys(kinds))))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		kind, name, _ := strings.Cut(args[0], "/")
		change := kinds[kind]
		if change == nil || name == "" {
			return &usageError{fmt.Errorf("%s wants %s, not %q", cmd.CommandPath(), strings.Join(forms, " or "), args[0])}
		}
		return where.ask(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			stands, err := change(ctx, c, name)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s is %s\n", kind, name, stands)
			return err
		})
	}
	return cmd
}

func changeEndpoint(change server.EndpointChange) changer {
	return func(ctx context.Context, c *client.Client, name string) (string, error) {
		endpoint, err := c.ChangeEndpoint(ctx, name, change)
		return stateOf(&endpoint), err
	}
}

func changeSource(change server.SourceChange) changer {
	return func(ctx context.Context, c *client.Client, name string) (string, error) {
		source, err := c.ChangeSource(ctx, name, change)
		if err != nil {
			return "", err
		}
		switch {
		case source.State == server.SourceDisabled:
			return "disabled in the configuration (enabled: false), and is not polled", nil
		case source.Paused:
			return "paused; it is not polled until it is resumed", nil
		case source.NextRun != nil:
			return "polled again, next at " + stamp(source.NextRun), nil
		}
		return "polled again", nil
	}
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
