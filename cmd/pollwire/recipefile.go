package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/recipe"
	"github.com/pollwire/pollwire/notify"
)

// recipeFolder is where files of recipes go, beside the configuration.
const recipeFolder = "conf.d"

// recipeFile is a recipe on its way to a configuration.
type recipeFile struct {
	config string
	recipe *recipe.Recipe

	// path is where the recipe was written.
	path string
	// isFirst says that there was no configuration; secret is then that of its
	// endpoint, where it has one.
	isFirst bool
	secret  string
	// included says that the configuration includes the file.
	included bool
}

// write writes the recipe, and a configuration that includes it where there is none.
func (f *recipeFile) write() error {
	f.path = filepath.Join(filepath.Dir(f.config), recipeFolder, f.recipe.Name+".yaml")
	_, err := os.Stat(f.config)
	f.isFirst = errors.Is(err, fs.ErrNotExist)
	if !f.isFirst {
		// One that cannot be read is said before anything is written beside it.
		if _, err := config.Includes(f.config, f.config); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil { //nolint:gosec // it is for the daemon to read, whoever that runs as
		return fmt.Errorf("create directory: %w", err)
	}
	// Nothing in it is secret, and the daemon may be another user.
	if err := writeNew(f.path, f.recipe.Text, 0o644, "name another with --as"); err != nil {
		return err
	}
	if f.isFirst {
		err := f.writeFirst()
		if _, missing := os.Stat(f.config); errors.Is(err, fs.ErrExist) && missing == nil {
			// Another init was faster, and its configuration serves both.
			f.isFirst, f.secret, err = false, "", nil
		}
		if err != nil {
			return errors.Join(err, os.Remove(f.path))
		}
	}
	if f.included, err = config.Includes(f.config, f.path); err != nil {
		return errors.Join(err, os.Remove(f.path))
	}
	return nil
}

// writeFirst writes a configuration with what the recipe lacks: an endpoint beside
// a source, a source beside an endpoint.
func (f *recipeFile) writeFirst() error {
	isEndpoint := f.recipe.IsEndpoint()
	if !isEndpoint {
		f.secret = notify.GenerateSecret()
	}
	text := first(isEndpoint, !isEndpoint, f.secret)
	if f.needsKey() {
		key := strings.TrimPrefix(notify.GenerateSecret(), "whsec_")
		text += fmt.Sprintf("\nstorage:\n  encryption_key: %q   # for tokens that must be stored\n", key)
	}
	return writeNew(f.config, text, 0o600, "name another file with --config")
}

// needsKey says whether the recipe has the daemon store tokens.
func (f *recipeFile) needsKey() bool {
	return strings.Contains(f.recipe.Text, "oauth2_refresh_token")
}

// printNext says what was written and what to do with it.
func (f *recipeFile) printNext(w io.Writer) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "Wrote %s: %s.\n", f.path, f.recipe.Gets)
	switch {
	case f.isFirst && f.secret != "":
		fmt.Fprintf(&out, "Wrote %s, readable by you alone: it holds a secret.\n", f.config)
	case f.isFirst:
		fmt.Fprintf(&out, "Wrote %s, with a source to try it with.\n", f.config)
	}
	f.printInclude(&out)
	f.printSettings(&out)
	if err := f.printCommands(&out); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}

// printInclude says what an older configuration lacks.
func (f *recipeFile) printInclude(out *bytes.Buffer) {
	if !f.included {
		fmt.Fprintf(out, "\n%s does not include it yet. Add this line, or the pattern to the include that is there:\n\n  include: [\"%s/*.yaml\"]\n", f.config, recipeFolder)
	}
	if f.needsKey() && !f.isFirst {
		fmt.Fprintf(out, "\nIts tokens are stored encrypted, so %s needs storage.encryption_key: openssl rand -base64 32\n", f.config)
	}
}

// printSettings says what to set in the environment.
func (f *recipeFile) printSettings(out *bytes.Buffer) {
	if len(f.recipe.Settings) == 0 {
		return
	}
	fmt.Fprint(out, "\nIt takes from the environment:\n\n")
	t := tabwriter.NewWriter(out, 0, 0, tableGap, ' ', 0)
	for _, s := range f.recipe.Settings {
		fmt.Fprintf(t, "  %s\t%s\n", s.Name, s.Says())
	}
	_ = t.Flush() // a buffer takes all
}

// printCommands says how to go on.
func (f *recipeFile) printCommands(out *bytes.Buffer) error {
	fmt.Fprint(out, "\nNext:\n\n")
	for _, s := range f.recipe.Settings {
		if !s.HasDefault {
			fmt.Fprintf(out, "  export %s=…\n", s.Name)
		}
	}
	flag := configOption(f.config)
	fmt.Fprintf(out, "  pollwire check%s\n", flag)
	sources, err := f.recipe.Sources()
	if err != nil {
		return err
	}
	for _, name := range sources {
		fmt.Fprintf(out, "  pollwire poll %s%s\n", name, flag)
	}
	fmt.Fprintf(out, "  pollwire run%s\n", flag)
	endpoints, err := f.recipe.Endpoints()
	if err != nil {
		return err
	}
	if len(endpoints) > 0 {
		fmt.Fprint(out, "\nand in another terminal, to see something told at once:\n\n")
	}
	for _, name := range endpoints {
		fmt.Fprintf(out, "  pollwire test %s%s\n", name, flag)
	}
	if f.secret != "" {
		fmt.Fprintf(out, "\nand in another terminal a receiver, that prints and verifies:\n\n  pollwire listen --secret %s\n", f.secret)
	}
	return nil
}
