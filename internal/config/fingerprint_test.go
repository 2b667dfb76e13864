package config

import (
	"os"
	"strings"
	"testing"
)

// wide is a configuration with a value of every kind.
const wide = `
rate_limits: [{name: shared, requests: 10, per: 1m}]
defaults: {request: {timeout: 7s}}
sources:
  - name: a
    schedule: "*/5 * * * *"
    timezone: Europe/Berlin
    request: {url: "https://api.example.com/a", params: {b: [1, 2], a: x}, headers: {X-Key: "${KEY}"}, json: {deep: {list: [1, 2.5]}}, method: POST}
    auth: {type: oauth2_client_credentials, token_url: "https://a.example.com/t", client_id: id, client_secret: "${KEY}", scopes: [r], params: {x: y}}
    rate_limit: {requests: 1, per: 1s}
    allow_networks: [10.0.0.0/8]
    items: {path: data, key: id}
    detect: {ignore: [b, c], keys: {x: id}}
    expect: {max_removed: 20%}
    poke: {secret: poke-secret-of-a}
  - {name: b, schedule: "@hourly", request: {url: "https://api.example.com/b"}, rate_limit: shared, notify: []}
endpoints:
  - {name: ops, url: "https://hooks.example.com/in", secrets: [whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX, {value: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, until: 2030-01-01T00:00:00Z}], from: beginning, retry: {jitter: 0.5}}
  - {name: chat, format: slack, url: "https://chat.example.com/in", headers: {X-Key: "${KEY}"}}
`

