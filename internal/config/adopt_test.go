package config

import (
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestIncludeMistakes holds mistakes in included files to their place: file,
// line, column and the path within that file.
func TestIncludeMistakes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"source by its path in the file", map[string]string{"conf.d/a.yaml": "sources:\n  - {name: a, request: {url: \"ftp://x.example.com\"}}\n"}, []string{
			`conf.d/a.yaml:2:30: sources[0].request.url: the URL must begin with https:// or http://`,
		}},
		{"source alone", map[string]string{"conf.d/a.yaml": "name: a\nrequest: {url: \"https://x.example.com\", tiemout: 3s}\n"}, []string{
			`conf.d/a.yaml:2:41: request.tiemout: unknown key "tiemout"; did you mean "timeout"?`,
		}},
		{"name missing", map[string]string{"conf.d/a.yaml": "request: {url: \"https://x.example.com\"}\n"}, []string{
			`conf.d/a.yaml:1:1: the key "name" is missing, such as name: go-releases`,
		}},
		{"key at the wrong depth", map[string]string{"conf.d/a.yaml": sourceFile + "timeout: 3s\n"}, []string{
			`conf.d/a.yaml:3:1: timeout: unknown key "timeout"; it belongs under request`,
		}},
		{"mistake in defaults", map[string]string{
			"pollwire.yaml": "include: [conf.d/*.yaml]\ndefaults: {schedule: x, request: {tiemout: 3s}}\n", "conf.d/a.yaml": sourceFile,
		}, []string{`pollwire.yaml:2:22: defaults.schedule: `, `pollwire.yaml:2:35: defaults.request.tiemout: unknown key`}},
		{"names in two files", map[string]string{
			"conf.d/a.yaml": sourceFile, "conf.d/b.yaml": "sources:\n  - {name: orders, request: {url: \"https://x.example.com\"}}\n",
		}, []string{
			`conf.d/b.yaml:2:12: sources[0].name: the name "orders" is already that of the source in conf.d/a.yaml:1:1: each source needs its own`,
		}},
		{"name of the main file", map[string]string{
			"pollwire.yaml": mainFile + opsFile, "conf.d/a.yaml": sourceFile, "conf.d/b.yaml": "# again\n" + opsFile,
		}, []string{
			`conf.d/b.yaml:2:20: endpoints[0].name: the name "ops" is already that of endpoints[0] in pollwire.yaml:5:13: each endpoint needs its own`,
		}},
		{"limits in two files", map[string]string{
			"conf.d/a.yaml": "rate_limits: [{name: x, requests: 1, per: 1s}]\n" + "sources: [{name: a, request: {url: \"https://x.example.com\"}, cost: 2, rate_limit: x}]\n",
			"conf.d/b.yaml": "rate_limits: [{name: x, requests: 1, per: 1s}]\n",
			"conf.d/c.yaml": sourceFile + "cost: 3\nrate_limit: x\n",
		}, []string{
			`conf.d/a.yaml:2:68: sources[0].cost: a request that costs 2 can never be sent: rate_limits[0].requests on line 1 is 1; lower cost, or raise that`,
			`conf.d/b.yaml:1:22: rate_limits[0].name: the name "x" is already that of rate_limits[0] in conf.d/a.yaml:1:15: each rate limit needs its own`,
			`conf.d/c.yaml:3:7: cost: a request that costs 3 can never be sent: rate_limits[0].requests in conf.d/a.yaml:1:35 is 1; lower cost, or raise that`,
		}},
		{"former names", map[string]string{
			"conf.d/a.yaml": sourceFile + "formerly: old\n",
			"conf.d/b.yaml": "sources:\n  - {name: b, formerly: old, request: {url: \"https://x.example.com\"}}\n  - {name: c, formerly: orders, request: {url: \"https://x.example.com\"}}\n",
		}, []string{
			`conf.d/b.yaml:2:25: sources[0].formerly: the state of "old" goes to the source in conf.d/a.yaml:1:1 already`,
			`conf.d/b.yaml:3:25: sources[1].formerly: "orders" is the name of the source in conf.d/a.yaml:1:1, which keeps its state`,
		}},
		{"keys of the main file", map[string]string{
			"conf.d/a.yaml": sourceFile + "log: {level: debug}\nserver: {listen: \"\"}\n",
			"conf.d/b.yaml": "include: [x.yaml]\nstorage: {}\ndefaults: {}\nendpoints: []\n",
			"conf.d/c.yaml": "log: {}\n",
		}, []string{
			`conf.d/a.yaml:3:1: log: log belongs into the main file, pollwire.yaml; an included file may list sources, endpoints and rate_limits`,
			`conf.d/a.yaml:4:1: server: server belongs into`,
			`conf.d/b.yaml:1:1: include: an included file includes no others: name them in include of pollwire.yaml`,
			`conf.d/b.yaml:2:1: storage: storage belongs into`, `conf.d/b.yaml:3:1: defaults: defaults belongs into`,
			`conf.d/c.yaml:1:1: log: log belongs into`,
		}},
		{"other keys", map[string]string{
			"conf.d/a.yaml": sourceFile, "conf.d/b.yaml": "source: []\nendpoints: []\nschedule: x\nqqqq: 1\n",
		}, []string{
			`conf.d/b.yaml:1:1: source: unknown key "source"; did you mean "sources"?`,
			`conf.d/b.yaml:3:1: schedule: schedule is a key of a source, and this file is none: it belongs into an element of sources`,
			`conf.d/b.yaml:4:1: qqqq: unknown key "qqqq" in an included file; it lists sources, endpoints or rate_limits, or is one source with name, schedule and request`,
		}},
		{"endpoint alone", map[string]string{"conf.d/a.yaml": sourceFile, "conf.d/b.yaml": "name: ops\nurl: https://x.example.com\n"}, []string{
			`conf.d/b.yaml:1:1: name: name is a key of a source, and this file is none`, `conf.d/b.yaml:2:1: url: unknown key "url" in an included file; it lists`,
		}},
		{"shapes", map[string]string{"conf.d/a.yaml": "sources: {name: a}\n", "conf.d/b.yaml": "sources:\nendpoints: x\n", "conf.d/c.yaml": "{}\n", "conf.d/d.yaml": sourceFile}, []string{
			`conf.d/a.yaml:1:10: sources: want a list, got a mapping`, `conf.d/b.yaml:1:9: sources: there is no value`,
			`conf.d/b.yaml:2:12: endpoints: want a list, got a string`, `conf.d/c.yaml:1:1: the file holds nothing: it lists`,
		}},
		{"structure", map[string]string{"conf.d/a.yaml": "name: a\nname: b\nrequest: &x {url: \"https://x.example.com\"}\n", "conf.d/b.yaml": "sources: *x\n"}, []string{
			`conf.d/a.yaml:2:1: name: the key "name" is already on line 1: keep one`, `conf.d/a.yaml:3:10: request: anchors (&name) are not supported`,
			`conf.d/b.yaml:1:10: "*x" begins with *, which is a reference in YAML`,
		}},
		{"files that cannot be read are told at once and alone", map[string]string{
			"pollwire.yaml": mainFile + "sources: [{name: x, notify: [elsewhere]}]\n",
			"conf.d/a.yaml": "", "conf.d/b.yaml": "a: [", "conf.d/c.yaml": "name: \xff", "conf.d/d.yaml": "name: a\n---\nname: b\n", "conf.d/e.yaml": "- name: a\n",
		}, []string{
			`conf.d/a.yaml: the file is empty: it lists sources, endpoints or rate_limits, or is one source with name, schedule and request`,
			`conf.d/b.yaml:2:1: this is no valid YAML`, `conf.d/c.yaml:1:7: this is no UTF-8 text`, `conf.d/d.yaml:2:1: a second document begins here`,
			`conf.d/e.yaml:1:1: want a mapping`,
		}},
		{"by file and then by line", map[string]string{
			"pollwire.yaml": "include: [z.yaml, a.yaml]\n\n\n\nlog: {level: loud}\n",
			"z.yaml":        "\n\nsources: [{name: z, schedule: x, request: {url: \"https://x.example.com\"}}]\n", "a.yaml": sourceFile + "schedule: y\n",
		}, []string{`pollwire.yaml:5:14: log.level: `, `z.yaml:3:31: sources[0].schedule: `, `a.yaml:3:11: schedule: `}},
		{"no sources anywhere", map[string]string{"conf.d/a.yaml": opsFile}, []string{
			`pollwire.yaml:1:10: sources: there are no sources: add one with name, schedule and request`,
		}},
		{"no files", nil, []string{`pollwire.yaml:1:10: sources: there are no sources: add one`}},
		{"sources of the main file are none", map[string]string{"pollwire.yaml": mainFile + "sources: []\n", "conf.d/a.yaml": opsFile}, []string{
			`pollwire.yaml:5:10: sources: there are no sources: add one`,
		}},
		{"sources of the main file are no list", map[string]string{"pollwire.yaml": mainFile + "sources: {}\n", "conf.d/a.yaml": sourceFile}, []string{
			`pollwire.yaml:5:10: sources: want a list, got a mapping`,
		}},
		{"patterns", map[string]string{"pollwire.yaml": "include: ['', 'conf.d/**/*.yaml', '[', none.yaml, conf.d, 'conf.d/d*', '${POLLWIRE_NO_SUCH:-hidden}.yaml', 3, null]\n" + sourceFile, "conf.d/dir/x": ""}, []string{
			`pollwire.yaml:1:11: include[0]: it is empty: name a file, or files by a pattern such as conf.d/*.yaml`,
			`pollwire.yaml:1:15: include[1]: ** is not supported: name each level, such as conf.d/*/*.yaml`,
			`pollwire.yaml:1:35: include[2]: "[" is no pattern: a [ needs a ] in the same name`,
			`pollwire.yaml:1:40: include[3]: read none.yaml: there is no such file`,
			`pollwire.yaml:1:51: include[4]: read conf.d: is a directory; name the files in it, such as "conf.d/*.yaml"`,
			`pollwire.yaml:1:59: include[5]: read conf.d/dir: is a directory; name the files in it, such as "conf.d/dir/*.yaml"`,
			`pollwire.yaml:1:72: include[6]: read the value of "${POLLWIRE_NO_SUCH:-hidden}.yaml": there is no such file`,
			`pollwire.yaml:1:108: include[7]: want a string, got an integer`, `pollwire.yaml:1:111: include[8]: there is no value`,
		}},
		{"one file as a text", map[string]string{"pollwire.yaml": "include: a.yaml\n" + minimal}, []string{`pollwire.yaml:1:10: include: want a list, got a string`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"pollwire.yaml": mainFile}
			maps.Copy(files, test.files)
			path := mustTree(t, files)
			checkMistakes(t, path, test.want)
		})
	}
}

