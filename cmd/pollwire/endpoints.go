package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
	"github.com/pollwire/pollwire/notify"
)

func newEndpointsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "endpoints",
		Short: "List the endpoints, how they stand and what waits for them",
		Args:  noArgs,
	}
	where, asJSON := connectionFlags(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return where.ask(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			list, err := c.Endpoints(ctx)
			if err != nil {
				return err
			}
			head, row := withNodes(list, func(e *server.Endpoint) string { return e.Node }, "NAME STATE WAITING SINCE DEAD HOST REASON", func(e *server.Endpoint) []string {
				return []string{
					e.Name, standing(e), strconv.FormatInt(e.Waiting, 10), stamp(e.WaitingSince), strconv.FormatInt(e.Dead, 10), e.URL, e.Reason,
				}
			})
			return printList(cmd.OutOrStdout(), *asJSON, list, head, row)
		})
	}
	return cmd
}

// standing is in a word or two what holds an endpoint back, if anything does.
func standing(e *server.Endpoint) string {
	switch {
	case !e.Enabled:
		return "disabled"
	case e.Paused:
		return "paused"
	case e.PausedUntil != nil && e.PausedUntil.After(time.Now()):
		return "paused until " + stamp(e.PausedUntil)
	case e.Breaker == notify.BreakerOpen || e.Breaker == notify.BreakerHalfOpen:
		return "failing, held back"
	case e.FailingSince != nil:
		return "failing"
	}
	return "enabled"
}

// deliveryStates are what --state takes.
var deliveryStates = []notify.State{notify.Waiting, notify.Delivered, notify.Dead, notify.Superseded}

func newDeliveriesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deliveries [ID]",
		Short: "List deliveries, the newest first, or show one with its attempts",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{fmt.Errorf("%s takes the number of one delivery, but got %d arguments", cmd.CommandPath(), len(args))}
			}
			return nil
		},
	}
	where, asJSON := connectionFlags(cmd), jsonFlag(cmd)
	state := cmd.Flags().String("state", "", "only those in a `state`: waiting, delivered, dead or superseded")
	endpoint := cmd.Flags().String("endpoint", "", "only those to an endpoint, by `name`")
	event := cmd.Flags().String("event", "", "only those of the event with an `id`")
	limit := cmd.Flags().IntP("limit", "n", 20, "how many, at most")
	where.completeFlag(cmd, "endpoint", endpointNames)
	completeWords(cmd, "state", deliveryStates)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var id int64
		if len(args) == 1 {
			var err error
			if id, err = strconv.ParseInt(args[0], 10, 64); err != nil || id < 1 {
				return &usageError{fmt.Errorf("%s wants the number of a delivery, not %q", cmd.CommandPath(), args[0])}
			}
		}
		if *limit < 1 {
			return &usageError{fmt.Errorf("--limit must be 1 or more, not %d", *limit)}
		}
		if *state != "" && !slices.Contains(deliveryStates, notify.State(*state)) {
			return &usageError{fmt.Errorf("--state must be waiting, delivered, dead or superseded, not %q", *state)}
		}
		return where.ask(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			if id != 0 {
				return showDelivery(ctx, cmd, c, id, *asJSON)
			}
			list, err := listDeliveries(ctx, c, client.DeliveryQuery{State: *state, Endpoint: *endpoint, Event: *event}, *limit)
			if err != nil {
				return err
			}
			return printList(cmd.OutOrStdout(), *asJSON, list, "ID CREATED STATE ENDPOINT TYPE KEY POSTS LAST", func(d *server.Delivery) []string {
				return []string{
					strconv.FormatInt(d.ID, 10), stamp(&d.CreatedAt), string(d.State), d.Endpoint,
					d.Type, d.Subject, strconv.Itoa(d.Posts), lastOf(d.Last),
				}
			})
		})
	}
	return cmd
}

// listDeliveries reads pages until there are as many as are wanted.
func listDeliveries(ctx context.Context, c *client.Client, q client.DeliveryQuery, limit int) ([]server.Delivery, error) {
	const perPage = 1000
	var list []server.Delivery
	for {
		q.Limit = min(limit-len(list), perPage)
		page, err := c.Deliveries(ctx, q)
		if err != nil {
			return nil, err
		}
		list = append(list, page.Deliveries...)
		if q.After = page.Next; q.After == "" || len(list) >= limit {
			return list, nil
		}
	}
}

func showDelivery(ctx context.Context, cmd *cobra.Command, c *client.Client, id int64, asJSON bool) error {
	d, err := c.Delivery(ctx, id)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if asJSON {
		return printJSON(out, []*server.Delivery{d})
	}
	fmt.Fprintf(out, "delivery %d to %s: %s\nevent %s, %s\n", d.ID, cell(d.Endpoint), d.State, d.Event, cell(strings.TrimSpace(d.Type+" "+d.Subject)))
	if d.Held != "" {
		fmt.Fprintln(out, harmless(d.Held))
	}
	rows := make([][]string, len(d.Tried))
	for i := range d.Tried {
		a := &d.Tried[i]
		rows[i] = []string{strconv.Itoa(a.Number), stamp(&a.At), fmt.Sprintf("%d ms", a.DurationMS), lastOf(a), a.Response}
	}
	return printTable(out, "POST AT TOOK RESULT ANSWER", rows)
}

// lastOf is what came of an attempt; empty for none.
func lastOf(a *server.Attempt) string {
	switch {
	case a == nil:
		return ""
	case a.Error != "":
		return a.Error
	}
	return strconv.Itoa(a.Status)
}

func newTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test ENDPOINT",
		Short: "Post a pollwire.ping to an endpoint now",
		Long: "Test has the daemon post a pollwire.ping to an endpoint, signed and formatted as its events are, whether it is\n" +
			"enabled or not, and says what came of it.",
		Args: oneArg("the name of an endpoint"),
	}
	where, asJSON := connectionFlags(cmd), jsonFlag(cmd)
	cmd.ValidArgsFunction = where.complete(endpointNames)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return where.ask(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			test, err := c.TestEndpoint(ctx, args[0])
			if err != nil {
				return err
			}
			if *asJSON {
				err = printJSON(cmd.OutOrStdout(), []*server.Test{test})
			} else if test.Attempt.Error == "" {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s to %s: %d in %d ms\n", test.ID, args[0], test.Attempt.Status, test.Attempt.DurationMS)
			}
			if err == nil && test.Attempt.Error != "" {
				err = fmt.Errorf("test %s: %s", args[0], test.Attempt.Error)
				if said := cell(test.Attempt.Response); said != "-" {
					err = fmt.Errorf("%w; it said: %s", err, said)
				}
			}
			return err
		})
	}
	return cmd
}
