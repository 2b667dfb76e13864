package systemdtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// held is what both kinds of package hold: path, mode and kind. A few pages of
// the manual, and the README, stand for all that is to be read.
const held = `
drwxr-xr-x /etc/pollwire
drwxr-xr-x /etc/pollwire/conf.d
drwx------ /etc/pollwire/credentials
-rw-r--r-- /etc/pollwire/pollwire.yaml
-rwxr-xr-x /usr/bin/pollwire
-rw-r--r-- /usr/share/bash-completion/completions/pollwire
drwxr-xr-x /usr/share/doc/pollwire
-rw-r--r-- /usr/share/doc/pollwire/README.md
drwxr-xr-x /usr/share/doc/pollwire/examples
-rw-r--r-- /usr/share/doc/pollwire/examples/config.example.yaml
-rw-r--r-- /usr/share/doc/pollwire/examples/confine.conf.example
drwxr-xr-x /usr/share/doc/pollwire/examples/monitoring
-rw-r--r-- /usr/share/doc/pollwire/examples/monitoring/alerts.yaml
-rw-r--r-- /usr/share/doc/pollwire/examples/monitoring/dashboard.json
-rw-r--r-- /usr/share/doc/pollwire/third-party-notices.gz
-rw-r--r-- /usr/share/fish/vendor_completions.d/pollwire.fish
-rw-r--r-- /usr/share/man/man1/pollwire-run.1.gz
-rw-r--r-- /usr/share/man/man1/pollwire.1.gz
-rw-r--r-- /usr/share/man/man5/pollwire.yaml.5.gz
`

// deb is the Debian package for this machine.
func deb(t *testing.T) string {
	t.Helper()
	return made(t, "*_"+runtime.GOARCH+".deb")
}

// rpm is the RPM package for this machine.
func rpm(t *testing.T) string {
	t.Helper()
	return made(t, "*."+map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]+".rpm")
}

func TestDeb(t *testing.T) {
	t.Parallel()
	need(t, "dpkg-deb")
	var listed []string
	owned := regexp.MustCompile(`^([-dl]\S{9}) root/root +\d+ \S+ \S+ \.(/.*?)/?$`)
	for line := range strings.Lines(run(t, "dpkg-deb", "--contents", deb(t))) {
		fields := owned.FindStringSubmatch(strings.TrimSpace(line))
		if fields == nil {
			t.Errorf("neither a file nor a directory of root's: %s", line)
			continue
		}
		listed = append(listed, fields[1]+" "+fields[2])
	}
	compare(t, held+`
-rw-r--r-- /lib/systemd/system/pollwire.service
-rw-r--r-- /usr/share/doc/pollwire/changelog.Debian.gz
-rw-r--r-- /usr/share/doc/pollwire/copyright
-rw-r--r-- /usr/share/lintian/overrides/pollwire
-rw-r--r-- /usr/share/zsh/vendor-completions/_pollwire
`, listed)
	if got := run(t, "dpkg-deb", "--info", deb(t), "conffiles"); got != "/etc/pollwire/pollwire.yaml" {
		t.Errorf("kept as the operator left them: %q", got)
	}
}

func TestRPM(t *testing.T) {
	t.Parallel()
	need(t, "rpm")
	var listed []string
	for line := range strings.Lines(run(t, "rpm", "--query", "--package", "--queryformat",
		"[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES}\n]", rpm(t))) {
		fields := strings.Fields(line)
		if len(fields) != 4 || fields[1] != "root" || fields[2] != "root" {
			t.Errorf("not root's: %s", line)
			continue
		}
		listed = append(listed, fields[0]+" "+fields[3])
	}
	compare(t, held+`
-rw-r--r-- /usr/lib/systemd/system/pollwire.service
-rw-r--r-- /usr/share/licenses/pollwire/LICENSE
-rw-r--r-- /usr/share/zsh/site-functions/_pollwire
`, listed)
	flags := run(t, "rpm", "--query", "--package", "--queryformat", "[%{FILENAMES} %{FILEFLAGS:fflags}\n]", rpm(t))
	for _, want := range []string{"/etc/pollwire/pollwire.yaml cn\n", "/usr/share/licenses/pollwire/LICENSE l\n"} {
		if !strings.Contains(flags+"\n", want) {
			t.Errorf("no %q in:\n%s", want, flags)
		}
	}
}

// pages are those of the manual and of docs.
var pages = regexp.MustCompile(`^/usr/share/(man/man1/pollwire-[a-z]+\.1\.gz|doc/pollwire/(docs/)?[A-Za-z-]+\.md)$`)

// compare holds what a package lists to what it must. Directories of the system
// and further pages to read are passed over.
func compare(t *testing.T, want string, listed []string) {
	t.Helper()
	var got []string
	for _, line := range listed {
		mode, path, _ := strings.Cut(line, " ")
		known := strings.Contains(want, path+"\n")
		page := pages.MatchString(path) && mode == "-rw-r--r--"
		directory := mode == "drwxr-xr-x" && (!strings.Contains(path, "pollwire") || strings.HasSuffix(path, "/docs"))
		if !known && (page || directory) {
			continue
		}
		got = append(got, line)
	}
	sorted := cmp.Transformer("sort", func(lines []string) map[string]int {
		count := make(map[string]int)
		for _, line := range lines {
			count[line]++
		}
		return count
	})
	if d := cmp.Diff(strings.FieldsFunc(want, func(r rune) bool { return r == '\n' }), got, sorted); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
}

// TestLintian: Debian's own checker of packages finds nothing but what the
// package states and gives a reason for.
func TestLintian(t *testing.T) {
	t.Parallel()
	need(t, "lintian")
	out, err := exec.CommandContext(t.Context(), "lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", deb(t)).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if said := regexp.MustCompile(`(?m)^[EW]: .*unused-override.*$`).FindString(string(out)); said != "" {
		t.Error(said)
	}
}

// TestPackagedConfiguration: the file that is installed says what to do, and
// what it shows as a comment works.
func TestPackagedConfiguration(t *testing.T) {
	t.Parallel()
	program := filepath.Join(unpacked(t), "pollwire")
	installed, err := os.ReadFile("../package/pollwire.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "pollwire.yaml")
	write(t, path, string(installed), 0o644)
	out, err := exec.CommandContext(t.Context(), program, "check", "--config", path).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "there are no sources: add one") || strings.Count(string(out), "\n") != 1 {
		t.Errorf("as it is installed: %v\n%s", err, out)
	}

	// Without the empty lists, and with what they would hold.
	head, lists, _ := strings.Cut(string(installed), "sources: []")
	write(t, path, head+"sources:"+strings.NewReplacer(": []", ":", "\n# ", "\n").Replace(lists), 0o644)
	write(t, filepath.Join(dir, "credentials/pollwire_ops-secret"), opsSecret, 0o600)
	check := exec.CommandContext(t.Context(), program, "check", "--config", path)
	check.Env = append(os.Environ(), "CREDENTIALS_DIRECTORY="+filepath.Join(dir, "credentials"))
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("with what is shown: %v\n%s", err, out)
	}
}

// TestCompletionsBelongToTheProgram: the shells' files are those that the
// packaged program would print.
func TestCompletionsBelongToTheProgram(t *testing.T) {
	t.Parallel()
	dir := unpacked(t)
	for _, shell := range []string{"bash", "fish", "zsh"} {
		want := run(t, filepath.Join(dir, "pollwire"), "completion", shell)
		got, err := os.ReadFile(filepath.Join(dir, "completion", shell))
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(string(got)) != want {
			t.Errorf("the file for %s is another one than the program prints", shell)
		}
	}
}
