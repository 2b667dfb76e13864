package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestManual writes the pages of the real command line and lets a checker read
// them.
func TestManual(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "man")
	pollwire(t, "manual", dir, "--date", "2026-01-02").want(t, exitOK)
	pages := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		pages[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range newRoot().Commands() {
		text, ok := pages["pollwire-"+cmd.Name()+".1"]
		if ok == cmd.Hidden {
			t.Errorf("%s, hidden: %v, has a page: %v", cmd.Name(), cmd.Hidden, ok)
		}
		if ok && !strings.Contains(text, `"2026-01-02"`) {
			t.Errorf("the page of %s does not bear the day", cmd.Name())
		}
	}
	// The last key of a source's, and one that is deep in it.
	for _, key := range []string{`\fBalerts.reminder_interval\fR`, `\fBrequest.tls.ca_file\fR`, `\fBauth.type: login\fR`} {
		if !strings.Contains(pages["pollwire.yaml.5"], key) {
			t.Errorf("pollwire.yaml(5) does not have %s", key)
		}
	}
	if _, err := exec.LookPath("mandoc"); err != nil {
		t.Skip("there is no mandoc to check the pages")
	}
	for path := range pages {
		if out, err := exec.CommandContext(t.Context(), "mandoc", "-Tlint", "-Wwarning", filepath.Join(dir, path)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", path, err, out)
		}
	}
}

// TestManualIsReproducible: the same day makes the same pages, on which two
// packages of one version depend.
func TestManualIsReproducible(t *testing.T) {
	t.Parallel()
	var texts [2]string
	for i := range texts {
		dir := t.TempDir()
		pollwire(t, "manual", dir, "--date", "2026-01-02").want(t, exitOK)
		text, err := os.ReadFile(filepath.Join(dir, "pollwire-run.1"))
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	if texts[0] != texts[1] {
		t.Error("pages of the same day differ")
	}
	if here := regexp.MustCompile(`/(tmp|home|root)/`).FindString(texts[0]); here != "" {
		t.Errorf("a page names %s, where it was made", here)
	}
}

func TestManualRefuses(t *testing.T) {
	t.Parallel()
	pollwire(t, "manual").want(t, exitUsage, "! wants one argument: the directory")
	pollwire(t, "manual", t.TempDir(), "--date", "yesterday").want(t, exitUsage, `! write it as 2026-01-02, not "yesterday"`)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pollwire(t, "manual", file).want(t, exitFailed, "! create directory")
}
