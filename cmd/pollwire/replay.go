package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
)

// replayInterval is how often a replay's progress is asked for.
const replayInterval = 500 * time.Millisecond

func newReplayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Tell the log again, or what is dead",
		Long: "Replay tells events of the log again, to one endpoint or to all, marked by pollwire-replay: true and within each\n" +
			"endpoint's own limits. It goes on in the daemon where this command is ended. Times look like 2026-01-02,\n" +
			"2026-01-02T15:04:05Z, or 36h for 36 hours ago.",
		Args: noArgs,
	}
	where, asJSON := connectionFlags(cmd), jsonFlag(cmd)
	q := server.ReplayRequest{}
	cmd.Flags().StringVar(&q.Endpoint, "endpoint", "", "to one endpoint, by `name` (default: to all)")
	cmd.Flags().StringVar(&q.Source, "source", "", "the events of one source, by `name` (default: of all)")
	cmd.Flags().BoolVar(&q.Dead, "dead", false, "what is dead, and nothing else")
	where.completeFlag(cmd, "source", sourceNames)
	where.completeFlag(cmd, "endpoint", endpointNames)
	since := cmd.Flags().String("since", "", "events of a `time` and later")
	until := cmd.Flags().String("until", "", "events before a `time`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		now := time.Now()
		for _, bound := range []struct {
			flag, text string
			to         **time.Time
		}{{"since", *since, &q.Since}, {"until", *until, &q.Until}} {
			t, err := parseMoment(bound.text, now)
			if err != nil {
				return &usageError{fmt.Errorf("--%s: %w", bound.flag, err)}
			}
			*bound.to = t
		}
		return where.ask(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			replay, err := c.StartReplay(ctx, &q)
			if err != nil {
				return err
			}
			replay, err = watchReplay(ctx, cmd.ErrOrStderr(), c, replay)
			for _, reason := range replay.Held {
				fmt.Fprintln(cmd.ErrOrStderr(), harmless(reason))
			}
			if err != nil {
				return fmt.Errorf("watch %s, which goes on in the daemon: %w", replay.ID, err)
			}
			if *asJSON {
				return printJSON(cmd.OutOrStdout(), []*server.Replay{replay})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s to tell again, %d of them wait\n", replay.ID, count(int(replay.Told), "event"), replay.Waiting)
			return err
		})
	}
	return cmd
}

// watchReplay shows the progress of a replay on a terminal, until all of it is
// told, or waits for somebody; elsewhere nobody sees what it waits for, and it ends
// when all deliveries are made. It returns what was known last beside an error too.
func watchReplay(ctx context.Context, info io.Writer, c *client.Client, replay *server.Replay) (*server.Replay, error) {
	ticker := time.NewTicker(replayInterval)
	defer ticker.Stop()
	terminal := isTerminal(info)
	if terminal {
		defer fmt.Fprintln(info)
	}
	for {
		if terminal {
			fmt.Fprintf(info, "\r%s", progressBar(replay))
		}
		if replay.FinishedAt != nil && (replay.Waiting == 0 || !terminal || len(replay.Held) > 0) {
			return replay, nil
		}
		select {
		case <-ctx.Done():
			return replay, context.Cause(ctx)
		case <-ticker.C:
		}
		next, err := c.Replay(ctx, replay.ID)
		if err != nil {
			return replay, err
		}
		replay = next
	}
}

// progressBar is a line that says how far a replay is.
func progressBar(r *server.Replay) string {
	return barLine(r.Progress) + fmt.Sprintf("%d told, %d of them wait   ", r.Told, r.Waiting)
}

// parseMoment reads a time, a day, or how long ago; nil for nothing.
func parseMoment(text string, now time.Time) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no time is what was asked for
	}
	if ago, err := time.ParseDuration(text); err == nil {
		t := now.Add(-ago)
		return &t, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return &t, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return &t, nil
	}
	return nil, fmt.Errorf("%q is no time: write 2026-01-02, 2026-01-02T15:04:05Z, or 36h for 36 hours ago", text)
}
