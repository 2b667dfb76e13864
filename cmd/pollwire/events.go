package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
)

// followWait is how long one question of --follow waits for an event.
const followWait = 50 * time.Second

const (
	// maxNewest is how many of the newest events can be asked for.
	maxNewest = 1000
	// followAgain is how long --follow leaves a daemon alone that is away.
	followAgain = time.Second
)

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
	cmd.Flags().StringVar(&q.Source, "source", "", "only the events of a source, by `name`")
	cmd.Flags().StringVar(&q.Type, "type", "", "only events of types that a `glob` matches, such as github.release.*")
	cmd.Flags().StringVar(&q.Subject, "key", "", "only the events of the item with a `key`")
	cmd.Flags().StringVar(&q.Endpoint, "endpoint", "", "only what an endpoint would be told, by `name`")
	cmd.Flags().IntVarP(&q.Limit, "limit", "n", 20, "how many of the newest, without --after")
	where.completeFlag(cmd, "source", sourceNames)
	where.completeFlag(cmd, "endpoint", endpointNames)
	follow := cmd.Flags().BoolP("follow", "f", false, "go on with what comes")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if q.Limit < 1 || q.Limit > maxNewest {
			return &usageError{fmt.Errorf("--limit must be from 1 to %d, not %d; --after beginning prints the whole log", maxNewest, q.Limit)}
		}
		p := eventPrinter{out: cmd.OutOrStdout(), info: cmd.ErrOrStderr(), asJSON: *asJSON, q: q}
		p.begin()
		if *follow {
			return p.follow(cmd.Context(), where)
		}
		return where.ask(cmd.Context(), func(ctx context.Context, c *client.Client) error { return p.pages(ctx, c, false) })
	}
	return cmd
}

// eventPrinter prints page after page of the log.
type eventPrinter struct {
	out, info io.Writer
	asJSON    bool
	// q asks for the next page.
	q server.EventQuery
	// reached says that the daemon has answered since it was last away.
	reached bool
	// failed is why something could not be printed.
	failed error
}

// begin makes the question for the first page.
func (p *eventPrinter) begin() {
	if p.q.After == "" {
		p.q.Newest = true
	} else {
		p.q.Limit = 0
	}
}

// follow prints what comes until ctx ends, which is no failure. A daemon that is
// restarted is waited for: the log goes on where it was.
func (p *eventPrinter) follow(ctx context.Context, where connection) error {
	begun := false
	for {
		err := where.ask(ctx, func(ctx context.Context, c *client.Client) error { return p.pages(ctx, c, true) })
		if ctx.Err() != nil {
			return nil //nolint:nilerr // whoever follows the log ends it
		}
		begun = begun || p.reached
		problem, answered := errors.AsType[*server.Problem](err)
		if !begun || p.failed != nil || answered && problem.Status < http.StatusInternalServerError {
			return err
		}
		if p.reached {
			fmt.Fprintf(p.info, "%v; going on when it is back\n", err)
			p.reached = false
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followAgain):
		}
	}
}

// pages prints all pages that there are, and with follow those that come.
func (p *eventPrinter) pages(ctx context.Context, c *client.Client, follow bool) error {
	for {
		page, err := c.Events(ctx, &p.q)
		if err != nil {
			return err
		}
		p.reached = true
		if page.Removed {
			fmt.Fprintln(p.info, "events behind the last one were removed by retention before they were read")
		}
		for i := range page.Events {
			if p.failed = printEvent(p.out, page.Events[i].Envelope, p.asJSON); p.failed != nil {
				return p.failed
			}
		}
		if !page.More && !follow {
			return nil
		}
		p.q.After, p.q.Newest, p.q.Limit = page.Next, false, 0
		if follow {
			p.q.Wait = followWait
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
