package recipe_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/pollwire/pollwire/internal/recipe"
)

// file is what the rules look at in a recipe.
type file struct {
	RateLimits []element `yaml:"rate_limits"`
	Sources    []element `yaml:"sources"`
	Endpoints  []element `yaml:"endpoints"`
}

type element struct {
	Name      string    `yaml:"name"`
	When      string    `yaml:"when"`
	EventType string    `yaml:"event_type"`
	RateLimit yaml.Node `yaml:"rate_limit"`
	Items     yaml.Node `yaml:"items"`
	Expect    struct {
		ContentType string `yaml:"content_type"`
		When        string `yaml:"when"`
	} `yaml:"expect"`
}

func all(t *testing.T) []recipe.Recipe {
	t.Helper()
	recipes, err := recipe.All()
	if err != nil {
		t.Fatal(err)
	}
	if len(recipes) == 0 {
		t.Fatal("there are no recipes")
	}
	return recipes
}

// TestRecipesKeepTheRules: what CONTRIBUTING.md asks of a file.
func TestRecipesKeepTheRules(t *testing.T) {
	t.Parallel()
	for _, r := range all(t) {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			keepsHeader(t, &r)
			keepsLines(t, &r)
			keepsNames(t, &r)
			keepsExpect(t, &r)
			keepsOrder(t, &r)
			keepsSecrets(t, &r)
		})
	}
}

// eventType is PROVIDER.THING.
var eventType = regexp.MustCompile(`^[a-z][a-z0-9_]*\.[a-z][a-z0-9_.]*$`)

func keepsHeader(t *testing.T, r *recipe.Recipe) {
	t.Helper()
	for _, page := range r.Docs {
		if u, err := url.Parse(page); err != nil || u.Scheme != "https" || u.Host == "" {
			t.Errorf("docs: %s is no https address", page)
		}
	}
	if strings.HasSuffix(r.Gets, ".") || strings.HasSuffix(r.Title, ".") {
		t.Error("the first line ends with a full stop: it is the end of a sentence")
	}
	test := strings.ReplaceAll(r.Name, "-", "") + "_test.go"
	if _, err := os.Stat(test); err != nil {
		t.Errorf("there is no %s, which tries it", test)
	}
	if _, err := os.Stat(filepath.Join("testdata", "examples", r.Name+".json")); err != nil {
		t.Errorf("there is no example for the guide: make docs writes it (%v)", err)
	}
}

func keepsLines(t *testing.T, r *recipe.Recipe) {
	t.Helper()
	const longest = 110
	n := 0
	for line := range strings.Lines(r.Text) {
		n++
		line = strings.TrimSuffix(line, "\n")
		if length := len([]rune(line)); length > longest && !strings.Contains(line, "https://") {
			t.Errorf("line %d has %d characters, more than %d", n, length, longest)
		}
		if strings.TrimRight(line, " \t\r") != line || strings.Contains(line, "\t") {
			t.Errorf("line %d ends in spaces, or has a tab", n)
		}
	}
	if !strings.HasSuffix(r.Text, "\n") || strings.HasSuffix(r.Text, "\n\n") {
		t.Error("it does not end with one line break")
	}
}

// keepsNames: names begin with that of the recipe, so that those of two never meet,
// and each source shows what it can.
func keepsNames(t *testing.T, r *recipe.Recipe) {
	t.Helper()
	var f file
	if err := yaml.Unmarshal([]byte(r.Text), &f); err != nil {
		t.Fatal(err)
	}
	stem := strings.TrimPrefix(r.Name, "to-")
	for _, e := range append(append(f.RateLimits, f.Sources...), f.Endpoints...) {
		if e.Name != stem && !strings.HasPrefix(e.Name, stem+"-") {
			t.Errorf("the name %s does not begin with %s", e.Name, stem)
		}
	}
	for _, s := range f.Sources {
		if s.When == "" {
			t.Errorf("%s has no when, which shows what can be asked of a change", s.Name)
		}
		if !eventType.MatchString(s.EventType) {
			t.Errorf("%s: the event type %q is not PROVIDER.THING", s.Name, s.EventType)
		}
		if s.RateLimit.IsZero() {
			t.Errorf("%s has no rate_limit", s.Name)
		}
	}
	if r.IsEndpoint() != (len(f.Endpoints) > 0) || r.IsEndpoint() == (len(f.Sources) > 0) {
		t.Error("one that is told is called to-NAME and has endpoints, any other has sources")
	}
}

// keepsExpect: an answer is known by what stands in it. A page for people is refused
// without a word, and so is what lacks the list; where there is no list, any other
// answer would be a change. Its content type adds nothing to that, and servers are
// careless about it.
func keepsExpect(t *testing.T, r *recipe.Recipe) {
	t.Helper()
	var f file
	if err := yaml.Unmarshal([]byte(r.Text), &f); err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Sources {
		if s.Expect.ContentType != "" {
			t.Errorf("%s has expect.content_type, which refuses nothing that the list or expect.when does not", s.Name)
		}
		if s.Items.IsZero() && s.Expect.When == "" {
			t.Errorf("%s has neither items nor expect.when: an answer of another service would be a change", s.Name)
		}
	}
}

