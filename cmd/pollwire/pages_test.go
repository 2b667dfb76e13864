package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/recipe"
	"github.com/pollwire/pollwire/notify"
)

// block is a fenced block of a page.
type block struct {
	page, language, code string
	line                 int
}

// docsPages are the paths of all pages that people read, from the root of the repository.
func docsPages(t *testing.T) []string {
	t.Helper()
	var pages []string
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "testdata" || path != "." && strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case strings.HasSuffix(path, ".md"):
			pages = append(pages, path)
		}
		return nil
	})
	if err != nil || len(pages) < 8 {
		t.Fatalf("found %v: %v", pages, err)
	}
	return pages
}

func readPage(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var fence = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")

// blocks are the fenced blocks of a page.
func blocks(t *testing.T, page string) []block {
	t.Helper()
	text := readPage(t, page)
	var found []block
	for _, at := range fence.FindAllStringSubmatchIndex(text, -1) {
		found = append(found, block{page, text[at[2]:at[3]], text[at[4]:at[5]], 1 + strings.Count(text[:at[0]], "\n")})
	}
	return found
}

// docsBlock is the first block of a page in a language that holds a text.
func docsBlock(t *testing.T, page, language, holds string) string {
	t.Helper()
	for _, b := range blocks(t, page) {
		if b.language == language && strings.Contains(b.code, holds) {
			return b.code
		}
	}
	t.Fatalf("%s has no %s block with %q", page, language, holds)
	return ""
}

var (
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	// unanchored is what the anchor of a heading leaves out.
	unanchored = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// anchors are what links to the headings of a page can name.
func anchors(text string) []string {
	var all []string
	for _, h := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		all = append(all, strings.ReplaceAll(strings.ToLower(unanchored.ReplaceAllString(h[1], "")), " ", "-"))
	}
	return all
}

// TestDocsLinks: what pages lead to within the repository is there, headings included.
func TestDocsLinks(t *testing.T) {
	t.Parallel()
	headings := make(map[string][]string) // by page
	for _, page := range docsPages(t) {
		for _, l := range link.FindAllStringSubmatch(fence.ReplaceAllString(readPage(t, page), ""), -1) {
			if strings.Contains(l[1], "://") || strings.HasPrefix(l[1], "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(l[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(filepath.Join("../..", target)); err != nil {
				t.Errorf("%s: %s leads nowhere", page, l[1])
				continue
			}
			if anchor != "" && headings[target] == nil {
				headings[target] = anchors(readPage(t, target))
			}
			if anchor != "" && !slices.Contains(headings[target], anchor) {
				t.Errorf("%s: %s has no heading %s", page, target, anchor)
			}
		}
	}
}

// TestDocsConfigurations loads every configuration of the pages, and has its rules
// compiled. What a part of one leaves out is put beside it.
func TestDocsConfigurations(t *testing.T) {
	t.Parallel()
	secret := notify.GenerateSecret()
	lookup := config.Lookup{
		Env: func(name string) (string, bool) {
			switch {
			case name == "CREDENTIALS_DIRECTORY":
				return "/run/credentials", true
			case strings.HasSuffix(name, "_SECRET") && !strings.HasPrefix(name, "CRM"):
				return secret, true
			case strings.HasSuffix(name, "_KEY"):
				return "a-value-of-" + name + "-that-is-long-enough", true
			case strings.HasSuffix(name, "_EVENTS"):
				return "shop.order.*", true
			}
			return "a-value-of-" + name, true
		},
		File: func(path string) ([]byte, error) {
			return []byte("the-content-of-" + filepath.Base(path) + "-long-enough-for-a-key"), nil
		},
	}
	tried := 0
	for _, page := range docsPages(t) {
		for _, b := range blocks(t, page) {
			if b.language != "yaml" {
				continue
			}
			tried++
			var keys map[string]yaml.Node
			if err := yaml.Unmarshal([]byte(b.code), &keys); err != nil {
				t.Errorf("%s:%d: %v", b.page, b.line, err)
				continue
			}
			text := b.code
			if _, ok := keys["sources"]; !ok {
				text += "sources: [{name: beside, schedule: \"@hourly\", request: {url: https://shop.example.com/orders}}]\n"
			}
			cfg, err := config.Parse(fmt.Sprintf("%s:%d", b.page, b.line), []byte(text), lookup)
			if err == nil {
				err = daemon.Check(cfg)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
	if tried < 5 {
		t.Errorf("only %d configurations found", tried)
	}
}

// TestDocsRecipes: the template of the page on endpoints is that of the recipe, which
// is held against what the service demands.
func TestDocsRecipes(t *testing.T) {
	t.Parallel()
	r, err := recipe.Find("to-sendgrid")
	if err != nil {
		t.Fatal(err)
	}
	if b := docsBlock(t, "docs/endpoints.md", "yaml", "name: sendgrid"); !strings.HasSuffix(r.Text, "\n"+b) {
		t.Errorf("the recipe of docs/endpoints.md is not to-sendgrid.yaml:\n%s", b)
	}
}

var (
	// command is a call of pollwire in a line of a shell, quoted one in a sentence.
	command = regexp.MustCompile(`(?m)(?:^|[|&;(] *|sudo |go run )(?:\./)?(?:cmd/)?pollwire( [^|&;#>\n)]*|$)`)
	quoted  = regexp.MustCompile("`pollwire( [^`]+)`")
	// substitution is what a shell puts a text of its own for.
	substitution = regexp.MustCompile(`\$\([^()]*\)`)
)

// TestDocsCommands: every command of the pages is one, with flags that it has and
// as many arguments as it takes.
func TestDocsCommands(t *testing.T) {
	t.Parallel()
	tried := 0
	for _, page := range docsPages(t) {
		calls := command.FindAllStringSubmatch(shellOf(t, page), -1)
		calls = append(calls, quoted.FindAllStringSubmatch(fence.ReplaceAllString(readPage(t, page), ""), -1)...)
		for _, call := range calls {
			tried++
			if err := tryCommand(strings.Fields(call[1])); err != nil {
				t.Errorf("%s: pollwire%s: %v", page, call[1], err)
			}
		}
	}
	if tried < 20 {
		t.Errorf("only %d commands found", tried)
	}
}

// shellOf is all that a page gives to type into a shell.
func shellOf(t *testing.T, page string) string {
	t.Helper()
	var all strings.Builder
	for _, b := range blocks(t, page) {
		if b.language == "sh" {
			all.WriteString(substitution.ReplaceAllString(b.code, "X"))
		}
	}
	return all.String()
}

// tryCommand says what is wrong with a command line, without running it.
func tryCommand(args []string) error {
	for i := range args {
		args[i] = strings.Trim(args[i], `"'`)
	}
	root := newRoot()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if cmd == root && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return fmt.Errorf("there is no command %q", rest[0])
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if len(rest) == 0 || cmd.Args == nil {
		return nil // it is named, not called
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// TestDocsPrometheus lets promtool read what the pages say to Prometheus.
func TestDocsPrometheus(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("there is no promtool")
	}
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(file, []byte(docsBlock(t, "docs/operations.md", "yaml prometheus", "scrape_configs")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "promtool", "check", "config", "--syntax-only", file).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestDocsMetrics: the metrics of the pages are among those of the alert rules and
// the dashboard, which are held against what the daemon answers.
func TestDocsMetrics(t *testing.T) {
	t.Parallel()
	known := readPage(t, "systemd/monitoring/alerts.yaml") + readPage(t, "systemd/monitoring/dashboard.json")
	for _, page := range docsPages(t) {
		for _, name := range regexp.MustCompile("`pollwire_[a-z_]+`").FindAllString(readPage(t, page), -1) {
			if !strings.Contains(known, strings.Trim(name, "`")) {
				t.Errorf("%s: there is no metric %s", page, name)
			}
		}
	}
}

// TestDocsMakeTargets: every make target of the pages is one.
func TestDocsMakeTargets(t *testing.T) {
	t.Parallel()
	makefile := readPage(t, "Makefile")
	for _, page := range docsPages(t) {
		text := readPage(t, page)
		for _, call := range regexp.MustCompile("(?m)(?:^|`)make ([a-z]+)").FindAllStringSubmatch(text, -1) {
			if !strings.Contains(makefile, "\n"+call[1]+":") {
				t.Errorf("%s: there is no make %s", page, call[1])
			}
		}
	}
}
