package recipe

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
)

const guideHead = `# Recipes: the APIs that people name

<!-- Written by ` + "`make docs`" + ` from internal/recipe/files. Edits are lost. -->

A recipe is a source for an API that many know, or an endpoint for a service that many are told by. It knows the
provider's address, credentials, pages, limits and errors, so that the first webhook takes minutes:

` + "```sh" + `
pollwire init --list
pollwire init github
` + "```" + `

` + "`init`" + ` writes one commented file into ` + "`conf.d`" + ` beside ` + "`pollwire.yaml`" + `, and that too where there is none, and says what to set in the
environment and how to go on: ` + "`pollwire check`" + ` and ` + "`pollwire poll`" + ` prove it. The file is yours to edit. No secret stands in it:
a secret comes from the environment, or, with ` + "`--set NAME='${credential:pollwire_FILE}'`" + `, from the file of that name in
` + "`/etc/pollwire/credentials`" + ` where pollwire runs [as a service](operations.md). Other settings can be put in with ` + "`--set NAME=VALUE`" + `.
` + "`--as NAME`" + ` gives it other names, so that a recipe can be had twice; where both use one account, have their sources name one rate limit, and take the other limit out. An API that is not here takes [one file of your own](your-own-api.md), also from a curl command.
`

// Guide returns the page of all recipes as Markdown. An example is the webhook that
// a recipe's test was told, as JSON; nil where there is none.
func Guide(recipes []Recipe, example func(name string) []byte) []byte {
	g := &guide{}
	g.WriteString(guideHead)
	g.overview("Ask", recipes, false)
	g.overview("Tell", recipes, true)
	g.tried(recipes)
	for i := range recipes {
		g.recipe(&recipes[i], example(recipes[i].Name))
	}
	return g.Bytes()
}

// guide is the page while it is written.
type guide struct{ bytes.Buffer }

// overview is a table of sources, or of endpoints.
func (g *guide) overview(title string, recipes []Recipe, endpoints bool) {
	rows := 0
	for i := range recipes {
		if r := &recipes[i]; r.IsEndpoint() == endpoints {
			if rows == 0 {
				fmt.Fprintf(g, "\n## %s\n\n| recipe | what you get |\n| --- | --- |\n", title)
			}
			fmt.Fprintf(g, "| [%s](#%[1]s) | %s: %s |\n", r.Name, cell(r.Title), cell(r.Gets))
			rows++
		}
	}
}

// tried is what each recipe ran against.
func (g *guide) tried(recipes []Recipe) {
	g.WriteString(`
## What they were tried against

Every recipe runs in a whole daemon in the tests: through its first look, a change that is told, answers that are errors, and, where there is
such a thing, dull changes, pages, bad credentials and limits. A fake is a server of these tests that behaves as the provider's public
documentation says; it is not the provider. Real servers are named with their version.

| recipe | tried against |
| --- | --- |
`)
	for i := range recipes {
		fmt.Fprintf(g, "| [%s](#%[1]s) | %s |\n", recipes[i].Name, cell(strings.Join(recipes[i].Tried, "; ")))
	}
}

// recipe is the part of one recipe.
func (g *guide) recipe(r *Recipe, example []byte) {
	fmt.Fprintf(g, "\n## %s\n\n%s: %s.\n", r.Name, prose(r.Title), prose(r.Gets))
	if r.About != "" {
		fmt.Fprintf(g, "\n%s\n", prose(r.About))
	}
	fmt.Fprintf(g, "\n```sh\npollwire init %s\n```\n", r.Name)
	if len(r.Settings) > 0 {
		g.WriteString("\n| set | what it is |\n| --- | --- |\n")
	}
	for i := range r.Settings {
		fmt.Fprintf(g, "| `%s` | %s |\n", r.Settings[i].Name, cell(r.Settings[i].Says()))
	}
	links := make([]string, len(r.Docs))
	for i, page := range r.Docs {
		links[i] = fmt.Sprintf("[%s](%s)", prose(pageTitle(page)), page)
	}
	fmt.Fprintf(g, "\n- Limit: %s.\n- The provider's pages: %s.\n- Tried against: %s.\n", prose(r.Limit), strings.Join(links, ", "), prose(strings.Join(r.Tried, "; ")))
	if example != nil {
		fmt.Fprintf(g, "\nA webhook, in part:\n\n```json\n%s```\n", example)
	}
}

// pageTitle names a page by its address: host and last part of the path.
func pageTitle(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	parts := strings.FieldsFunc(u.Path, func(r rune) bool { return r == '/' })
	if len(parts) == 0 {
		return u.Host
	}
	return u.Host + ": " + strings.TrimSuffix(parts[len(parts)-1], ".html")
}

// prose is text in which nothing is taken for markup but code.
func prose(text string) string {
	return strings.NewReplacer("*", "\\*", "_", "\\_", "<", "&lt;", "[", "\\[", "]", "\\]", "#", "\\#").Replace(text)
}

// cell is text in one cell of a table.
func cell(text string) string {
	return strings.ReplaceAll(prose(text), "|", "\\|")
}
