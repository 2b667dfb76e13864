// Package recipe has sources and endpoints for APIs that people know, each a file
// of configuration that works once its settings are set. The files are embedded;
// what is to be known of one stands in the comment at its top.
package recipe

import (
	"cmp"
	"embed"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/pollwire/pollwire/internal/spelling"
)

//go:embed files/*.yaml
var files embed.FS

// endpointPrefix begins the names of recipes that tell instead of ask.
const endpointPrefix = "to-"

// Recipe is one file and what its header says.
type Recipe struct {
	// Name is that of the file, without .yaml: stripe, or to-slack for one that is
	// told. The names of its sources, endpoints and limits begin with it, without to-.
	Name string
	// Title is whose API it is.
	Title string
	// Gets says in a few words what its user gets, as the end of a sentence.
	Gets string
	// About is what is worth knowing besides, in paragraphs between empty lines.
	About string
	// Docs are the provider's pages that it was made by.
	Docs []string
	// Limit is what the provider documents of limits, and how the recipe keeps to it.
	Limit string
	// Settings are the variables that it takes from the environment.
	Settings []Setting
	// Tried are what its tests ran against: "a fake", or real servers with their versions.
	Tried []string
	// Text is the whole file.
	Text string
}

// Setting is a variable of the environment that a recipe takes.
type Setting struct {
	Name    string
	Meaning string
	// Secret says that its value must stand in no file that others read.
	Secret bool
	// Default is what it is where it is not set; with HasDefault alone it may be empty.
	Default    string
	HasDefault bool
}

// Says is what a setting is, and what it is where it is not set.
func (s *Setting) Says() string {
	says := s.Meaning
	if s.Secret {
		says += "; a secret"
	}
	switch {
	case s.HasDefault && s.Default == "":
		says += "; may be left out"
	case s.HasDefault:
		says += "; " + s.Default + " where it is not set"
	}
	return says
}

// IsEndpoint says whether the recipe tells, rather than asks. Its name does not say
// it: a source can be called to-do.
func (r *Recipe) IsEndpoint() bool { return strings.Contains("\n"+r.Text, "\nendpoints:") }

// All returns every recipe: sources before endpoints, then by name. A file that
// breaks the rules of the house is an error that names its line.
func All() ([]Recipe, error) { return all() }

// all reads the files once: they never change.
var all = sync.OnceValues(func() ([]Recipe, error) {
	entries, err := files.ReadDir("files")
	if err != nil {
		return nil, fmt.Errorf("read recipes: %w", err)
	}
	var sources, endpoints []Recipe // each by name, as the files are
	for _, entry := range entries {
		text, err := files.ReadFile(path.Join("files", entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("read recipe: %w", err)
		}
		r, err := parse(strings.TrimSuffix(entry.Name(), ".yaml"), string(text))
		if err != nil {
			return nil, err
		}
		if r.IsEndpoint() {
			endpoints = append(endpoints, *r)
		} else {
			sources = append(sources, *r)
		}
	}
	return append(sources, endpoints...), nil
})

// Find returns the recipe of a name. Its error names those that were probably
// meant, and the way to all of them.
func Find(name string) (*Recipe, error) {
	recipes, err := All()
	if err != nil {
		return nil, err
	}
	var same, like []string
	for i := range recipes {
		r := &recipes[i]
		if r.Name == name {
			return r, nil
		}
		if squash(r.Name) == squash(name) {
			same = append(same, r.Name)
		}
		if alike(r.Name, name) {
			like = append(like, r.Name)
		}
	}
	if len(same) > 0 {
		like = same
	}
	meant := ""
	if len(like) > 0 {
		meant = "; did you mean " + strings.Join(like, " or ") + "?"
	}
	return nil, fmt.Errorf("there is no recipe %q%s `pollwire init --list` shows them all", name, cmp.Or(meant, ";"))
}

// squash is a name as it is told from others: in small letters, without dashes, and
// the same whether one asks or tells.
func squash(name string) string {
	return spelling.Squash(strings.TrimPrefix(strings.ToLower(name), endpointPrefix))
}

// alike says whether a name was probably meant by a word: one is part of the other,
// or a letter or two of it slipped.
func alike(name, word string) bool {
	name, word = squash(name), squash(word)
	if len(word) < 3 {
		return false
	}
	_, near := spelling.Near(word, name)
	return near || strings.Contains(name, word) || strings.Contains(word, name)
}
