package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPathSecrets(t *testing.T) {
	t.Parallel()
	c, err := Parse("test.yaml", []byte(`
sources:
  - {name: bot, schedule: "@hourly", request: {url: "https://${HOST}/bot${TOKEN}/updates?key=${KEY}"}}
`), lookupOf(map[string]string{"HOST": "api.example.com", "TOKEN": "123:abc", "KEY": "k"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"123:abc"}, c.PathSecrets()); d != "" {
		t.Errorf("path secrets (-want +got):\n%s", d)
	}
}