// checkMistakes holds what is wrong with a configuration to lines that begin so.
func checkMistakes(t *testing.T, path string, want []string) {
	t.Helper()
	_, err := Load(path)
	var errs Errors
	if !errors.As(err, &errs) {
		t.Fatalf("got %v, want mistakes", err)
	}
	got := strings.Split(strings.ReplaceAll(err.Error(), filepath.Dir(path)+"/", ""), "\n")
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("not told: %s", want[i])
		case i >= len(want):
			t.Errorf("told too: %s", got[i])
		case !strings.HasPrefix(got[i], want[i]):
			t.Errorf("got  %s\nwant %s...", got[i], want[i])
		}
	}
}

// FuzzInclude looks for panics in included files, and for mistakes in them that
// are shown at another file.
func FuzzInclude(f *testing.F) {
	for _, text := range []string{sourceFile, opsFile, minimal, "log: {}\n", "name: a\nname: b\n", "sources:\n", "{}", "- a", "sources: [[]]", "? {a: b}\n: c\nname: x\n", "<<: {}\nrequest: {}\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const main = "include: [a.yaml]\ndefaults: {schedule: '@daily', notify: []}\nsources: [{name: main-source, request: {url: 'http://127.0.0.1/'}}]\n"
		c, err := Parse("main.yaml", []byte(main), Lookup{Folder: oneFile(data)})
		if err == nil {
			c.Warnings(reference())
			return
		}
		var errs Errors
		if !errors.As(err, &errs) || len(errs) == 0 {
			t.Fatalf("got %T %v", err, err)
		}
		for _, e := range errs {
			if e.Message == "" || e.File != "a.yaml" || e.Line > 0 && e.Column < 1 {
				t.Errorf("the mistake has no place: %+v", e)
			}
		}
	})
}

