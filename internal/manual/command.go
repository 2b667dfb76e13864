package manual

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const topicCommands = "pollwire manual"

// Commands returns the page of a command and one for each of its subcommands.
// Hidden ones have none.
func Commands(root *cobra.Command, in Imprint) []Page {
	w := newWriter(root.Name(), "1", topicCommands, in)
	begin(w, root, root.Name()+" COMMAND [flags]")
	w.section("COMMANDS")
	for _, group := range root.Groups() {
		w.subsection(strings.TrimSuffix(group.Title, ":"))
		list(w, root, group.ID)
	}
	w.subsection("Besides")
	list(w, root, "")
	for _, part := range parts {
		w.section(part.title)
		for _, term := range part.terms {
			w.tag(bold(term[0]), term[1])
		}
	}
	w.see([]string{"pollwire.yaml(5)", "systemctl(1)", "journalctl(1)"})

	pages := []Page{w.page(root.Name(), "1")}
	for _, cmd := range root.Commands() {
		if !cmd.Hidden {
			pages = append(pages, command(cmd, in))
		}
	}
	return pages
}

// command is the page of a subcommand.
func command(cmd *cobra.Command, in Imprint) Page {
	name := pageName(cmd)
	w := newWriter(name, "1", topicCommands, in)
	begin(w, cmd, cmd.UseLine())
	cmd.InitDefaultHelpFlag()
	w.section("OPTIONS")
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden {
			w.tag(flagTerm(flag), flagMeaning(flag))
		}
	})
	w.see([]string{pageName(cmd.Root()) + "(1)", "pollwire.yaml(5)"})
	return w.page(name, "1")
}

// begin writes what every page of a command begins with.
func begin(w *writer, cmd *cobra.Command, use string) {
	w.name(pageName(cmd), lowerFirst(cmd.Short))
	w.section("SYNOPSIS")
	w.line("%s", synopsis(use, cmd.CommandPath()))
	w.section("DESCRIPTION")
	long := cmd.Long
	if long == "" {
		long = cmd.Short + "."
	}
	w.text(long)
}

// list writes the subcommands of a group.
func list(w *writer, root *cobra.Command, group string) {
	for _, cmd := range root.Commands() {
		if cmd.GroupID == group && !cmd.Hidden {
			w.tag(fmt.Sprintf("%s(1)", bold(pageName(cmd))), cmd.Short)
		}
	}
}

func pageName(cmd *cobra.Command) string {
	return strings.ReplaceAll(cmd.CommandPath(), " ", "-")
}

// synopsis is a usage line, with what is typed in bold and what is put in its
// place, in capitals, in italics.
func synopsis(use, path string) string {
	words := strings.Fields(strings.TrimPrefix(use, path))
	terms := []string{bold(path)}
	for _, word := range words {
		if strings.IndexFunc(word, unicode.IsUpper) >= 0 {
			terms = append(terms, italic(word))
		} else {
			terms = append(terms, escape(word))
		}
	}
	return strings.Join(terms, " ")
}

// flagTerm is a flag as it is written: -c, --config file.
func flagTerm(flag *pflag.Flag) string {
	term := bold("--" + flag.Name)
	if flag.Shorthand != "" {
		term = bold("-"+flag.Shorthand) + ", " + term
	}
	if value, _ := pflag.UnquoteUsage(flag); value != "" {
		term += " " + italic(value)
	}
	return term
}

func flagMeaning(flag *pflag.Flag) string {
	_, meaning := pflag.UnquoteUsage(flag)
	switch flag.DefValue {
	case "", "0", "0s", "false", "[]": // What is not given is none.
		return upperFirst(meaning) + "."
	}
	return fmt.Sprintf("%s. The default is %s.", upperFirst(meaning), flag.DefValue)
}

func upperFirst(text string) string { return mapFirst(text, unicode.ToUpper) }
func lowerFirst(text string) string { return mapFirst(text, unicode.ToLower) }

func mapFirst(text string, to func(rune) rune) string {
	for _, first := range text {
		return string(to(first)) + text[len(string(first)):]
	}
	return text
}
