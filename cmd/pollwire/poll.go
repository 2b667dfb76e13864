package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
)

func newPollCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "poll NAME",
		Short: "Ask a source once and show what would come of it",
		Long: "Poll asks one source and shows the request, the answer, what changed since the last accepted state and the\n" +
			"webhooks that would be posted. It changes no state but the request budget and tokens. Where the daemon runs, it\n" +
			"does the asking.",
		Args: oneArg("the name of a source"),
	}
	where := connectionFlags(cmd)
	cmd.ValidArgsFunction = where.complete(sourceNames)
	send := cmd.Flags().Bool("send", false, "post the webhooks, marked by an id that begins with test_")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var cfg *config.Config
		if *send { // by this command, with the secrets of the configuration
			var err error
			if cfg, err = loadConfig(*where.config); err != nil {
				return err
			}
		}
		preview, err := previewSource(cmd.Context(), cmd.ErrOrStderr(), where, args[0])
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		if err := printPreview(out, preview); err != nil {
			return err
		}
		if preview.Outcome == server.Failed {
			return fmt.Errorf("poll %s: %s", preview.Source, preview.Reason)
		}
		if *send {
			return sendTests(cmd.Context(), out, cfg, preview)
		}
		return nil
	}
	return cmd
}

// knowsSource refuses a source that the configuration does not have, and says
// which there are.
func knowsSource(cfg *config.Config, path, name string) error {
	names := make([]string, len(cfg.Sources))
	for i := range cfg.Sources {
		names[i] = cfg.Sources[i].Name
	}
	if slices.Contains(names, name) {
		return nil
	}
	const few = 10
	more := ""
	if len(names) > few {
		names, more = names[:few], fmt.Sprintf(" and %d more", len(names)-few)
	}
	return fmt.Errorf("there is no source %q in %s; it has: %s%s", name, path, strings.Join(names, ", "), more)
}

// previewSource asks through the running daemon, or by itself where none runs.
func previewSource(ctx context.Context, info io.Writer, where connection, source string) (preview *server.Preview, err error) {
	ask := func(ctx context.Context, c *client.Client) error {
		preview, err = c.Preview(ctx, source)
		return err
	}
	if *where.url != "" {
		err = where.askURL(ctx, ask)
		return preview, err
	}
	err = where.askSocket(ctx, ask)
	if unreachable, ok := errors.AsType[*unreachableError](err); ok {
		cfg, err := loadConfig(*where.config)
		if err != nil {
			return nil, err
		}
		if err := knowsSource(cfg, *where.config, source); err != nil {
			return nil, err
		}
		fmt.Fprintf(info, "%v, so this command asks by itself.\n", unreachable)
		return daemon.Preview(ctx, cfg, daemonOptions(), source)
	}
	if problem, ok := errors.AsType[*server.Problem](err); ok && problem.Status == http.StatusNotFound {
		return nil, fmt.Errorf("the running daemon knows no source %q; if %s has it, 'pollwire reload' has the daemon take it", source, *where.config)
	}
	return preview, err
}

// daemonOptions are those of commands that do a daemon's work for a moment.
func daemonOptions() daemon.Options {
	return daemon.Options{Version: version(), Logger: slog.New(slog.DiscardHandler)}
}

// printPreview prints what a poll would come to.
func printPreview(w io.Writer, p *server.Preview) error {
	var out bytes.Buffer
	fmt.Fprintln(&out, p.Request)
	if p.Status != 0 && p.Outcome != server.Failed {
		fmt.Fprintf(&out, "%d, %s, %d bytes in %d ms\n", p.Status, contentTypeOr(p.ContentType, "no content type"), p.Bytes, p.DurationMS)
	}
	fmt.Fprintln(&out, summary(p))
	if p.DetailsLeft > 0 {
		fmt.Fprintf(&out, "%s not fetched here: a poll would\n", count(p.DetailsLeft, "detail"))
	}
	for i := range p.Webhooks {
		webhook := &p.Webhooks[i]
		hook := receiver.Webhook{Body: webhook.Body}
		e, err := hook.Envelope()
		if err != nil {
			return err
		}
		to := "for the log only: no endpoint is told"
		switch {
		case webhook.Untold == "when":
			to = "for the log only: when is false"
		case webhook.Untold != "":
			to = "for the log only: " + webhook.Untold + " leaves it out"
		case len(webhook.Endpoints) > 0:
			to = "to " + strings.Join(webhook.Endpoints, ", ")
		}
		fmt.Fprintf(&out, "\nwebhook %d of %d, %s, %s:\n", i+1, len(p.Webhooks), strings.TrimSpace(e.Type+" "+e.Subject), to)
		if err := json.Indent(&out, webhook.Body, "", "  "); err != nil {
			return fmt.Errorf("format webhook: %w", err)
		}
		fmt.Fprintln(&out)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// summary says in a sentence what a poll would come to.
func summary(p *server.Preview) string {
	switch p.Outcome {
	case server.Baseline:
		return "first look: this would be the baseline, and later changes be told"
	case server.Unchanged:
		return "nothing changed"
	case server.Rebaselined:
		return "this cannot be compared with the stored answer: it becomes the new baseline"
	case server.Failed:
		return "failed: the state stays as it is"
	default:
		return count(len(p.Webhooks), "change") + " since the last accepted answer"
	}
}

func contentTypeOr(contentType, otherwise string) string {
	if contentType == "" {
		return otherwise
	}
	return contentType
}

// sendTests posts the webhooks of a preview, in order.
func sendTests(ctx context.Context, out io.Writer, cfg *config.Config, p *server.Preview) error {
	posted, failed := 0, 0
	for i := range p.Webhooks {
		for _, endpoint := range p.Webhooks[i].Endpoints {
			attempt, err := daemon.SendTest(ctx, cfg, daemonOptions(), endpoint, &p.Webhooks[i])
			if err != nil {
				return err
			}
			posted++
			if attempt.Error != "" {
				failed++
				fmt.Fprintf(out, "%s to %s: %s\n", p.Webhooks[i].ID, endpoint, attempt.Error)
				continue
			}
			fmt.Fprintf(out, "%s to %s: %d in %d ms\n", p.Webhooks[i].ID, endpoint, attempt.Status, attempt.Duration.Milliseconds())
		}
	}
	switch {
	case posted == 0:
		fmt.Fprintln(out, "nothing to send")
	case failed > 0:
		return fmt.Errorf("%d of %d test webhooks were not delivered", failed, posted)
	}
	return nil
}