// oneFile is a folder with the file a.yaml.
type oneFile []byte

func (oneFile) List(string) ([]string, error)    { return []string{"a.yaml"}, nil }
func (oneFile) Real(path string) (string, error) { return path, nil }
func (f oneFile) Read(string) ([]byte, error)    { return f, nil }

func TestIncludeWarnings(t *testing.T) {
	t.Parallel()
	path := mustTree(t, map[string]string{
		"pollwire.yaml": mainFile + `rate_limits: [{name: main, requests: 10, per: 1h}]
sources:
  - {name: main, request: {url: "http://api.example.com/"}, auth: {type: bearer, token: a}, rate_limit: {requests: 1, per: 1d}}
`,
		"conf.d/a.yaml": sourceFile + "auth: {type: bearer, token: a}\nrate_limit: {requests: 1, per: 1d}\n",
		"conf.d/b.yaml": `rate_limits: [{name: unused, requests: 1, per: 1h}]
sources: [{name: b, request: {url: "http://api.example.com/"}, auth: {type: bearer, token: a}, notify: []}]
endpoints: [{name: ops, url: "http://hooks.example.com/", events: [shop.*], secrets: [` + goodSecret + `]}]
`,
	})
	var got []string
	for _, w := range mustLoad(t, path).Warnings(reference()) {
		got = append(got, strings.ReplaceAll(w.Path, filepath.Dir(path)+"/", ""))
	}
	want := []string{
		"rate_limits[0]", "conf.d/b.yaml: rate_limits[0]",
		"sources[0].rate_limit", "conf.d/a.yaml: rate_limit",
		"sources[0].request.url", "conf.d/b.yaml: sources[0]", "conf.d/b.yaml: sources[0].request.url",
		"conf.d/b.yaml: endpoints[0].url", "conf.d/b.yaml: endpoints[0].events[0]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
