package daemon

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/notify"
)

// postbox keeps the last request that was posted.
type postbox struct{ contentType, body string }

// RoundTrip implements http.RoundTripper.
func (p *postbox) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	p.contentType, p.body = req.Header.Get("Content-Type"), string(body)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, err
}

// TestSendTestPostsInTheFormat of the endpoint.
func TestSendTestPostsInTheFormat(t *testing.T) {
	t.Parallel()
	cfg, err := config.Parse("test.yaml", []byte(`
server: {public_url: https://p.example.com}
sources: [{name: orders, schedule: "@hourly", request: {url: https://shop.example.com/orders}}]
endpoints:
  - {name: plain, url: https://a.example.com, secrets: [`+notify.GenerateSecret()+`]}
  - {name: events, url: https://a.example.com, secrets: [`+notify.GenerateSecret()+`], format: cloudevents, payload: {fields: [after.id]}}
  - {name: many, url: https://a.example.com, secrets: [`+notify.GenerateSecret()+`], batch: {max_events: 5}}
  - {name: chat, url: https://a.example.com, secrets: [`+notify.GenerateSecret()+`], format: discord}
  - {name: broken, url: https://a.example.com, secrets: [`+notify.GenerateSecret()+`], format: template, template: {body: '{"n": "{{ .Item.note }}"}'}}
`), config.Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	event := notify.Event{
		ID: "test_1", Type: "shop.order.created", Source: "orders", Subject: "1042", Sequence: 7, Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Data: []byte(`{"change":"created","key":"1042","before":null,"after":{"id":1042,"name":"A & B","note":"\u00fc\nnew"},"changed":[],"patch":null,"hash":null,"previous_hash":null}`),
	}
	body, err := notify.Envelope(&event, "https://p.example.com")
	if err != nil {
		t.Fatal(err)
	}
	for endpoint, want := range map[string]struct{ contentType, begins, holds string }{
		"plain":  {"application/json", `{"specversion":"1.0","id":"test_1",`, `"previous_hash":null}}`},
		"events": {"application/cloudevents+json; charset=utf-8", `{"specversion":`, `"data":{"after":{"id":1042},"omitted":[`},
		"many":   {"application/json", `[{"specversion":`, `"id":"test_1"`},
		"chat":   {"application/json", `{"allowed_mentions":`, `"title":"Order 1042 `},
	} {
		box := &postbox{}
		attempt, err := SendTest(t.Context(), cfg, Options{Transport: box}, endpoint, &server.Webhook{ID: "test_1", Body: body})
		if err != nil || attempt.Status != http.StatusOK {
			t.Errorf("%s: %+v, %v", endpoint, attempt, err)
		}
		if box.contentType != want.contentType || !strings.HasPrefix(box.body, want.begins) || !strings.Contains(box.body, want.holds) || !json.Valid([]byte(box.body)) {
			t.Errorf("%s was posted %s as %s", endpoint, box.body, box.contentType)
		}
	}
	box := &postbox{}
	attempt, err := SendTest(t.Context(), cfg, Options{Transport: box}, "broken", &server.Webhook{ID: "test_1", Body: body})
	if err != nil || !strings.Contains(attempt.Error, "the template makes no JSON") || box.body != "" {
		t.Errorf("broken: %+v, %v, posted %q", attempt, err, box.body)
	}
}
