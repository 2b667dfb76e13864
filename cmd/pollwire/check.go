package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
)

func newCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Validate the configuration",
		Long: "Check reads the configuration as the daemon would, prints every error at once with its place, and does\n" +
			"the arithmetic of request budgets: what the schedules want, and what the limits allow. Templates are tried\n" +
			"on sample events, and the names of endpoints are resolved: an address that webhooks are not sent to is an\n" +
			"error, a name that does not resolve now a warning.",
		Args: noArgs,
	}
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadConfig(*path)
		if err != nil {
			return err
		}
		warnings, err := daemon.CheckAddresses(cmd.Context(), cfg, daemon.AddressOptions{})
		if err != nil {
			return err
		}
		return printCheck(cmd.OutOrStdout(), *path, cfg, warnings)
	}
	return cmd
}

// printCheck says what a valid configuration amounts to. further are warnings
// besides its own.
func printCheck(w io.Writer, path string, cfg *config.Config, further []config.Warning) error {
	files := ""
	if len(cfg.Include) > 0 {
		files = count(len(cfg.Included()), "included file") + ", "
	}
	if _, err := fmt.Fprintf(w, "%s: ok, %s%s, %s\n", path, files,
		count(len(cfg.Sources), "source"), count(len(cfg.Endpoints), "endpoint")); err != nil {
		return err
	}
	now := time.Now()
	for _, use := range cfg.Budget(now) {
		if !use.Fits() {
			continue // a warning says so
		}
		if _, err := fmt.Fprintln(w, use); err != nil {
			return err
		}
	}
	for _, warning := range append(cfg.Warnings(now), further...) {
		if _, err := fmt.Fprintf(w, "warning: %s\n", warning); err != nil {
			return err
		}
	}
	return nil
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
