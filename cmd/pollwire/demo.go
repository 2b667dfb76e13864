package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/demo"
)

func newDemoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch it work: a changing API, the daemon and a receiver in one",
		Long: "Demo starts a small shop's API that changes by itself, the daemon that polls it, and a receiver\n" +
			"that verifies the webhooks, all on loopback ports, and prints what happens. It leaves nothing behind.",
		Args: noArgs,
	}
	runFor := cmd.Flags().Duration("for", 0, "end by itself after this `time`, such as 30s (default: at Ctrl-C)")
	seed := cmd.Flags().Uint64("seed", 0, "a `number` that makes what happens in the shop repeatable")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *runFor < 0 {
			return &usageError{fmt.Errorf("--for %s: a time to run cannot be negative", *runFor)}
		}
		return demo.Run(cmd.Context(), demo.Options{
			Version:  version(),
			Out:      cmd.OutOrStdout(),
			Log:      cmd.ErrOrStderr(),
			Color:    colored(cmd.OutOrStdout()),
			Seed:     *seed,
			Interval: 1500 * time.Millisecond,
			For:      *runFor,
		})
	}
	return cmd
}
