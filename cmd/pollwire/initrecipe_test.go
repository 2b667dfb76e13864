package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/httpclient/httpclienttest"
	"github.com/pollwire/pollwire/internal/recipe"
	"github.com/pollwire/pollwire/notify"
)

// TestInitRecipes: every recipe is a valid configuration in an empty folder, once its
// settings are set, and gives no warning.
func TestInitRecipes(t *testing.T) {
	authority := httpclienttest.NewAuthority(t)
	cert, key := authority.Issue(t, "client", time.Now().Add(time.Hour))
	recipes, err := recipe.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range recipes {
		t.Run(r.Name, func(t *testing.T) {
			for _, s := range r.Settings {
				if s.HasDefault {
					t.Setenv(s.Name, "")
				} else {
					t.Setenv(s.Name, settingValue(s.Name, cert, key))
				}
			}
			path := filepath.Join(t.TempDir(), "pollwire.yaml")
			got := pollwire(t, "init", r.Name, "-c", path)
			got.want(t, exitOK, "Wrote "+filepath.Join(filepath.Dir(path), "conf.d", r.Name+".yaml")+": "+r.Gets+".\n", "pollwire check -c "+path+"\n")
			cfg, err := loadConfig(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, warning := range cfg.Warnings(time.Now()) {
				t.Errorf("check would warn: %s", warning)
			}
			for _, s := range r.Settings {
				if !strings.Contains(got.stdout, "  "+s.Name+"  ") || strings.Contains(got.stdout, "export "+s.Name+"=…\n") == s.HasDefault {
					t.Errorf("%s is not told as it should be:\n%s", s.Name, got.stdout)
				}
			}
			wantNames(t, got.stdout, cfg, &r)
		})
	}
}

// wantNames wants the next steps to name what the recipe has.
func wantNames(t *testing.T, next string, cfg *config.Config, r *recipe.Recipe) {
	t.Helper()
	stem := strings.TrimPrefix(r.Name, "to-")
	for i := range cfg.Sources {
		if name := cfg.Sources[i].Name; strings.HasPrefix(name, stem) && !r.IsEndpoint() && !strings.Contains(next, "pollwire poll "+name+" ") {
			t.Errorf("the source %s is not told of:\n%s", name, next)
		}
	}
	for i := range cfg.Endpoints {
		if name := cfg.Endpoints[i].Name; strings.HasPrefix(name, stem) && !strings.Contains(next, "pollwire test "+name+" ") {
			t.Errorf("the endpoint %s is not told of:\n%s", name, next)
		}
	}
	if strings.Contains(next, "pollwire listen --secret whsec_") == r.IsEndpoint() {
		t.Errorf("a receiver is of use for a source only:\n%s", next)
	}
}

// settingValue is a value that a setting can have, by its name.
func settingValue(name, cert, key string) string {
	switch {
	case strings.HasSuffix(name, "_SIGNING_SECRET"):
		return notify.GenerateSecret()
	case strings.HasSuffix(name, "_CA_FILE"), strings.HasSuffix(name, "_CERT_FILE"), strings.HasSuffix(name, "_CA"), strings.HasSuffix(name, "_CERT"):
		return cert
	case strings.HasSuffix(name, "_KEY_FILE"):
		return key
	case strings.HasSuffix(name, "_URL"), strings.HasSuffix(name, "_FEED"), strings.HasSuffix(name, "_PAGE"):
		return "https://api.example.com"
	case strings.HasSuffix(name, "_HOST"), strings.HasSuffix(name, "_DOMAIN"):
		return "api.example.com"
	}
	return "a-value"
}

func TestInitRecipeIsThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "pollwire.yaml")
	got := pollwire(t, "init", "github", "-c", path, "--set", "GITHUB_REPOSITORY=golang/go", "--as", "go")
	got.want(t, exitOK, "  GITHUB_TOKEN  a fine-grained token", "export GITHUB_TOKEN=…\n", "pollwire poll go-releases -c "+path)
	if strings.Contains(got.stdout, "GITHUB_REPOSITORY") || strings.Contains(got.stdout, "does not include") {
		t.Errorf("it tells too much:\n%s", got.stdout)
	}
	text, err := os.ReadFile(filepath.Join(dir, "conf.d", "go.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"repos/golang/go/releases", "name: go-issues", "${GITHUB_TOKEN}", "# docs: https://"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("there is no %q in\n%s", part, text)
		}
	}
	for file, want := range map[string]os.FileMode{path: 0o600, filepath.Join(dir, "conf.d", "go.yaml"): 0o644} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm()&^0o022 != want&^0o022 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}

	// Once more: nothing is overwritten, and a second one needs a name of its own.
	pollwire(t, "init", "github", "-c", path, "--as", "go").want(t, exitFailed, "! go.yaml exists already and is left as it is; name another with --as")
	second := pollwire(t, "init", "github", "-c", path, "--set", "GITHUB_TOKEN=${credential:pollwire_github}")
	second.want(t, exitOK, "export GITHUB_REPOSITORY=…", "pollwire run -c "+path)
	if strings.Contains(second.stdout, "Wrote "+path) || strings.Contains(second.stdout, "pollwire listen") {
		t.Errorf("the configuration was there:\n%s", second.stdout)
	}
}

