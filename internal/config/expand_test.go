package config

import (
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

func TestExpand(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain":                             "plain",
		"$ and $NAME and $$":                "$ and $NAME and $$",
		"${GITHUB_TOKEN}":                   "ghp_topsecret",
		"a ${PORT} b ${PORT} c":             "a 8470 b 8470 c",
		"${EMPTY}":                          "",
		"${EMPTY:-other}":                   "other",
		"${NOT_SET:-other}":                 "other",
		"${NOT_SET:-}":                      "",
		"${NOT_SET:-a:-b $ c}":              "a:-b $ c",
		"${PORT:-other}":                    "8470",
		"${REFERENCE}":                      "${GITHUB_TOKEN}",
		"${NOT_SET:-${PORT}":                "${PORT",
		"$${PORT}":                          "${PORT}",
		"$$${PORT}":                         "$${PORT}",
		"$${PORT}${PORT}":                   "${PORT}8470",
		"${file:/run/secrets/token}":        "file-topsecret",
		"${credential:pollwire_api-token}!": "api-topsecret!",
		"${YAML}":                           "{a: [1, 2]}",
		"é${PORT}ü":                         "é8470ü",
		"${BROKEN}":                         "line one\nline two",
		"https://x/?a=${PORT}&b=$${c}#${}":  "!",
		"${NOT_SET}":                        "!the environment variable NOT_SET is not set: set it, or write ${NOT_SET:-default}",
		"${NOT_SET} ${NEITHER}":             "!the environment variable NOT_SET is not set: set it, or write ${NOT_SET:-default}; the environment variable NEITHER is not set: set it, or write ${NEITHER:-default}",
		"${PORT":                            "!a ${ has no closing }",
		"${1}":                              "!${1} is not understood",
		"${A B}":                            "!${A B} is not understood",
		"${bad name:-topsecret}":            "!${bad name} is not understood",
		"${env:PORT}":                       "!${env:PORT} is not understood",
		"${file:}":                          "!${file:}: the path must be absolute",
		"${file:/nowhere}":                  "!${file:/nowhere}: read /nowhere: there is no such file",
		"${credential:}":                    "!${credential:}: a credential is a file name",
		"${credential:..}":                  "!${credential:..}: a credential is a file name",
		`${credential:a\b}`:                 "!${credential:",
		"${credential:other}":               "!${credential:other}: read /run/credentials/pollwire.service/other: there is no such file",
	} {
		got, err := newExpander(fakeLookup()).expand(text)
		wantErr, fails := strings.CutPrefix(want, "!")
		switch {
		case fails && (err == nil || !strings.HasPrefix(err.Error(), wantErr)):
			t.Errorf("%q gives %q and %v, want the error %s", text, got, err, wantErr)
		case !fails && (err != nil || got != want):
			t.Errorf("%q gives %q and %v, want %q", text, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%q: the error shows a default: %v", text, err)
		}
	}
}

func TestExpandWithoutLookup(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"${PORT}":           "the environment variable PORT is not set",
		"${file:/etc/name}": "files cannot be read here",
		"${credential:a}":   "CREDENTIALS_DIRECTORY is not set; systemd sets it for a unit with LoadCredential=a:/path",
	} {
		if _, err := newExpander(Lookup{}).expand(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestExpandLooksUpOnce(t *testing.T) {
	t.Parallel()
	calls := 0
	x := newExpander(Lookup{Env: func(string) (string, bool) { calls++; return "x", true }})
	node := &yaml.Node{Kind: yaml.ScalarNode, Value: "${A}"}
	for range 3 {
		if got, err := x.value(node); got != "x" || err != nil {
			t.Fatal(got, err)
		}
	}
	if calls != 1 {
		t.Errorf("looked up %d times", calls)
	}
}

// TestReferencesOfEveryType puts references where text, numbers, booleans,
// durations, sizes, times and networks are wanted, and where nothing is looked
// at again.
func TestReferencesOfEveryType(t *testing.T) {
	t.Parallel()
	lookup := lookupOf(map[string]string{
		"N": "7", "B": "false", "D": "90s", "S": "1MiB", "F": "0.5", "T": "2030-01-01T00:00:00Z", "NET": "10.0.0.0/8",
		"P": "25%", "Y": "[a, b]: {c}", "SECRET": goodSecret, "OTHER": otherSecret, "NAME": "orders",
	}, nil)
	c, err := Parse("test.yaml", []byte(`
storage: {retention: {snapshots: "${N}", events: "${N}d"}}
sources:
  - name: ${NAME}
    enabled: ${B}
    schedule: "@every ${D}"
    allow_networks: ["${NET}"]
    expect: {max_removed: "${P}"}
    request:
      url: https://api.example.com/${NAME}?a=b
      method: POST
      timeout: '${D}'
      max_body_size: ${S}
      success_status_codes: ["20${NOTHING:-1}"]
      headers: {X-Y: "${Y}", X-N: 2, X-B: true, X-D: 2024-01-01}
      params: {y: "${Y}", list: [1, "${N}", 1.50]}
      json: {y: "${Y}", "${N}": "${N}", big: 12345678901234567890.10, list: [null, true, ~, "$${N}"]}
endpoints:
  - name: ops
    url: https://hooks.example.com/
    secrets: ["${SECRET}", {value: "${OTHER}", until: "${T}"}]
    retry: {jitter: "${F}", schedule: ["${D}"]}
`), lookup)
	if err != nil {
		t.Fatal(err)
	}
	source, endpoint := c.Sources[0], c.Endpoints[0]
	for name, pair := range map[string][2]any{
		"integer":         {c.Storage.Retention.Snapshots, 7},
		"days":            {c.Storage.Retention.Events, Duration(7 * day)},
		"name":            {source.Name, "orders"},
		"boolean":         {source.Enabled, false},
		"network":         {source.AllowNetworks[0].String(), "10.0.0.0/8"},
		"share":           {source.Expect.MaxRemoved.String(), "25%"},
		"url":             {source.Request.URL.Reveal(), "https://api.example.com/orders?a=b"},
		"duration":        {source.Request.Timeout, Duration(90 * time.Second)},
		"size":            {source.Request.MaxBodySize, Size(1 << 20)},
		"part of integer": {source.Request.SuccessStatusCodes[0], 201},
		"secret":          {endpoint.Secrets[0].Value, NewSecret(goodSecret)},
		"time":            {endpoint.Secrets[1].Until, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)},
		"number":          {endpoint.Retry.Jitter, 0.5},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, want %v", name, pair[0], pair[1])
		}
	}
}

func TestReferencesGiveValues(t *testing.T) {
	t.Parallel()
	c := mustParse(t, strings.NewReplacer(`"@hourly"`, `"@every ${INTERVAL}"`, "{url: https://api.example.com/orders}", `
      url: https://api.example.com/
      method: POST
      timeout: ${INTERVAL}
      headers: {X-Y: "${YAML}", X-N: 2, X-D: 2024-01-01}
      params: {y: "${YAML}", list: [1, "${PORT}", 1.50]}
      json: {y: "${YAML}", "${PORT}": "${PORT}", big: 12345678901234567890.10, list: [null, True, ~, "$${N}", "<&>"]}`).Replace(minimal))
	s := c.Sources[0]
	for name, pair := range map[string][2]string{
		"schedule": {s.Schedule, "@every 1m30s"},
		"timeout":  {s.Request.Timeout.String(), "1m30s"},
		"header":   {s.Request.Headers.Header().Get("X-Y"), "{a: [1, 2]}"},
		"number":   {s.Request.Headers.Header().Get("X-N"), "2"},
		"date":     {s.Request.Headers.Header().Get("X-D"), "2024-01-01"},
		"params":   {s.Request.Params.Values().Encode(), "list=1&list=8470&list=1.50&y=%7Ba%3A+%5B1%2C+2%5D%7D"},
		"json":     {s.Request.JSON.Reveal(), `{"y":"{a: [1, 2]}","${PORT}":"8470","big":12345678901234567890.10,"list":[null,true,null,"${N}","<&>"]}`},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want %q", name, pair[0], pair[1])
		}
	}
}
