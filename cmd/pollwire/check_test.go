package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, yaml string
		code       int
		says       []string
	}{
		{
			name: "valid",
			yaml: `
sources:
  - {name: a, schedule: "@hourly", request: {url: "http://127.0.0.1/a"}}
`,
			says: []string{"pollwire.yaml: ok, 1 source, 0 endpoints\n"},
		},
		{
			name: "budgets",
			yaml: `
rate_limits: [{name: shared, requests: 60, per: 1h}]
sources:
  - {name: a, schedule: "*/2 * * * *", request: {url: "http://127.0.0.1/a"}, rate_limit: shared}
  - {name: b, schedule: "* * * * *", request: {url: "http://127.0.0.1/b"}, rate_limit: shared}
  - {name: c, schedule: "@hourly", request: {url: "http://127.0.0.1/c"}, rate_limit: {requests: 10, per: 1h}}
endpoints:
  - {name: me, url: "http://127.0.0.1:9000/", secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}
`,
			says: []string{
				"ok, 3 sources, 1 endpoint\n",
				"warning: rate_limits[0]: shared: 2 sources want 2,160 requests a day, 60 per 1h allow 1,440: 150 %. It does not fit",
				"poll 1.5 times less often",
				"sources[2].rate_limit c: 1 source wants 24 requests a day, 10 per 1h allow 240: 10 %\n",
			},
		},
		{
			name: "every mistake at once",
			yaml: `
sources:
  - name: a
    schedule: "every day"
    request: {url: "ftp://127.0.0.1/a"}
    tiemout: 3s
endpoints:
  - {name: me, url: "http://127.0.0.1:9000/", secrets: [hidden-secret]}
`,
			code: exitBadConfig,
			says: []string{
				"! pollwire.yaml:4:15: sources[0].schedule: ",
				"! pollwire.yaml:5:20: sources[0].request.url: ",
				"! pollwire.yaml:6:5: sources[0].tiemout: ",
				"! pollwire.yaml:8:57: endpoints[0].secrets[0]: ",
			},
		},
		{
			name: "names that do not exist",
			yaml: `
sources:
  - {name: a, schedule: "@hourly", request: {url: "http://127.0.0.1/a"}}
endpoints:
  - {name: me, url: "http://127.0.0.1:9000/", format: slack}
  - {name: you, url: "https://nobody.invalid/hidden-secret", format: slack}
`,
			says: []string{
				"ok, 1 source, 2 endpoints\n",
				"warning: endpoints[1].url: the name nobody.invalid does not resolve now (",
			},
		},
		{
			name: "templates that make no sense",
			yaml: `
sources:
  - {name: a, schedule: "@hourly", request: {url: "http://127.0.0.1/a"}}
endpoints:
  - {name: me, url: "http://127.0.0.1:9000/", format: template, template: {body: '{{ .Type'}}
  - {name: you, url: "http://127.0.0.1:9000/", format: template, template: {body: '{"text": {{ .Type }}}'}}
`,
			code: exitBadConfig,
			says: []string{
				"! pollwire.yaml:5:82: endpoints[0].template.body: tried on a sample event (created): parse template: ",
				"! pollwire.yaml:6:83: endpoints[1].template.body: tried on a sample event (created): the template makes no JSON, in its line 1: ",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "pollwire.yaml")
			if err := os.WriteFile(path, []byte(tc.yaml), 0o600); err != nil {
				t.Fatal(err)
			}
			got := pollwire(t, "check", "--config", path)
			got.want(t, tc.code, tc.says...)
			if tc.code != exitOK && got.stdout != "" {
				t.Errorf("stdout: %s", got.stdout)
			}
			if strings.Contains(got.stderr, "hidden-secret") {
				t.Errorf("the secret is printed: %s", got.stderr)
			}
		})
	}
}

// TestBadConfig: every command that reads a configuration ends with the code
// that systemd knows, and says what is wrong.
func TestBadConfig(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"check", "run", "poll a", "accept a", "enable endpoint/a", "disable endpoint/a"} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "pollwire.yaml")
			got := pollwire(t, append(strings.Fields(args), "-c", path)...)
			got.want(t, exitBadConfig, "! "+path+": read configuration: there is no such file; `pollwire init` writes a first one")
			if err := os.WriteFile(path, []byte("sources: {}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			got = pollwire(t, append(strings.Fields(args), "-c", path)...)
			if strings.Contains(args, "endpoint/") || strings.HasPrefix(args, "accept") {
				got.want(t, exitFailed, "! no daemon answers on pollwire.db.sock") // all that such a command reads is right
				return
			}
			got.want(t, exitBadConfig, "! "+path+":1:10: sources: ")
		})
	}
}

// TestCheckIncluded: what is included is counted, and mistakes and warnings name
// the file that they are in.
func TestCheckIncluded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, included := filepath.Join(dir, "pollwire.yaml"), filepath.Join(dir, "conf.d", "a.yaml")
	if err := os.Mkdir(filepath.Dir(included), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const source = "name: a\nschedule: '@hourly'\nrequest: {url: 'http://127.0.0.1/a'}\n"
	write(path, "include: [conf.d/*.yaml]\nsources: [{name: b, schedule: '@daily', request: {url: 'http://127.0.0.1/b'}}]\n")
	pollwire(t, "check", "-c", path).want(t, exitOK, "pollwire.yaml: ok, 0 included files, 1 source, 0 endpoints\n")
	write(included, source)
	pollwire(t, "check", "-c", path).want(t, exitOK, "pollwire.yaml: ok, 1 included file, 2 sources, 0 endpoints\n",
		"warning: "+included+": nobody is told about a", "warning: sources[0]: nobody is told about b")
	write(included, source+"tiemout: 3s\n")
	pollwire(t, "check", "-c", path).want(t, exitBadConfig, "! "+included+":4:1: tiemout: ")
}
