package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/server/client"
)

// completionTimeout bounds how long a Tab waits for a daemon.
const completionTimeout = 2 * time.Second

// names are what a command line can name, for shells to complete.
type names struct{ sources, endpoints []string }

// completable are the names that c knows: with --url those of the daemon there,
// else those of the configuration, or of its daemon where it cannot be read here.
// Without any there are none, and no complaint: a shell shows what is printed at a
// Tab as if it were a name.
func (c connection) completable(ctx context.Context) names {
	if *c.url != "" {
		return askNames(ctx, c.askURL)
	}
	cfg, err := config.Load(*c.config)
	if err != nil {
		return askNames(ctx, c.askSocket)
	}
	var n names
	for i := range cfg.Sources {
		n.sources = append(n.sources, cfg.Sources[i].Name)
	}
	for i := range cfg.Endpoints {
		n.endpoints = append(n.endpoints, cfg.Endpoints[i].Name)
	}
	return n
}

// askNames are the names of a daemon that ask reaches.
func askNames(ctx context.Context, ask func(context.Context, func(context.Context, *client.Client) error) error) names {
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	var n names
	_ = ask(ctx, func(ctx context.Context, cl *client.Client) error {
		sources, err := cl.Sources(ctx)
		if err != nil {
			return err
		}
		for i := range sources {
			n.sources = append(n.sources, sources[i].Name)
		}
		endpoints, err := cl.Endpoints(ctx)
		for i := range endpoints {
			n.endpoints = append(n.endpoints, endpoints[i].Name)
		}
		return err
	})
	return n
}

// completer completes one argument or the value of a flag.
type completer = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// complete completes with what of chooses of the names.
func (c connection) complete(of func(names) []string) completer {
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 { // No command takes a second name.
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return c.completions(cmd, of, begun)
	}
}

// completeFlag completes the value of a flag.
func (c connection) completeFlag(cmd *cobra.Command, flag string, of func(names) []string) {
	// It only fails for a flag that does not exist, or is completed already.
	_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		return c.completions(cmd, of, begun)
	})
}

// completeWords completes the value of a flag that is one of a few words.
func completeWords[T ~string](cmd *cobra.Command, flag string, words []T) {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = string(word)
	}
	// It only fails for a flag that does not exist, or is completed already.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp))
}

func (c connection) completions(cmd *cobra.Command, of func(names) []string, begun string) ([]string, cobra.ShellCompDirective) {
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background() // A Tab has no context of its own; it is bounded where it asks.
	}
	all := slices.DeleteFunc(of(c.completable(ctx)), func(name string) bool { return !strings.HasPrefix(name, begun) })
	return all, cobra.ShellCompDirectiveNoFileComp
}

func sourceNames(n names) []string   { return n.sources }
func endpointNames(n names) []string { return n.endpoints }

// kindNames are the names with their kind before them: source/NAME.
func kindNames(kinds []string) func(names) []string {
	return func(n names) []string {
		of := map[string][]string{"source": n.sources, "endpoint": n.endpoints}
		var all []string
		for _, kind := range kinds {
			for _, name := range of[kind] {
				all = append(all, kind+"/"+name)
			}
		}
		return all
	}
}
