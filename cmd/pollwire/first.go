package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/pollwire/pollwire/notify"
)

// firstConfig is the configuration that init writes, with a place for the secret.
//
//go:embed first.yaml
var firstConfig string

// secretPlace stands in firstConfig where the generated secret goes.
const secretPlace = "WHSEC"

// first is a first configuration, with or without its source and its endpoint.
func first(source, endpoint bool, secret string) string {
	var parts []string
	for part := range strings.SplitSeq(firstConfig, "\n\n") {
		if strings.HasPrefix(part, "sources:") && !source || strings.HasPrefix(part, "endpoints:") && !endpoint {
			continue
		}
		parts = append(parts, strings.TrimSuffix(part, "\n"))
	}
	return strings.ReplaceAll(strings.Join(parts, "\n\n")+"\n", secretPlace, secret)
}

// initFirst writes a configuration that has all it takes.
func initFirst(out io.Writer, path string) error {
	secret := notify.GenerateSecret()
	if err := writeNew(path, first(true, true, secret), 0o600, "name another file with --config"); err != nil {
		return err
	}
	flag := configOption(path)
	_, err := fmt.Fprintf(out, `Wrote %[1]s, readable by you alone: it holds a secret. Next:

  pollwire check%[2]s
  pollwire poll go-tags%[2]s
  pollwire run%[2]s

and in another terminal a receiver, that prints and verifies:

  pollwire listen --secret %[3]s

For an API that many know there may be a recipe: pollwire init --list
`, path, flag, secret)
	return err
}

// configOption is what commands have to be told where the configuration is not the
// default one.
func configOption(path string) string {
	if path == defaultConfig {
		return ""
	}
	return " -c " + path
}

// writeNew writes a file that does not exist yet.
func writeNew(path, content string, mode fs.FileMode, hint string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already and is left as it is; %s", path, hint)
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
