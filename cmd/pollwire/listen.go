package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/notify"
)

func newListenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Receive webhooks, verify and print them",
		Long: "Listen is a receiver to try a configuration with: it prints every webhook that arrives and, with --secret,\n" +
			"verifies its signature. A webhook whose signature is wrong is answered with 401, any other with 204.",
		Args: noArgs,
	}
	addr := cmd.Flags().String("addr", "127.0.0.1:9000", "where to listen, `host:port`")
	values := cmd.Flags().StringArray("secret", nil, "the endpoint's `secret` (whsec_…) or public key (whpk_…); may be repeated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var secrets []notify.Secret
		for _, value := range *values {
			secret, err := notify.ParseVerifier(value)
			if err != nil {
				return &usageError{fmt.Errorf("--secret: %w", err)}
			}
			secrets = append(secrets, secret)
		}
		return listen(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), *addr, secrets)
	}
	return cmd
}

// listen serves a receiver at addr until ctx is done.
func listen(ctx context.Context, out, info io.Writer, addr string, secrets []notify.Secret) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen on %s: another process does; choose another port with --addr", addr)
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, cause(err))
	}
	var mu sync.Mutex
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		Handler: receiver.New(secrets, func(w *receiver.Webhook) {
			mu.Lock()
			defer mu.Unlock()
			printWebhook(out, w, len(secrets) > 0)
		}),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	fmt.Fprintf(info, "listening on http://%s (Ctrl-C ends it)\n", l.Addr())
	if len(secrets) == 0 {
		fmt.Fprintln(info, "no --secret given: signatures are not verified")
	}
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// cause is a network error without the address, which has been named already.
func cause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// printWebhook prints one webhook: a line about it, then its body.
func printWebhook(out io.Writer, w *receiver.Webhook, verified bool) {
	verdict := "signature not verified"
	switch {
	case w.Err != nil:
		verdict = "refused: " + w.Err.Error()
	case verified:
		verdict = "signature ok"
	}
	fmt.Fprintf(out, "%s  %s  %s", w.At.Format("15:04:05.000"), idOr(w.ID), verdict)
	if w.Attempt > 1 {
		fmt.Fprintf(out, ", attempt %d", w.Attempt)
	}
	if w.Repeat {
		fmt.Fprint(out, ", repeat")
	}
	if w.Replay {
		fmt.Fprint(out, ", replay")
	}
	contentType, _, _ := strings.Cut(w.Header.Get("Content-Type"), ";")
	if contentType != "" && contentType != "application/json" {
		fmt.Fprintf(out, ", %.100q", contentType)
	}
	var events []json.RawMessage
	if json.Unmarshal(w.Body, &events) == nil && events != nil {
		fmt.Fprintf(out, ", a batch of %d", len(events))
	}
	fmt.Fprintf(out, "\n%s\n\n", printable(contentType, w.Body))
}

// printable is a body for a terminal, on which nothing in it can act.
func printable(contentType string, body []byte) []byte {
	var pretty bytes.Buffer
	if json.Indent(&pretty, body, "", "  ") == nil {
		return pretty.Bytes()
	}
	form, err := url.ParseQuery(string(body))
	if contentType != "application/x-www-form-urlencoded" || err != nil {
		return fmt.Appendf(nil, "%q", body)
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			lines = append(lines, fmt.Sprintf("%q: %q", name, value))
		}
	}
	return []byte(strings.Join(lines, "\n"))
}

func idOr(id string) string {
	if id == "" {
		return "no webhook-id"
	}
	return id
}
