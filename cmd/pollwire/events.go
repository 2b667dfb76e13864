package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
)

// followWait is how long one question of --follow waits for an event.
const followWait = 50 * time.Second

// errFollowed ends --follow: whoever follows the log ends it, and that is no
// failure.
var errFollowed = errors.New("followed long enough")

func newEventsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "List the newest events of the log, or all behind one",
		Long: "Events prints the newest events of the log, the oldest of them first. With --after it prints all that come\n" +
			"behind an event: its id, \"beginning\" or \"now\". With --follow it goes on with what comes.",
		Args: noArgs,
	}
	where, asJSON := connectionFlags(cmd), jsonFlag(cmd)
	q := server.EventQuery{}
	cmd.Flags().StringVar(&q.After, "after", "", "begin behind an event: an `id`, beginning or now")
	cmd.Flags().StringVar(&q.Source, "source", "", "only the events of a source")
	cmd.Flags().StringVar(&q.Type, "type", "", "only events of types that a `glob` matches, such as github.release.*")
	cmd.Flags().StringVar(&q.Endpoint, "endpoint", "", "only what an endpoint would be told")
	cmd.Flags().IntVarP(&q.Limit, "limit", "n", 20, "how many of the newest, without --after")
	follow := cmd.Flags().BoolP("follow", "f", false, "go on with what comes")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return where.ask(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			return printEvents(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr(), c, q, *follow, *asJSON)
		})
	}
	return cmd
}

// printEvents prints page after page.
func printEvents(ctx context.Context, out, info io.Writer, c *client.Client, q server.EventQuery, follow, asJSON bool) error {
	if q.After == "" {
		q.Newest = true
	} else {
		q.Limit = 0
	}
	for {
		page, err := c.Events(ctx, &q)
		if follow && ctx.Err() != nil {
			err = errFollowed
		}
		if errors.Is(err, errFollowed) {
			return nil
		}
		if err != nil {
			return err
		}
		if page.Removed {
			fmt.Fprintln(info, "events behind the last one were removed by retention before they were read")
		}
		for i := range page.Events {
			if err := printEvent(out, page.Events[i].Envelope, asJSON); err != nil {
				return err
			}
		}
		if !page.More && !follow {
			return nil
		}
		q.After, q.Newest, q.Limit = page.Next, false, 0
		if follow {
			q.Wait = followWait
		}
	}
}

func printEvent(w io.Writer, envelope json.RawMessage, asJSON bool) error {
	if asJSON {
		return printJSON(w, []json.RawMessage{envelope})
	}
	var e struct {
		ID, Type, Subject string
		Time              time.Time
	}
	if err := json.Unmarshal(envelope, &e); err != nil {
		return fmt.Errorf("decode event: %w", err)
	}
	_, err := fmt.Fprintf(w, "%s  %s  %s  %s\n", e.Time.Local().Format(time.DateTime), e.ID, cell(e.Type), cell(e.Subject))
	return err
}
