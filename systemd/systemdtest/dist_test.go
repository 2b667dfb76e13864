package systemdtest

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// madeDist is where the packages under test are made, for TestMain to remove.
var madeDist string

func TestMain(m *testing.M) {
	code := m.Run()
	if madeDist != "" {
		if err := os.RemoveAll(madeDist); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// dist is the directory of the packages under test: POLLWIRE_DIST, or one that
// is made for all tests, with the packages for this machine.
func dist(t *testing.T) string {
	t.Helper()
	path, err := makeDist()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var makeDist = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("POLLWIRE_DIST"); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "pollwire-dist-")
	if err != nil {
		return "", err
	}
	madeDist = dir
	path := filepath.Join(dir, "dist")
	build := exec.Command("../package/build", path)
	build.Env = append(os.Environ(), "ARCHES="+runtime.GOARCH)
	// Tests are also run from an unpacked archive, where no repository says this.
	if exec.Command("git", "rev-parse", "HEAD").Run() != nil {
		build.Env = append(build.Env, "VERSION=0.0.0", "REVISION=0000000", "SOURCE_DATE_EPOCH=1767323045")
	}
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make packages: %w\n%s", err, out)
	}
	return path, nil
})

// made is the one file in dist that a pattern matches.
func made(t *testing.T, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dist(t), pattern))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%s in %s: %v, %v", pattern, dist(t), paths, err)
	}
	path, err := filepath.Abs(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// need skips a test on a machine that lacks a command.
func need(t *testing.T, commands ...string) {
	t.Helper()
	for _, command := range commands {
		if _, err := exec.LookPath(command); err != nil {
			t.Skipf("there is no %s", command)
		}
	}
}

// unpacked is the directory in which the archive for this machine is unpacked.
func unpacked(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	run(t, "tar", "--extract", "--gzip", "--strip-components=1", "--directory", dir,
		"--file", made(t, "*_linux_"+runtime.GOARCH+".tar.gz"))
	return dir
}

// TestProgram: what is shipped needs nothing of the machine, and holds no more
// than it must.
func TestProgram(t *testing.T) {
	t.Parallel()
	// In bytes, 31 MB. 4 of them are the driver of PostgreSQL and what a login there
	// takes: its types cannot be left out one by one.
	const maxSize = 31_000_000
	path := filepath.Join(unpacked(t), "pollwire")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxSize {
		t.Errorf("it has %d bytes, more than %d", info.Size(), maxSize)
	}
	program, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if libraries, err := program.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("it is linked with %v, %v", libraries, err)
	}
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("it needs a dynamic linker")
		}
	}
	for _, s := range program.Sections {
		if s.Name == ".symtab" || strings.HasPrefix(s.Name, ".debug") || strings.HasPrefix(s.Name, ".zdebug") {
			t.Errorf("it is not stripped: it has %s", s.Name)
		}
	}
}

// TestProgramSaysWhatItIs: the version in a file's name is the one that it tells.
func TestProgramSaysWhatItIs(t *testing.T) {
	t.Parallel()
	file := filepath.Base(made(t, "*_linux_"+runtime.GOARCH+".tar.gz"))
	want, _, _ := strings.Cut(strings.TrimPrefix(file, "pollwire_"), "_")
	said := strings.Fields(run(t, filepath.Join(unpacked(t), "pollwire"), "version"))
	if len(said) < 2 || said[1] != want || !slices.Contains(said, "commit") {
		t.Errorf("%s says %q", file, said)
	}
}

func TestArchive(t *testing.T) {
	t.Parallel()
	dir := unpacked(t)
	for _, path := range []string{
		"LICENSE", "README.md", "config.example.yaml", "third-party-notices", "systemd/pollwire.service",
		"systemd/pollwire.service.d/confine.conf.example", "systemd/monitoring/alerts.yaml",
		"man/pollwire.1", "man/pollwire-run.1", "man/pollwire.yaml.5", "completion/bash", "completion/fish", "completion/zsh",
	} {
		if info, err := os.Stat(filepath.Join(dir, path)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	notices, err := os.ReadFile(filepath.Join(dir, "third-party-notices"))
	if err != nil {
		t.Fatal(err)
	}
	// The first and the last of the libraries, and Go itself.
	for _, name := range []string{"\ngithub.com/aymanbagabas/go-udiff v", "\nmodernc.org/sqlite v", "Go, https://go.dev"} {
		if !strings.Contains(string(notices), name) {
			t.Errorf("the notices have no %q", name)
		}
	}
}

// TestSums: what others check a download with is right.
func TestSums(t *testing.T) {
	t.Parallel()
	check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = dist(t)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
