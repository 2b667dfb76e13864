package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
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
	values := cmd.Flags().StringArray("secret", nil, "the endpoint's `secret` (whsec_…), or the public key of one that signs by a private key (whpk_…); may be repeated")
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
	var pretty bytes.Buffer
	if json.Indent(&pretty, w.Body, "", "  ") == nil {
		fmt.Fprintf(out, "\n%s\n\n", pretty.Bytes())
		return
	}
	fmt.Fprintf(out, "\n%q\n\n", w.Body)
}

func idOr(id string) string {
	if id == "" {
		return "no webhook-id"
	}
	return id
}
