package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pollwire/pollwire/internal/recipe"
)

// recipeRow is a recipe as --json lists it.
type recipeRow struct {
	Name     string       `json:"name"`
	Kind     string       `json:"kind"`
	Title    string       `json:"title"`
	Gets     string       `json:"gets"`
	About    string       `json:"about,omitempty"`
	Limit    string       `json:"limit"`
	Settings []settingRow `json:"settings"`
	Docs     []string     `json:"docs"`
	Tried    []string     `json:"tried"`
}

// settingRow is a setting as --json lists it.
type settingRow struct {
	Name    string  `json:"name"`
	Meaning string  `json:"meaning"`
	Secret  bool    `json:"secret"`
	Default *string `json:"default,omitempty"`
}

func newRecipeRow(r *recipe.Recipe) recipeRow {
	row := recipeRow{
		Name: r.Name, Kind: "source", Title: r.Title, Gets: r.Gets, About: r.About, Limit: r.Limit,
		Settings: make([]settingRow, len(r.Settings)), Docs: r.Docs, Tried: r.Tried,
	}
	if r.IsEndpoint() {
		row.Kind = "endpoint"
	}
	for i := range r.Settings {
		s := &r.Settings[i]
		row.Settings[i] = settingRow{Name: s.Name, Meaning: s.Meaning, Secret: s.Secret}
		if s.HasDefault {
			row.Settings[i].Default = &s.Default
		}
	}
	return row
}

// listRecipes prints all recipes.
func listRecipes(out io.Writer, asJSON bool) error {
	recipes, err := recipe.All()
	if err != nil {
		return err
	}
	rows := make([]recipeRow, len(recipes))
	for i := range recipes {
		rows[i] = newRecipeRow(&recipes[i])
	}
	return printList(out, asJSON, rows, "RECIPE GETS SETTINGS", func(r *recipeRow) []string {
		var names []string
		for _, s := range r.Settings {
			if s.Default == nil {
				names = append(names, s.Name)
			}
		}
		return []string{r.Name, r.Title + ": " + r.Gets, strings.Join(names, " ")}
	})
}

// completeRecipes completes the names of recipes.
func completeRecipes(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	recipes, err := recipe.All()
	if err != nil || len(args) > 0 { // A shell would take an error for a name.
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for i := range recipes {
		if strings.HasPrefix(recipes[i].Name, begun) {
			names = append(names, recipes[i].Name+"\t"+recipes[i].Gets)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeSettings completes the names of the settings of the recipe that was named.
func completeSettings(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	if len(args) == 0 {
		return nil, directive
	}
	r, err := recipe.Find(args[0])
	if err != nil {
		return nil, directive
	}
	var names []string
	for _, s := range r.Settings {
		if strings.HasPrefix(s.Name, begun) {
			names = append(names, s.Name+"=\t"+s.Meaning)
		}
	}
	return names, directive
}
