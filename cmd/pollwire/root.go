package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/server"
)

// Groups of commands, as help lists them.
const (
	groupDaemon = "daemon"
	groupTry    = "try"
	groupSteer  = "steer"
)

// newRoot returns the command with all its subcommands.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "pollwire",
		Short: "Turn APIs into webhooks",
		Long: "pollwire polls the APIs that a configuration declares, and posts webhooks when something really changed.\n" +
			"To watch it work: pollwire demo. To begin: pollwire init.",
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		Args:                       noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddGroup(
		&cobra.Group{ID: groupDaemon, Title: "Set up and run:"},
		&cobra.Group{ID: groupTry, Title: "Look and try:"},
		&cobra.Group{ID: groupSteer, Title: "Steer the running daemon:"},
	)
	addGroup(root, groupDaemon, newInitCommand(), newCheckCommand(), newRunCommand(), newSchemaCommand(),
		newBackupCommand(), newMigrateCommand(), newCopyCommand())
	addGroup(root, groupTry, newDemoCommand(), newPollCommand(), newListenCommand())
	addGroup(root, groupSteer, newHealthCommand(), newSourcesCommand(), newTriggerCommand(), newAcceptCommand(), newLimitsCommand(), newReloadCommand(),
		newEndpointsCommand(), newDeliveriesCommand(), newEventsCommand(), newTestCommand(), newReplayCommand(),
		newEndpointCommand(server.Enable, "Post to an endpoint again"),
		newEndpointCommand(server.Disable, "Post no more to an endpoint; its deliveries wait"),
		newHoldCommand(server.PauseSource, server.Pause, "Poll a source no more, or hold the deliveries of an endpoint back, for a while"),
		newHoldCommand(server.ResumeSource, server.Resume, "Poll a source again, or post at once to an endpoint that was paused or that fails"))
	root.AddCommand(newVersionCommand(), newCompletionCommand(), newManualCommand())
	root.SetHelpCommand(newHelpCommand())
	return root
}

func addGroup(root *cobra.Command, id string, commands ...*cobra.Command) {
	for _, cmd := range commands {
		cmd.GroupID = id
		root.AddCommand(cmd)
	}
}

func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Say what a command does, and its flags",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil {
				return &usageError{err}
			}
			if len(rest) > 0 {
				return unknownCommand(found, rest[0])
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}

func newCompletionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print what makes a shell complete commands",
		Long: "Completion prints a script for a shell. To try it:\n\n" +
			"  bash:  source <(pollwire completion bash)\n" +
			"  zsh:   source <(pollwire completion zsh)\n" +
			"  fish:  pollwire completion fish | source\n\n" +
			"To keep it, write it to /etc/bash_completion.d/pollwire, to a file _pollwire in zsh's $fpath, or to\n" +
			"~/.config/fish/completions/pollwire.fish.",
		ValidArgs: shells,
		Args:      oneArg(strings.Join(shells, ", ")),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			default:
				return &usageError{fmt.Errorf("no completion for %q: %s", args[0], strings.Join(shells, ", "))}
			}
		},
	}
}

// noArgs refuses arguments, as wrong usage.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasSubCommands() {
		return unknownCommand(cmd, args[0])
	}
	return &usageError{fmt.Errorf("%s takes no arguments, but got %q", cmd.CommandPath(), args[0])}
}

func unknownCommand(cmd *cobra.Command, name string) error {
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		return &usageError{fmt.Errorf("unknown command %q; did you mean %s?", name, strings.Join(near, " or "))}
	}
	return &usageError{fmt.Errorf("unknown command %q", name)}
}

// oneArg wants one argument, named in what it says.
func oneArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return &usageError{fmt.Errorf("%s wants one argument: %s", cmd.CommandPath(), name)}
		}
		return nil
	}
}

// defaultConfig is the configuration of commands that are not told another.
const defaultConfig = "pollwire.yaml"

// configFlag adds --config to a command.
func configFlag(cmd *cobra.Command) *string {
	path := cmd.Flags().StringP("config", "c", defaultConfig, "the configuration `file`")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml") // only fails for a flag that does not exist
	return path
}
