package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
)

func newSourcesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sources [NAME]",
		Short: "List the sources and how they stand, or show one with its last polls",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{fmt.Errorf("%s takes the name of one source, but got %d arguments", cmd.CommandPath(), len(args))}
			}
			return nil
		},
	}
	where, asJSON := connectionFlags(cmd), jsonFlag(cmd)
	cmd.ValidArgsFunction = where.complete(sourceNames)
	states := []server.SourceState{server.SourceOK, server.SourceNew, server.SourceFailing, server.SourcePaused, server.SourceDisabled}
	state := cmd.Flags().String("state", "", "only those in a `state`: ok, new, failing, paused or disabled")
	completeWords(cmd, "state", states)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *state != "" && !slices.Contains(states, server.SourceState(*state)) {
			return &usageError{fmt.Errorf("--state must be ok, new, failing, paused or disabled, not %q", *state)}
		}
		return where.ask(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			if len(args) == 1 {
				return showSource(ctx, cmd.OutOrStdout(), c, args[0], *asJSON)
			}
			list, err := c.Sources(ctx)
			if err != nil {
				return err
			}
			if *state != "" {
				list = slices.DeleteFunc(list, func(s server.Source) bool { return string(s.State) != *state })
			}
			head, row := withNodes(list, func(s *server.Source) string { return s.Node }, "NAME STATE LAST NEXT CHANGES CHANGED LIMIT REASON", func(s *server.Source) []string {
				return []string{
					s.Name, string(s.State), stampOf(s.LastPoll), stamp(s.NextRun), strconv.FormatInt(lately(s), 10), stamp(s.ChangedAt), s.Limit, s.Reason,
				}
			})
			return printList(cmd.OutOrStdout(), *asJSON, list, head, row)
		})
	}
	return cmd
}

// lately counts the changes of a source in the last day.
func lately(s *server.Source) (n int64) {
	for _, changes := range s.Changes {
		n += changes
	}
	return n
}

// stampOf is when a poll was; empty for none.
func stampOf(p *server.Poll) string {
	if p == nil {
		return ""
	}
	return stamp(&p.At)
}

// showSource shows a source and its last polls.
func showSource(ctx context.Context, out io.Writer, c *client.Client, name string, asJSON bool) error {
	s, err := c.Source(ctx, name)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(out, []*server.Source{s})
	}
	polls, err := c.Polls(ctx, name)
	if err != nil {
		return err
	}
	for _, line := range describe(s) {
		fmt.Fprintln(out, line)
	}
	rows := make([][]string, len(polls))
	for i := range polls {
		p := &polls[i]
		status := ""
		if p.Status > 0 {
			status = strconv.Itoa(p.Status)
		}
		rows[i] = []string{
			stamp(&p.At), string(p.Outcome), status, fmt.Sprintf("%d ms", p.DurationMS), strconv.FormatInt(p.Bytes, 10), strconv.Itoa(p.Changes), p.Error,
		}
	}
	return printTable(out, "POLL OUTCOME STATUS TOOK BYTES CHANGES ERROR", rows)
}

// describe says in lines how a source stands.
func describe(s *server.Source) []string {
	now := time.Now()
	lines := []string{fmt.Sprintf("source %s: %s", cell(s.Name), s.State), cell(s.Request), "schedule: " + cell(s.Schedule)}
	add := func(yes bool, format string, args ...any) {
		if yes {
			lines = append(lines, fmt.Sprintf(format, args...))
		}
	}
	add(s.Limit != "", "limit: %s", cell(s.Limit))
	add(s.Node != "", "node: %s", cell(s.Node))
	add(s.Paused, "paused since %s; 'pollwire resume source/%s' goes on", stamp(s.PausedSince), cell(s.Name))
	add(s.Failures > 0, "failing since %s, %d polls in a row: %s", stamp(s.FailingSince), s.Failures, strings.TrimSpace(cell(s.Reason)))
	add(s.HeldUntil != nil && s.HeldUntil.After(now), "left alone until %s, as its server asked", stamp(s.HeldUntil))
	add(s.Polling, "a poll is under way")
	add(s.Waiting, "a poll is due and waits for its limit or for others")
	add(s.NextRun != nil, "next poll: %s", stamp(s.NextRun))
	add(s.ChangedAt != nil, "last change: %s (snapshot %d; %d changes so far, %d in the last day)", stamp(s.ChangedAt), s.Version, s.Sequence, lately(s))
	return lines
}

func newTriggerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trigger NAME",
		Short: "Poll a source now",
		Long:  "Trigger makes a source due now. Its limit is kept: where that is used up, the poll waits for it.",
		Args:  oneArg("the name of a source"),
	}
	where := connectionFlags(cmd)
	cmd.ValidArgsFunction = where.complete(sourceNames)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return where.ask(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			if err := c.Poll(ctx, args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "source %s is polled now; 'pollwire sources %s' shows what comes of it\n", args[0], args[0])
			return err
		})
	}
	return cmd
}

func newLimitsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "limits",
		Short: "List the rate limits and what is left of them",
		Args:  noArgs,
	}
	where, asJSON := connectionFlags(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return where.ask(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			list, err := c.Limits(ctx)
			if err != nil {
				return err
			}
			head, row := withNodes(list, func(l *server.Limit) string { return l.Node }, "NAME BUDGET USED LEFT WAITING PAUSED-UNTIL SOURCES", func(l *server.Limit) []string {
				return []string{
					l.Name, budget(l), strconv.Itoa(l.Used), strconv.Itoa(l.Left), strconv.Itoa(l.Waiting), stamp(l.PausedUntil),
					strings.Join(l.Sources, " "),
				}
			})
			return printList(cmd.OutOrStdout(), *asJSON, list, head, row)
		})
	}
	return cmd
}

// budget is how many requests a limit allows, in words.
func budget(l *server.Limit) string {
	per := time.Duration(l.PerSeconds * float64(time.Second)).String()
	if strings.HasSuffix(per, "m0s") {
		per = strings.TrimSuffix(per, "0s")
	}
	if strings.HasSuffix(per, "h0m") {
		per = strings.TrimSuffix(per, "0m")
	}
	text := fmt.Sprintf("%d in %s", l.Requests, per)
	if l.Reserve > 0 {
		text += fmt.Sprintf(", %d reserved", l.Reserve)
	}
	return text
}
