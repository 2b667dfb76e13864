package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPokeSecrets takes what can be sent in a header and in a query.
func TestPokeSecrets(t *testing.T) {
	t.Parallel()
	for secret, want := range map[string]bool{
		"0123456789abcdef":             true,
		"0123456789abcde":              false,
		strings.Repeat("x", 256):       true,
		strings.Repeat("x", 257):       false,
		"!#$%&()*+,-./:;<=>?@[]^_{|}~": true,
		" 0123456789abcdef":            false,
		"0123456789abcdef\u00a0":       false,
	} {
		text := strings.Replace(minimal, "schedule:", "poke: {secret: \""+secret+"\"}\n    schedule:", 1)
		c, err := Parse("test.yaml", []byte(text), fakeLookup())
		if (err == nil) != want {
			t.Errorf("%d bytes, %.20q: %v", len(secret), secret, err)
		}
		if err == nil && c.Sources[0].Poke.Secret.Reveal() != secret {
			t.Errorf("%q became %q", secret, c.Sources[0].Poke.Secret.Reveal())
		}
	}
}

// TestPokeOfDefaults: all sources can be poked then, but those that say no.
func TestPokeOfDefaults(t *testing.T) {
	t.Parallel()
	c := mustParse(t, `
server: {listen: ""}
defaults: {poke: {secret: "${SHOP_POKE}"}}
sources:
  - {name: a, schedule: "@hourly", request: {url: "https://api.example.com/a"}}
  - {name: b, schedule: "@hourly", request: {url: "https://api.example.com/b"}, poke: null}
  - {name: c, schedule: "@hourly", request: {url: "https://api.example.com/c"}, enabled: false}
endpoints:
  - {name: ops, url: "https://hooks.example.com/in", secrets: [`+goodSecret+`]}
`)
	if c.Sources[0].Poke == nil || c.Sources[1].Poke != nil {
		t.Errorf("a has %v, b %v", c.Sources[0].Poke, c.Sources[1].Poke)
	}
	var got []string
	for _, w := range c.Warnings(reference()) {
		got = append(got, w.String())
	}
	if diff := cmp.Diff([]string{"sources[0].poke: server.listen is empty: nobody beyond this machine can poke a"}, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}
