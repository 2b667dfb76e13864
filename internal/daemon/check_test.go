package daemon

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/config"
)

// templated is a configuration whose endpoints have these templates.
func templated(bodies ...string) string {
	text := "sources: [{name: s, schedule: \"@hourly\", request: {url: \"https://api.example.com/\"}}]\nendpoints:\n"
	for i, body := range bodies {
		text += "  - name: e" + string(rune('0'+i)) + "\n    url: https://hooks.example.com/in\n    format: template\n    template:\n      body: " + body + "\n"
	}
	return text
}

// TestCheckTriesTemplates: what is wrong with templates is told of all of them,
// each at its place.
func TestCheckTriesTemplates(t *testing.T) {
	t.Parallel()
	cfg := mustConfig(t, templated(
		`'{"text": {{ json .Subject }} }'`,
		`'{"text": {{ json .Subject } }'`,
		`'{"text": "{{ .After.name }}'`,
		`'{"text": {{ json (nothing .Type) }} }'`,
	))
	err := Check(cfg)
	var bad config.Errors
	if !errors.As(err, &bad) || len(bad) != 3 {
		t.Fatalf("got %v, want 3 mistakes", err)
	}
	for i, want := range []string{"parse template: ", "the template makes no JSON, in its line 1", `function "nothing" not defined`} {
		got := bad[i].Error()
		place := []string{"test.yaml:12:13: endpoints[1].template.body: ", "test.yaml:17:13: endpoints[2].template.body: ", "test.yaml:22:13: endpoints[3].template.body: "}[i]
		if !strings.HasPrefix(got, place) || !strings.Contains(got, want) {
			t.Errorf("got %s, want %s...%s", got, place, want)
		}
	}
}

// TestCheckHidesSecretsOfTemplates: an error that quotes a template shows no
// value that came from elsewhere.
func TestCheckHidesSecretsOfTemplates(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`'"{{ ${KEY} }}"'`, `'{"key": "${KEY}", "text": {{ .Nothing }'`, `'{{ "${KEY}" | json | nothing }}'`, `'{{ index "${KEY}" 99 1 }}'`} {
		cfg, err := config.Parse("test.yaml", []byte(templated(body)), config.Lookup{Env: func(string) (string, bool) { return "topsecret", true }})
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(cfg); err == nil || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%s gives %v", body, err)
		}
	}
}

// TestCheckTakesTheExample: what config.example.yaml shows can be run.
func TestCheckTakesTheExample(t *testing.T) {
	t.Parallel()
	const path = "../../config.example.yaml"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{
		"OPS_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "OPS_OLD_SECRET": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
		"WAREHOUSE_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "CREDENTIALS_DIRECTORY": "/credentials",
	}
	pem := func(name string) ([]byte, error) { return os.ReadFile("../config/testdata/pem/" + name) }
	cfg, err := config.Parse(path, text, config.Lookup{
		Env: func(name string) (string, bool) {
			if value, ok := values[name]; ok {
				return value, true
			}
			return "a-value-of-32-characters-or-more-for-all", true
		},
		File: func(path string) ([]byte, error) {
			if name, ok := strings.CutPrefix(path, "/etc/pollwire/"); ok {
				return pem(strings.Replace(name, "company-ca", "ca", 1))
			}
			return []byte("another-value-of-32-characters-or-more-in-" + path), nil
		},
		Folder: config.System().Folder,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(cfg); err != nil {
		t.Error(err)
	}
}