// TestInitRecipeBesideAnother: a configuration that was there is left as it is, and
// its owner told what it lacks.
func TestInitRecipeBesideAnother(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "pollwire.yaml")
	const mine = "include: [more.yaml]\nsources: []\n"
	if err := os.WriteFile(path, []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	pollwire(t, "init", "github", "-c", path).want(t, exitOK, path+" does not include it yet.", "\n  include: [\"conf.d/*.yaml\"]\n")
	if text, err := os.ReadFile(path); err != nil || string(text) != mine {
		t.Errorf("it is now %q, %v", text, err)
	}

	broken := filepath.Join(t.TempDir(), "pollwire.yaml")
	if err := os.WriteFile(broken, []byte("sources: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	pollwire(t, "init", "github", "-c", broken).want(t, exitBadConfig, "! this is no valid YAML")
	if _, err := os.Stat(filepath.Join(filepath.Dir(broken), "conf.d")); err == nil {
		t.Error("something was written beside a configuration that cannot be read")
	}
}

// TestInitRecipesAtOnce: who begins at the same time finds the other's configuration,
// or none, and leaves one that includes all.
func TestInitRecipesAtOnce(t *testing.T) {
	t.Parallel()
	for range 5 {
		dir := t.TempDir()
		path := filepath.Join(dir, "pollwire.yaml")
		var group sync.WaitGroup
		firsts := make(chan string, 3)
		for _, name := range []string{"rss", "atom", "hacker-news"} {
			group.Go(func() {
				got := pollwire(t, "init", name, "-c", path)
				got.want(t, exitOK, "Wrote ", "pollwire run -c ")
				if strings.Contains(got.stdout, "Wrote "+path) {
					firsts <- got.stdout
				}
			})
		}
		group.Wait()
		files, err := filepath.Glob(filepath.Join(dir, "conf.d", "*"))
		if err != nil || len(files) != 3 || len(firsts) != 1 {
			t.Errorf("there are %v, %v, and %d wrote the configuration", files, err, len(firsts))
		}
		if hidden, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(hidden) > 0 {
			t.Errorf("%v are left, %v", hidden, err)
		}
	}
}

// TestInitRecipeOnLink: a link that leads nowhere is a file that is left as it is.
func TestInitRecipeOnLink(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.yaml")
	if err := os.Symlink("nowhere.yaml", path); err != nil {
		t.Skip(err)
	}
	pollwire(t, "init", "rss", "-c", path).want(t, exitFailed, "! "+path+" exists already and is left as it is")
	if files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "conf.d", "*")); err != nil || len(files) > 0 {
		t.Errorf("%v are left, %v", files, err)
	}
}

// TestInitRecipeInFolderWithSpace: the commands can be pasted into a shell.
func TestInitRecipeInFolderWithSpace(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "Ann's files")
	got := pollwire(t, "init", "hacker-news", "-c", filepath.Join(dir, "p.yaml"))
	got.want(t, exitOK, "pollwire run -c '"+strings.ReplaceAll(dir, "'", `'\''`)+"/p.yaml'\n")
}