// keepsOrder: who knows one file finds his way in all of them.
func keepsOrder(t *testing.T, r *recipe.Recipe) {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(r.Text), &root); err != nil {
		t.Fatal(err)
	}
	var fields []string
	for _, m := range regexp.MustCompile(`(?m)^# (docs|limit|secret|set|tried): `).FindAllStringSubmatch(r.Text, -1) {
		fields = append(fields, m[1])
	}
	wantOrder(t, "the header", fields, "docs limit secret set tried")
	top := root.Content[0].Content
	for i := 1; i < len(top); i += 2 {
		order := map[string]string{
			"sources":   "name schedule timezone on_missed request auth rate_limit pagination incremental format items acknowledge detect expect when event_type",
			"endpoints": "name url secrets auth format events order template rate_limit max_in_flight",
		}[top[i-1].Value]
		for _, of := range top[i].Content {
			var keys []string
			for k := 0; order != "" && k < len(of.Content); k += 2 {
				keys = append(keys, of.Content[k].Value)
			}
			wantOrder(t, fmt.Sprint("line ", of.Line), keys, order)
		}
	}
}

// wantOrder wants words, some of them repeated, in the order in which others stand.
func wantOrder(t *testing.T, where string, words []string, order string) {
	t.Helper()
	at := func(word string) int { return slices.Index(strings.Fields(order), word) }
	for i, word := range words {
		if at(word) < 0 || i > 0 && at(word) < at(words[i-1]) {
			t.Errorf("%s: %s is out of order: %s", where, word, order)
		}
	}
}

// credentials are keys of auth whose values are secret.
var credentials = map[string]bool{
	"token": true, "password": true, "value": true, "client_secret": true, "refresh_token": true,
}

// issued are secrets that providers issue; how they begin may be said.
var issued = regexp.MustCompile(`\b((sk|rk|pk)_(live|test)_|gh[ops]_|github_pat_|xox[abp]-|SG\.|AKIA|eyJ|whsec_|glpat-|shpat_|AIza)\w{4}`)

func keepsSecrets(t *testing.T, r *recipe.Recipe) {
	t.Helper()
	if found := issued.FindString(r.Text); found != "" {
		t.Errorf("it holds a secret, or what looks like one: %s…", found)
	}
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(r.Text), &root); err != nil {
		t.Fatal(err)
	}
	wantReferences(t, &root, "", "")
}

// wantReferences wants the secrets of auth, and secrets of endpoints, to come from
// outside.
func wantReferences(t *testing.T, node *yaml.Node, above, key string) {
	t.Helper()
	secret := above == "auth" && credentials[key] || key == "secrets" || key == "Authorization"
	switch {
	case node.Kind == yaml.ScalarNode && secret && node.Value != "" && !strings.Contains(node.Value, "${"):
		t.Errorf("line %d: a secret stands in the file", node.Line)
	case node.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			wantReferences(t, node.Content[i+1], key, node.Content[i].Value)
		}
	default:
		for _, below := range node.Content {
			wantReferences(t, below, above, key)
		}
	}
}

// TestNoTestWithoutRecipe: what tries recipes and what is shown of them goes when
// they go.
func TestNoTestWithoutRecipe(t *testing.T) {
	t.Parallel()
	known := make(map[string]bool)
	for _, r := range all(t) {
		known[r.Name] = true
	}
	examples, err := filepath.Glob(filepath.Join("testdata", "examples", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range examples {
		if name := strings.TrimSuffix(filepath.Base(path), ".json"); !known[name] {
			t.Errorf("%s is the example of no recipe", path)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, r := range all(t) {
		if got, err := recipe.Find(r.Name); err != nil || got.Name != r.Name {
			t.Errorf("%s: %v, %v", r.Name, got, err)
		}
	}
	for name, want := range map[string]string{
		"GitHub":       `there is no recipe "GitHub"; did you mean github? `,
		"git-hub":      `did you mean github? `,
		"X":            `did you mean x? `,
		"To-Slack":     `did you mean slack or to-slack? `,
		"gihub":        `did you mean github`,
		"gihtub":       `did you mean github?`,
		"gitbub":       `did you mean github`,
		"to-slcak":     `did you mean slack or to-slack?`,
		"stripey":      `did you mean stripe`,
		"github-issue": `did you mean github`,
		"zzz":          `there is no recipe "zzz"; ` + "`pollwire init --list` shows them all",
		"":             `there is no recipe ""; `,
		"../x":         `there is no recipe "../x"`,
	} {
		if _, err := recipe.Find(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}

// TestOrder: sources come before endpoints, then by name.
func TestOrder(t *testing.T) {
	t.Parallel()
	recipes := all(t)
	for i := 1; i < len(recipes); i++ {
		a, b := &recipes[i-1], &recipes[i]
		if a.IsEndpoint() && !b.IsEndpoint() || a.IsEndpoint() == b.IsEndpoint() && a.Name >= b.Name {
			t.Errorf("%s comes before %s", a.Name, b.Name)
		}
	}
}
