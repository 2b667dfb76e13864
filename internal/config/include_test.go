package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mainFile is the least that includes something.
const mainFile = `include: ["conf.d/*.yaml"]
defaults:
  schedule: "@hourly"
  request: {timeout: 7s, headers: {User-Agent: test}}
`

// opsFile lists one endpoint.
const opsFile = "endpoints: [{name: ops, url: \"https://hooks.example.com/in\", secrets: [" + goodSecret + "]}]\n"

// sourceFile is one source.
const sourceFile = "name: orders\nrequest: {url: \"https://api.example.com/orders\"}\n"

// mustTree writes files into a new directory, and returns the main one of them.
func mustTree(tb testing.TB, files map[string]string) string {
	tb.Helper()
	dir := tb.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			tb.Fatal(err)
		}
		mustWrite(tb, path, text)
	}
	return filepath.Join(dir, "pollwire.yaml")
}

func mustLoad(tb testing.TB, path string) *Config {
	tb.Helper()
	c, err := Load(path)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// included are the names of the files that were included, relative to the main one.
func included(path string, c *Config) string {
	names := make([]string, len(c.included))
	for i, file := range c.Included() {
		names[i] = strings.TrimPrefix(file, filepath.Dir(path)+"/")
	}
	return strings.Join(names, " ")
}

func TestInclude(t *testing.T) {
	t.Parallel()
	path := mustTree(t, map[string]string{
		"pollwire.yaml": mainFile + "sources: [{name: first, request: {url: \"https://api.example.com/first\"}}]\n",
		"conf.d/b.yaml": "\ufeff" + sourceFile + "rate_limit: shop\n",
		"conf.d/c.yaml": opsFile,
		"conf.d/a.yaml": `rate_limits: [{name: shop, requests: 10, per: 1m}]
sources:
  - {name: a1, request: {url: "https://api.example.com/a1", timeout: 9s}, notify: [ops]}
  - {name: a2, schedule: "@daily", request: {url: "https://api.example.com/a2"}}
`,
	})
	c := mustLoad(t, path)
	var got []string
	for _, s := range c.Sources {
		got = append(got, strings.Join([]string{
			s.Name, s.Schedule, s.Request.Timeout.String(), s.Request.Headers.Header().Get("User-Agent"), s.RateLimit.Name, strings.Join(s.Notify, " "),
		}, "|"))
	}
	want := []string{
		"first|@hourly|7s|test||ops",
		"a1|@hourly|9s|test||ops",
		"a2|@daily|7s|test||ops",
		"orders|@hourly|7s|test|shop|ops",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	if got := included(path, c); got != "conf.d/a.yaml conf.d/b.yaml conf.d/c.yaml" {
		t.Errorf("included %s", got)
	}
	if len(c.RateLimits) != 1 || len(c.Endpoints) != 1 {
		t.Errorf("%d limits, %d endpoints", len(c.RateLimits), len(c.Endpoints))
	}
}

// TestIncludeFinds holds patterns to the files they name.
func TestIncludeFinds(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"conf.d/a.yaml":           "sources: []\n",
		"conf.d/b.yml":            "sources: []\n",
		"conf.d/a.yaml~":          "broken: [",
		"conf.d/.#a.yaml":         "broken: [",
		"conf.d/.hidden.yaml":     "sources: []\n",
		"conf.d/#a.yaml#":         "broken: [",
		"conf.d/..data/k.yaml":    "broken: [",
		"conf.d/shop/s.yaml":      "sources: []\n",
		"conf.d/bank/s.yaml":      "sources: []\n",
		"conf.d/bank/other.yaml":  "sources: []\n",
		"elsewhere/[x]/z.yaml":    "sources: []\n",
		"conf.d/none/readme.text": "",
	}
	for patterns, want := range map[string]string{
		`conf.d/*.yaml`:                        "conf.d/a.yaml",
		`conf.d/*.y*ml`:                        "conf.d/a.yaml conf.d/b.yml",
		`conf.d/b.yml", "conf.d/a.yaml`:        "conf.d/b.yml conf.d/a.yaml",
		`conf.d/*.yaml", "./conf.d//a.yaml`:    "conf.d/a.yaml",
		`conf.d/?.yaml", "conf.d/[a-c].y*ml`:   "conf.d/a.yaml conf.d/b.yml",
		`conf.d/.h*.yaml`:                      "conf.d/.hidden.yaml",
		`conf.d/.hidden.yaml`:                  "conf.d/.hidden.yaml",
		`conf.d/*/*.yaml`:                      "conf.d/bank/other.yaml conf.d/bank/s.yaml conf.d/shop/s.yaml",
		`conf.d/*/s.yaml`:                      "conf.d/bank/s.yaml conf.d/shop/s.yaml",
		`none/*.yaml", "conf.d/*.json`:         "",
		`conf.d/a.yaml/*.yaml`:                 "",
		`*.yaml`:                               "", // the main file itself
		`pollwire.yaml`:                        "",
		`elsewhere/\\[x\\]/*.yaml`:             "elsewhere/[x]/z.yaml",
		`conf.d/../conf.d/a.yaml`:              "conf.d/a.yaml",
		`${POLLWIRE_NO_SUCH:-conf.d}/a.y?ml`:   "conf.d/a.yaml",
		`conf.d/shop/*", "conf.d/bank/ot*yaml`: "conf.d/shop/s.yaml conf.d/bank/other.yaml",
	} {
		files["pollwire.yaml"] = "include: [\"" + patterns + "\"]\n" + minimal
		path := mustTree(t, files)
		c, err := Load(path)
		if err != nil {
			t.Errorf("%s: %v", patterns, err)
			continue
		}
		if got := included(path, c); got != want {
			t.Errorf("%s: included %q, want %q", patterns, got, want)
		}
	}
}

// TestIncludeOnce: a file is read once, whatever names it has.
func TestIncludeOnce(t *testing.T) {
	t.Parallel()
	path := mustTree(t, map[string]string{"pollwire.yaml": mainFile, "conf.d/a.yaml": sourceFile})
	for link, to := range map[string]string{"b.yaml": "a.yaml", "c.yaml": "../pollwire.yaml"} {
		if err := os.Symlink(to, filepath.Join(filepath.Dir(path), "conf.d", link)); err != nil {
			t.Fatal(err)
		}
	}
	if c := mustLoad(t, path); included(path, c) != "conf.d/a.yaml" || len(c.Sources) != 1 {
		t.Errorf("included %v, %d sources", c.included, len(c.Sources))
	}
}

// TestIncludeRelative: paths are relative to the main file, as it was named,
// whatever characters its directory has.
func TestIncludeRelative(t *testing.T) {
	t.Parallel()
	inner := filepath.Dir(mustTree(t, map[string]string{"a[b]*/pollwire.yaml": mainFile, "a[b]*/conf.d/x.yaml": sourceFile}))
	path := filepath.Join(inner, "a[b]*", "pollwire.yaml")
	if c := mustLoad(t, path); included(path, c) != "conf.d/x.yaml" {
		t.Errorf("included %v", c.included)
	}
	absolute := mustTree(t, map[string]string{"pollwire.yaml": "include: [\"" + filepath.Join(filepath.Dir(mustTree(t, map[string]string{"x.yaml": sourceFile + "schedule: '@daily'\n"})), "*.yaml") + "\"]\n"})
	if c := mustLoad(t, absolute); len(c.Sources) != 1 {
		t.Errorf("%d sources", len(c.Sources))
	}
	for file, want := range map[string]string{"/dev/stdin": ".", "/dev/fd/63": ".", "/etc/pollwire/pollwire.yaml": "/etc/pollwire", "pollwire.yaml": "."} {
		if got := baseOf(file); got != want {
			t.Errorf("the base of %s is %s, want %s", file, got, want)
		}
	}
}

// TestIncludeUnreadable: what cannot be read is told, and not taken for none.
func TestIncludeUnreadable(t *testing.T) {
	t.Parallel()
	path := mustTree(t, map[string]string{"pollwire.yaml": "include: [conf.d/*.yaml, 'closed/*.yaml', 'closed/x.yaml']\n" + minimal, "conf.d/c.yaml": sourceFile, "closed/x.yaml": sourceFile})
	dir := filepath.Dir(path)
	mustDo(t, syscall.Mkfifo(filepath.Join(dir, "conf.d", "a.yaml"), 0o600))
	mustDo(t, os.Symlink("b.yaml", filepath.Join(dir, "conf.d", "b.yaml")))
	mustDo(t, os.Symlink("gone", filepath.Join(dir, "conf.d", "d.yaml")))
	mustDo(t, os.Symlink("/dev/zero", filepath.Join(dir, "conf.d", "e.yaml")))
	mustWrite(t, filepath.Join(dir, "conf.d", "f.yaml"), strings.Repeat("#", maxFile+1))
	want := []string{
		"pollwire.yaml:1:11: include[0]: read conf.d/a.yaml: it is no regular file but a named pipe; what is piped in is /dev/stdin",
		"pollwire.yaml:1:11: include[0]: read conf.d/b.yaml: too many levels of symbolic links",
		"pollwire.yaml:1:11: include[0]: read conf.d/d.yaml: there is no such file",
		"pollwire.yaml:1:11: include[0]: read conf.d/e.yaml: it is no regular file but a device",
		"pollwire.yaml:1:11: include[0]: read conf.d/f.yaml: it is larger than 16MiB",
	}
	if os.Geteuid() > 0 { // root reads everything
		mustDo(t, os.Chmod(filepath.Join(dir, "closed"), 0))
		t.Cleanup(func() { mustDo(t, os.Chmod(filepath.Join(dir, "closed"), 0o700)) })
		want = append(want,
			"pollwire.yaml:1:26: include[1]: list closed: no permission to read it",
			"pollwire.yaml:1:43: include[2]: read closed/x.yaml: no permission to read it")
	}
	checkMistakes(t, path, want)
}

// closed is a folder that lets nobody look into its directories.
type closed struct{ nowhere }

func (closed) List(string) ([]string, error) { return nil, os.ErrPermission }

func TestIncludeClosedDirectory(t *testing.T) {
	t.Parallel()
	_, err := Parse("/etc/pollwire/pollwire.yaml", []byte(mainFile), Lookup{Folder: closed{}})
	if want := "/etc/pollwire/pollwire.yaml:1:11: include[0]: list /etc/pollwire/conf.d: no permission to read it"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func mustDo(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// TestLoadRegularFile: a named pipe that nobody writes to is refused, and not
// waited for; what a shell hands over is read.
func TestLoadRegularFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	mustDo(t, syscall.Mkfifo(pipe, 0o600))
	for path, want := range map[string]string{pipe: "a named pipe", "/dev/zero": "a device"} {
		_, err := Load(path)
		if want = path + ": read configuration: it is no regular file but " + want + "; what is piped in is /dev/stdin"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	r, w, err := os.Pipe()
	mustDo(t, err)
	go func() {
		_, _ = w.WriteString(minimal)
		_ = w.Close()
	}()
	mustLoad(t, fmt.Sprintf("/dev/fd/%d", r.Fd()))
	_ = r.Close()
}