// TestInitSourceNamedTo: what is called to-NAME by its user is still a source.
func TestInitSourceNamedTo(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--from-curl", "curl https://a.example/v1/to-do"},
		{"hacker-news", "--as", "to-do", "--set", "HN_QUERY=go"},
	} {
		path := filepath.Join(t.TempDir(), "pollwire.yaml")
		pollwire(t, append([]string{"init", "-c", path}, args...)...).want(t, exitOK, "conf.d/to-do.yaml", "pollwire poll to-do", "pollwire listen --secret whsec_")
		if cfg, err := loadConfig(path); err != nil || len(cfg.Endpoints) != 1 || !strings.HasPrefix(cfg.Sources[0].Name, "to-do") {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func TestInitRecipeRefuses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.yaml")
	for args, want := range map[string]struct {
		code int
		says string
	}{
		"gihtub":                           {exitFailed, `there is no recipe "gihtub"`},
		"github gitlab":                    {exitUsage, "pollwire init takes the name of one recipe, but got 2 arguments"},
		"github --set GITHUB_TOKEN=sesame": {exitFailed, "--set: GITHUB_TOKEN is a secret, which stands in no file"},
		"github --set X=y":                 {exitFailed, "--set: github has no setting X; it has GITHUB_TOKEN, GITHUB_REPOSITORY"},
		"github --set sesame":              {exitUsage, "--set: write it as NAME=VALUE"},
		"github --set A=b --set A=c":       {exitUsage, "--set: A is given twice"},
		"github --as A":                    {exitUsage, `--as: "A" cannot be the name`},
		"github --as ../a":                 {exitUsage, `--as: "../a" cannot be the name`},
		"--as x":                           {exitUsage, "--set, --as and --print are for a recipe"},
		"--print":                          {exitUsage, "--set, --as and --print are for a recipe"},
		"--json":                           {exitUsage, "--json is for --list"},
		"--list github":                    {exitUsage, "--list takes nothing else but --json"},
		"github --set GITHUB_REPOSITORY=a\u00a0b": {exitFailed, "leave it to the environment: export GITHUB_REPOSITORY=…"},
	} {
		got := pollwire(t, append([]string{"init", "-c", path}, strings.Split(args, " ")...)...)
		got.want(t, want.code, "! "+want.says)
		if strings.Contains(got.stderr, "sesame") || got.stdout != "" {
			t.Errorf("%s tells too much: %s%s", args, got.stdout, got.stderr)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) > 0 {
		t.Errorf("something was written: %v, %v", entries, err)
	}
}

func TestInitPrint(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pollwire.yaml")
	got := pollwire(t, "init", "github", "--print", "-c", path)
	r, err := recipe.Find("github")
	if err != nil {
		t.Fatal(err)
	}
	if got.code != exitOK || got.stdout != r.Text || got.stderr != "" {
		t.Errorf("%d: %s%s", got.code, got.stdout, got.stderr)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) > 0 {
		t.Errorf("something was written: %v, %v", entries, err)
	}
}

func TestInitList(t *testing.T) {
	t.Parallel()
	pollwire(t, "init", "--list").want(t, exitOK, "RECIPE", "github ", "GitHub: new releases", "GITHUB_TOKEN GITHUB_REPOSITORY")
	got := pollwire(t, "init", "--list", "--json")
	got.want(t, exitOK)
	recipes, err := recipe.All()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(got.stdout) {
		var row recipeRow
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if r := recipes[n]; row.Name != r.Name || row.Gets != r.Gets || len(row.Settings) != len(r.Settings) || (row.Kind == "endpoint") != r.IsEndpoint() {
			t.Errorf("line %d is %s", n+1, line)
		}
		n++
	}
	if n != len(recipes) {
		t.Errorf("%d lines for %d recipes", n, len(recipes))
	}
}

// TestInitIsCompleted: what a shell asks for at a Tab.
func TestInitIsCompleted(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"gith":                  "github\tnew releases",
		"github ":               ":4",
		"github --set GITHUB_R": "GITHUB_REPOSITORY=\tthe repository, as golang/go\n:6",
		"github --set X":        ":6",
		"--set X":               ":6",
		"nonsense --set GITHUB": ":6",
		"nonsense":              ":4",
	} {
		got := pollwire(t, append([]string{"__complete", "init"}, strings.Split(args, " ")...)...)
		if got.code != exitOK || !strings.HasPrefix(got.stdout, want) {
			t.Errorf("%s: %d, %q, want %q", args, got.code, got.stdout, want)
		}
	}
}
