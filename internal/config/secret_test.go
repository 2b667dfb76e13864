package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// secretsOfExample is what must never be seen of the example, besides the
// paths of its URLs.
var secretsOfExample = []string{"topsecret", "MfKQ9r8G", "AAECAwQF", "golang/go", "api/orders", "list=all", `"open"`, "operations"}

func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	c := mustExample(t)
	source := &c.Sources[0]
	values := map[string]any{
		"config": c, "value": *c, "source": source, "auth": source.Auth.Bearer, "basic": *c.Sources[2].Auth.Basic,
		"key": c.Sources[1].Auth.APIKey, "poke": c.Sources[1].Poke, "headers": source.Request.Headers, "request": c.Sources[1].Request,
		"endpoint": c.Endpoints[0], "secret": c.Endpoints[0].Secrets[0], "url": c.Endpoints[0].URL,
		"token": c.Server.Token, "pointer": &c.Server.Token, "list": []Secret{c.Server.Token},
		"map key": map[Secret]int{c.Server.Token: 1}, "json": c.Sources[1].Request.JSON,
	}
	for name, value := range values {
		for sink, text := range printed(t, value) {
			for _, secret := range secretsOfExample {
				if strings.Contains(text, secret) {
					t.Errorf("%s, %s: %q is seen in %.500s", name, sink, secret, text)
				}
			}
		}
	}
	if got := c.Server.Token.Reveal(); got != "api-topsecret" {
		t.Errorf("Reveal gives %q", got)
	}
}

// printed gives a value as every sink writes it.
func printed(tb testing.TB, value any) map[string]string {
	tb.Helper()
	texts := make(map[string]string)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%U", "%e"} {
		texts[verb] = fmt.Sprintf(verb, value)
	}
	// A pointer within a struct, and a field that no method can be called on.
	type holder struct {
		Pointer any
		private any
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		texts["held "+verb] = fmt.Sprintf(verb, holder{value, value})
		texts["held by pointer "+verb] = fmt.Sprintf(verb, []any{&holder{value, value}})
	}
	texts["error"] = fmt.Errorf("poll source: %v", value).Error()
	if asJSON, err := json.Marshal(value); err != nil {
		tb.Errorf("marshal: %v", err)
	} else {
		texts["json"] = string(asJSON)
	}
	asYAML, err := yaml.Marshal(value)
	if err != nil {
		tb.Errorf("marshal: %v", err)
	}
	texts["yaml"] = string(asYAML)
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("seen", "value", value)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("seen", "value", value)
	texts["slog"] = b.String()
	return texts
}

func TestURLShowsItsHost(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                    "",
		"https://hooks.example.com":           "https://hooks.example.com",
		"https://hooks.example.com:8443/T0/B": "https://hooks.example.com:8443/...",
		"https://hooks.example.com?key=x":     "https://hooks.example.com/...",
		"https://joe:x@hooks.example.com":     "https://hooks.example.com",
		"no url":                              hidden,
		"https://%zz":                         hidden,
	} {
		url := NewURL(text)
		for sink, got := range map[string]string{"String": url.String(), "%v": fmt.Sprint(url), "%#v": fmt.Sprintf("%#v", url), "log": url.LogValue().String()} {
			if got != want {
				t.Errorf("%s of %q gives %q, want %q", sink, text, got, want)
			}
		}
	}
}

// TestErrorsShowNoSecret breaks every value that may be secret, as literal and
// as reference, and looks for it in the message.
func TestErrorsShowNoSecret(t *testing.T) {
	t.Parallel()
	example := string(mustRead(t, examplePath))
	const bad = "topsecret\\n{["
	for _, old := range []string{
		"${credential:pollwire_api-token}", "${credential:pollwire_metrics-token}", `"${GITHUB_TOKEN}"`, `"${SHOP_KEY}"`, "secret: ${SHOP_POKE}", `"${SUPPLIER_PASSWORD}"`, "- ${OPS_SECRET}", `"${OPS_OLD_SECRET}"`,
		"https://hooks.example.com/pollwire", "https://supplier.example.com/prices", "https://pollwire.example.com", "X-Team: operations",
		"sqlite:/var/lib/pollwire/pollwire.db",
	} {
		if !strings.Contains(example, old) {
			t.Fatalf("the example has no %s", old)
		}
		lead, _, _ := strings.Cut(old, " ")
		if !strings.HasSuffix(lead, ":") && lead != "-" {
			lead = ""
		}
		for _, value := range []string{`"` + bad + `"`, `"${LEAK}"`, `["` + bad + `"]`, `12345678`, `{topsecret: 1}`} {
			text := strings.Replace(example, old, lead+" "+value, 1)
			lookup := fakeLookup()
			env := lookup.Env
			lookup.Env = func(name string) (string, bool) {
				if name == "LEAK" {
					return "topsecret\n{[", true
				}
				return env(name)
			}
			_, err := Parse("config.yaml", []byte(text), lookup)
			if err == nil {
				continue // such a password is a password
			}
			message := strings.ReplaceAll(err.Error(), `unknown key "topsecret"`, "")
			message = regexp.MustCompile(`\.topsecret`).ReplaceAllString(message, "")
			if strings.Contains(message, "topsecret") || strings.Contains(message, "12345678") {
				t.Errorf("%s as %s: %s", old, value, message)
			}
		}
	}
}