func mustWide(t *testing.T, key string, edits ...string) *Config {
	t.Helper()
	text := strings.NewReplacer(edits...).Replace(wide)
	if len(edits) > 0 && text == wide {
		t.Fatalf("%q changes nothing", edits)
	}
	cfg, err := Parse("test.yaml", []byte(text), Lookup{
		Env: func(string) (string, bool) { return key, true }, File: os.ReadFile,
	})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestFingerprintsSayWhatWasChanged: of whom, and of nobody else.
func TestFingerprintsSayWhatWasChanged(t *testing.T) {
	t.Parallel()
	before := mustWide(t, "one")
	for name, test := range map[string]struct {
		after   *Config
		changed string
	}{
		"nothing":            {mustWide(t, "one"), ""},
		"place and spelling": {mustWide(t, "one", "  - name: a\n    schedule: \"*/5 * * * *\"", "  # more\n\n  - schedule: '*/5 * * * *'\n    name: a"), ""},
		"order of a mapping": {mustWide(t, "one", "{b: [1, 2], a: x}", "{a: x, b: [1, 2]}"), ""},
		"another endpoint":   {mustWide(t, "one", "endpoints:\n", "endpoints:\n  - {name: new, format: slack, url: \"https://chat.example.com/new\"}\n"), ""},
		"a limit":            {mustWide(t, "one", "requests: 10,", "requests: 20,"), ""},
		"default":            {mustWide(t, "one", "timeout: 7s", "timeout: 8s"), "a b"},
		"secret":             {mustWide(t, "two"), "a chat"},
		"own limit":          {mustWide(t, "one", "{requests: 1, per: 1s}", "{requests: 2, per: 1s}"), "a"},
		"json":               {mustWide(t, "one", "2.5", "2.50"), "a"},
		"list":               {mustWide(t, "one", "ignore: [b, c]", "ignore: [bc]"), "a"},
		"param":              {mustWide(t, "one", "b: [1, 2]", "b: [12]"), "a"},
		"network":            {mustWide(t, "one", "10.0.0.0/8", "10.0.0.0/9"), "a"},
		"key of a mapping":   {mustWide(t, "one", "keys: {x: id}", "keys: {y: id}"), "a"},
		"zone":               {mustWide(t, "one", "Europe/Berlin", "Europe/Paris"), "a"},
		"all in place of []": {mustWide(t, "one", ", notify: []", ""), "b"},
		"off":                {mustWide(t, "one", "name: b,", "name: b, enabled: false,"), "b"},
		"until":              {mustWide(t, "one", "2030-01-01", "2031-01-01"), "ops"},
		"from":               {mustWide(t, "one", "beginning", "2020-01-01T00:00:00Z"), "ops"},
		"jitter":             {mustWide(t, "one", "jitter: 0.5", "jitter: 0.6"), "ops"},
		"path of a url":      {mustWide(t, "one", "chat.example.com/in", "chat.example.com/on"), "chat"},
	} {
		var changed []string
		for i := range before.Sources {
			if before.Sources[i].Fingerprint() != test.after.Sources[i].Fingerprint() {
				changed = append(changed, before.Sources[i].Name)
			}
		}
		now := make(map[string]*Endpoint)
		for i := range test.after.Endpoints {
			now[test.after.Endpoints[i].Name] = &test.after.Endpoints[i]
		}
		for i := range before.Endpoints {
			e := &before.Endpoints[i]
			if e.Fingerprint() != now[e.Name].Fingerprint() {
				changed = append(changed, e.Name)
			}
		}
		if got := strings.Join(changed, " "); got != test.changed {
			t.Errorf("%s: changed %q, want %q", name, got, test.changed)
		}
	}
}

// TestEveryKeyHasAFingerprint: no type of a key is one that cannot be read.
func TestEveryKeyHasAFingerprint(t *testing.T) {
	t.Parallel()
	cfg, err := Parse("config.example.yaml", mustRead(t, examplePath), fakeLookup())
	if err != nil {
		t.Fatal(err)
	}
	sums := make(map[[32]byte]string)
	for i := range cfg.Sources {
		sums[cfg.Sources[i].Fingerprint()] = cfg.Sources[i].Name
	}
	for i := range cfg.Endpoints {
		sums[cfg.Endpoints[i].Fingerprint()] = cfg.Endpoints[i].Name
	}
	if len(sums) != len(cfg.Sources)+len(cfg.Endpoints) {
		t.Errorf("of %d sources and %d endpoints some have the same: %v", len(cfg.Sources), len(cfg.Endpoints), sums)
	}
}

// TestConfigurationsAreCompared: nodes that would do something else have another
// fingerprint, and no others.
func TestConfigurationsAreCompared(t *testing.T) {
	t.Parallel()
	const encrypted = "storage: {encryption_key: an-encryption-key-of-32-characters}\nrate_limits:"
	plain := mustWide(t, "one").Fingerprint()
	keyed := mustWide(t, "one", "rate_limits:", encrypted).Fingerprint()
	for name, test := range map[string]struct {
		before string
		after  *Config
		same   bool
	}{
		"nothing":                 {plain, mustWide(t, "one"), true},
		"spelling":                {plain, mustWide(t, "one", "{b: [1, 2], a: x}", "{a: x, b: [1, 2]}"), true},
		"where it listens":        {plain, mustWide(t, "one", "rate_limits:", "server: {listen: \"127.0.0.1:1\"}\nlog: {level: debug}\nrate_limits:"), true},
		"database":                {plain, mustWide(t, "one", "rate_limits:", "storage: {dsn: \"sqlite:b.db\"}\nrate_limits:"), true},
		"secret without a key":    {plain, mustWide(t, "two"), true},
		"path without a key":      {plain, mustWide(t, "one", "chat.example.com/in", "chat.example.com/on"), true},
		"host":                    {plain, mustWide(t, "one", "chat.example.com/in", "talk.example.com/in"), false},
		"no secret":               {plain, mustWide(t, "one", "    poke: {secret: poke-secret-of-a}\n", ""), false},
		"a limit":                 {plain, mustWide(t, "one", "requests: 10,", "requests: 20,"), false},
		"a default":               {plain, mustWide(t, "one", "timeout: 7s", "timeout: 8s"), false},
		"an endpoint":             {plain, mustWide(t, "one", "from: beginning", "from: now"), false},
		"retention":               {plain, mustWide(t, "one", "rate_limits:", "storage: {retention: {events: 9d}}\nrate_limits:"), false},
		"public URL":              {plain, mustWide(t, "one", "rate_limits:", "server: {public_url: \"https://b.example.com\"}\nrate_limits:"), false},
		"a key":                   {plain, mustWide(t, "one", "rate_limits:", encrypted), false},
		"nothing, with a key":     {keyed, mustWide(t, "one", "rate_limits:", encrypted), true},
		"secret, with a key":      {keyed, mustWide(t, "two", "rate_limits:", encrypted), false},
		"path, with a key":        {keyed, mustWide(t, "one", "rate_limits:", encrypted, "chat.example.com/in", "chat.example.com/on"), false},
		"another encryption key":  {keyed, mustWide(t, "one", "rate_limits:", strings.Replace(encrypted, "an-", "no-", 1)), false},
		"all in place of []":      {plain, mustWide(t, "one", ", notify: []", ""), false},
		"what a mapping says":     {plain, mustWide(t, "one", "keys: {x: id}", "keys: {x: no}"), false},
		"the name of one of them": {plain, mustWide(t, "one", "headers: {X-Key: \"${KEY}\"}}", "headers: {X-Kay: \"${KEY}\"}}"), false},
	} {
		if got := test.after.Fingerprint(); (got == test.before) != test.same || len(got) != 32 {
			t.Errorf("%s: %s, then %s", name, test.before, got)
		}
	}
}
