package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/recipe"
)

func newInitCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init [RECIPE]",
		Short: "Write a first configuration, or a source for an API that is known",
		Long: "Init writes a commented configuration with one source and one endpoint, and a secret made for it.\n" +
			"With the name of a recipe it writes a file conf.d/RECIPE.yaml beside the configuration, and the configuration\n" +
			"too where there is none: a source for an API that many know, or an endpoint for a service. It says what to set\n" +
			"in the environment and how to go on. --list shows the recipes. It never overwrites a file.\n\n" +
			"  pollwire init stripe\n" +
			"  pollwire init github --set GITHUB_REPOSITORY=golang/go --as go\n" +
			"  pollwire init gitlab --set GITLAB_TOKEN='${credential:pollwire_gitlab}'\n\n" +
			"With --from-curl it writes a source that asks what a curl command asks. Credentials in the command become variables\n" +
			"of the environment and are not written. The command is read from standard input with -, which saves quoting it.\n\n" +
			"  pollwire init --from-curl 'curl -u me:pass https://shop.example.com/orders'\n" +
			"  pollwire init --from-curl - <command.txt",
		Args: recipeArg,
	}
	f := &initFlags{config: configFlag(cmd), asJSON: jsonFlag(cmd)}
	flags := cmd.Flags()
	flags.BoolVar(&f.list, "list", false, "list the recipes")
	flags.StringArrayVar(&f.set, "set", nil, "put a value into the file, `NAME=VALUE`, instead of the environment; may be repeated")
	flags.StringVar(&f.as, "as", "", "another `name` for the file and what is in it, so that a recipe can be had twice")
	flags.StringVar(&f.fromCurl, "from-curl", "", "write a source that asks what a curl `command` asks; - reads the command from standard input")
	flags.BoolVar(&f.print, "print", false, "print the file instead of writing it")
	cmd.ValidArgsFunction = completeRecipes
	// It only fails for a flag that does not exist, or is completed already.
	_ = cmd.RegisterFlagCompletionFunc("set", completeSettings)
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if cmd.Flags().Changed("from-curl") { // What is not known is probably curl's, and may hold a password.
			err = errors.New("--from-curl takes one command: put it into quotes, or give it to --from-curl - on standard input")
		}
		return &usageError{err}
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f.isFromCurl = cmd.Flags().Changed("from-curl")
		if err := f.check(args); err != nil {
			return &usageError{err}
		}
		return f.run(cmd.InOrStdin(), cmd.OutOrStdout(), args)
	}
	return cmd
}

// recipeArg takes the name of a recipe, or nothing.
func recipeArg(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return &usageError{fmt.Errorf("%s takes the name of one recipe, but got %d arguments", cmd.CommandPath(), len(args))}
	}
	return nil
}

// initFlags are what init is told.
type initFlags struct {
	config      *string
	asJSON      *bool
	list, print bool
	set         []string
	as          string
	fromCurl    string
	isFromCurl  bool
}

// check refuses what has no meaning together.
func (f *initFlags) check(args []string) error {
	switch {
	case *f.asJSON && !f.list:
		return errors.New("--json is for --list")
	case f.list && (len(args) > 0 || f.print || f.isFromCurl || f.as != "" || len(f.set) > 0):
		return errors.New("--list takes nothing else but --json")
	case f.isFromCurl && len(args) > 0:
		return errors.New("--from-curl takes the place of a recipe; where it is one command, it needs quotes")
	case f.isFromCurl && len(f.set) > 0:
		return errors.New("--set is for a recipe: the file of --from-curl is yours to edit")
	case f.list || f.isFromCurl || len(args) > 0:
		return nil
	case f.print || f.as != "" || len(f.set) > 0:
		return errors.New("--set, --as and --print are for a recipe: pollwire init RECIPE; --list shows them")
	}
	return nil
}

func (f *initFlags) run(in io.Reader, out io.Writer, args []string) error {
	switch {
	case f.list:
		return listRecipes(out, *f.asJSON)
	case f.isFromCurl:
		r, err := fromCurl(f.fromCurl, f.as, in)
		if err != nil {
			return fmt.Errorf("--from-curl: %w", err)
		}
		return f.write(out, r)
	case len(args) == 0:
		return initFirst(out, *f.config)
	}
	r, err := f.recipe(args[0])
	if err != nil {
		return err
	}
	return f.write(out, r)
}

// recipe is the recipe of a name, as the flags want it.
func (f *initFlags) recipe(name string) (*recipe.Recipe, error) {
	r, err := recipe.Find(name)
	if err != nil {
		return nil, err
	}
	values, err := assignments(f.set)
	if err != nil {
		return nil, &usageError{err}
	}
	if r, err = r.Fill(values); err != nil {
		return nil, fmt.Errorf("--set: %w", err)
	}
	if f.as != "" {
		if r, err = r.Rename(f.as); err != nil {
			return nil, &usageError{fmt.Errorf("--as: %w", err)}
		}
	}
	return r, nil
}

// assignments reads NAME=VALUE.
func assignments(set []string) (map[string]string, error) {
	values := make(map[string]string)
	for _, text := range set {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, errors.New("--set: write it as NAME=VALUE") // what was written may be a secret
		}
		if _, twice := values[name]; twice {
			return nil, fmt.Errorf("--set: %s is given twice", name)
		}
		values[name] = value
	}
	return values, nil
}

// write writes the file of a recipe, or prints it.
func (f *initFlags) write(out io.Writer, r *recipe.Recipe) error {
	if f.print {
		_, err := io.WriteString(out, r.Text)
		return err
	}
	w := recipeFile{config: *f.config, recipe: r}
	if err := w.write(); err != nil {
		return err
	}
	return w.printNext(out)
}
