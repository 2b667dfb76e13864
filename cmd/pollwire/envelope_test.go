package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
)

// TestEnvelopesAreAsDescribed holds what is posted against the schema in the OpenAPI
// document: every member is there, and none is posted that is not.
func TestEnvelopesAreAsDescribed(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.change(t, `listen: ""`, `listen: "127.0.0.1:0", public_url: "https://pollwire.example.com"`)
	s.change(t, "event_type: shop.order", `event_type: shop.order
    expect: {max_removed: 100%}
    alerts: {failure_threshold: 1}
  - name: price
    schedule: "@every 100ms"
    request: {url: "`+s.api.url+`/price"}`)
	s.change(t, "{name: you,", `{name: you, events: ["shop.*", "pollwire.document.*", "pollwire.*"],`)
	d := s.runDaemon(t)
	schema := envelopeSchema(t, d.address(t))
	told := make(map[string]int)
	hear := func(types ...string) {
		t.Helper()
		for _, name := range types {
			for told[name] == 0 {
				w := s.hooks.next(t)
				var head struct {
					Type string `json:"type"`
				}
				var envelope any
				if err := json.Unmarshal(w.body, &head); err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(w.body, &envelope); err != nil {
					t.Fatal(err)
				}
				if err := schema.Validate(envelope); err != nil {
					t.Errorf("%s: %v", w.body, err)
				}
				told[head.Type]++
			}
		}
	}
	s.awaitPolls(t, 6) // of both sources
	s.api.says(http.StatusOK, after)
	hear("shop.order.updated", "shop.order.created", "pollwire.document.updated")
	s.api.says(http.StatusOK, `{"data":[]}`)
	hear("shop.order.deleted")
	s.api.says(http.StatusInternalServerError, "{}")
	hear("pollwire.source.failing")
	s.api.says(http.StatusOK, before)
	hear("pollwire.source.recovered")
	pollwire(t, "test", "you", "-c", s.config).want(t, exitOK)
	hear("pollwire.ping")
}

// envelopeSchema is the schema of an event in the document of a daemon, as one that
// takes nothing beside what it names.
func envelopeSchema(t *testing.T, address string) *jsonschema.Resolved {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/openapi.json", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Components struct {
			Schemas map[string]*jsonschema.Schema `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	schema := document.Components.Schemas["Envelope"]
	if schema == nil {
		t.Fatalf("the document has no schema of an event: %.1000s", text)
	}
	for _, closed := range []*jsonschema.Schema{schema, schema.Properties["data"]} {
		closed.AdditionalProperties = &jsonschema.Schema{Not: &jsonschema.Schema{}}
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}

// address is where a daemon listens, as it logs.
func (b *background) address(t *testing.T) string {
	t.Helper()
	_, rest, _ := strings.Cut(b.stderr.String(), " listen=")
	address, _, found := strings.Cut(rest, "\n")
	if !found {
		t.Fatalf("the daemon does not say where it listens:\n%s", b.stderr)
	}
	return strings.Fields(address)[0]
}
