package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/notify"
)

// firstConfig is the configuration that init writes, with a place for the secret.
//
//go:embed first.yaml
var firstConfig string

// secretPlace stands in firstConfig where the generated secret goes.
const secretPlace = "WHSEC"

func newInitCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a first configuration",
		Long: "Init writes a commented configuration with one source and one endpoint, and a secret made for it.\n" +
			"It never overwrites a file.",
		Args: noArgs,
	}
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		secret := notify.GenerateSecret()
		if err := writeNew(*path, strings.ReplaceAll(firstConfig, secretPlace, secret)); err != nil {
			return err
		}
		return printNext(cmd.OutOrStdout(), *path, secret)
	}
	return cmd
}

// printNext says what to do with a first configuration.
func printNext(w io.Writer, path, secret string) error {
	flag := ""
	if path != "pollwire.yaml" {
		flag = " -c " + path
	}
	_, err := fmt.Fprintf(w, `Wrote %[1]s, readable by you alone: it holds a secret. Next:

  pollwire check%[2]s
  pollwire poll go-tags%[2]s
  pollwire run%[2]s

and in another terminal a receiver, that prints and verifies:

  pollwire listen --secret %[3]s
`, path, flag, secret)
	return err
}

// writeNew writes a file that does not exist yet, for its owner alone.
func writeNew(path, content string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already and is left as it is; name another file with --config", path)
	}
	if err != nil {
		return fmt.Errorf("create configuration: %w", err)
	}
	if _, err := f.WriteString(content); err != nil {
		return errors.Join(fmt.Errorf("write configuration: %w", err), f.Close())
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}
