package main

import (
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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
	return " -c " + shellWord(path)
}

// shellWord is a text as one word of a shell.
func shellWord(text string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./,:@%+=-"
	if text != "" && strings.Trim(text, plain) == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// existsError says that a file is there, which init never overwrites. It is
// fs.ErrExist.
type existsError struct{ path, hint string }

func (e *existsError) Error() string {
	return e.path + " exists already and is left as it is; " + e.hint
}

func (*existsError) Unwrap() error { return fs.ErrExist }

// writeNew writes a file that does not exist yet. Nobody meets half of it, neither
// another init nor, where the disk is full, the next.
func writeNew(path, content string, mode fs.FileMode, hint string) error {
	part := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text())
	err := writeFile(part, content, mode)
	if err == nil {
		err = errors.Join(os.Link(part, path), os.Remove(part))
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		// Not every file system has links; and what fails is told by the name that was asked for.
		err = writeFile(path, content, mode)
	}
	if errors.Is(err, fs.ErrExist) {
		return &existsError{path, hint}
	}
	return err
}

// writeFile creates a file with all of a content, or leaves none.
func writeFile(path, content string, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("create configuration: %w", err)
	}
	if _, err = f.WriteString(content); err == nil {
		err = f.Sync() // Some file systems find out only now that they are full.
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write configuration: %w", err), os.Remove(path))
	}
	return nil
}
