package systemdtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// packagesTimeout bounds the life of the machine on which packages come and go.
const packagesTimeout = 8 * time.Minute

// TestPackages boots a machine without pollwire, and lets Debian's and Red Hat's
// package managers install, upgrade and remove it.
func TestPackages(t *testing.T) {
	t.Parallel()
	if reason := cannotBoot(); reason != "" {
		t.Skip(reason)
	}
	need(t, "dpkg-deb", "rpm", "deb-systemd-helper")
	stage := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, self, filepath.Join(stage, "files/stage/checks"), 0o755)
	for name, content := range files {
		content = strings.Replace(content, "TestUnitInside", "TestPackagesInside", 1)
		write(t, filepath.Join(stage, "files", name), content, 0o644)
	}
	// The database of manual pages is nobody's here, and takes dpkg longest.
	write(t, filepath.Join(stage, "files/etc/dpkg/dpkg.cfg.d/stage"), "no-triggers\nforce-unsafe-io\n", 0o644)
	packages := filepath.Join(stage, "files", packagesDir)
	copyFile(t, deb(t), filepath.Join(packages, "new.deb"), 0o644)
	copyFile(t, rpm(t), filepath.Join(packages, "new.rpm"), 0o644)
	repack(t, filepath.Join(packages, "old.deb"), "0.0.0~~old", "")
	repack(t, filepath.Join(packages, "newer.deb"), "9999", "# A newer package says more.\n")
	if err := os.Mkdir(filepath.Join(stage, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), packagesTimeout)
	defer cancel()
	console := boot(ctx, t, stage)
	log, err := os.ReadFile(filepath.Join(stage, "out", "log"))
	if err != nil {
		t.Fatalf("the checks never ran: %v\n%s", err, console)
	}
	t.Logf("%s", log)
	if !bytes.HasSuffix(bytes.TrimSpace(log), []byte("\nPASS")) {
		t.Errorf("the checks failed; the console says:\n%s", console)
	}
}

// repack makes the Debian package as another version, whose configuration has
// more in it.
func repack(t *testing.T, path, version, more string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "package")
	run(t, "dpkg-deb", "--raw-extract", deb(t), dir)
	control := filepath.Join(dir, "DEBIAN/control")
	text, err := os.ReadFile(control)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "Version: ") {
			line = fmt.Sprintf("Version: %s\n", version)
		}
		lines = append(lines, line)
	}
	write(t, control, strings.Join(lines, ""), 0o644)
	installed := filepath.Join(dir, configFile)
	text, err = os.ReadFile(installed)
	if err != nil {
		t.Fatal(err)
	}
	write(t, installed, string(text)+more, 0o644)
	run(t, "dpkg-deb", "--build", "-Znone", "--root-owner-group", dir, path)
}
