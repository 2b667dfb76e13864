package notify

import (
	"strings"
	"testing"
	"time"
)

// TestTestThatCannotBeMade says why, as a delivery would.
func TestTestThatCannotBeMade(t *testing.T) {
	t.Parallel()
	template, err := ParseTemplate("application/json", `{"n": {{ .Item.note }}}`)
	if err != nil {
		t.Fatal(err)
	}
	e := testEndpoint(t, "ops")
	e.Format, e.Template = FormatTemplate, template
	d := NewDispatcher(DispatcherOptions{})
	d.Apply([]Endpoint{e})
	attempt, err := d.Test(t.Context(), "ops", &Event{ID: "test_1", Type: TypePing, Source: "ops", Alert: true, Data: []byte(`{"name":"ops"}`)})
	if err != nil || attempt.Status != 0 || attempt.At.IsZero() || attempt.At.After(time.Now()) || !strings.Contains(attempt.Error, "template") {
		t.Errorf("%+v, %v", attempt, err)
	}
}

func TestOriginShowsNoMoreThanTheHost(t *testing.T) {
	t.Parallel()
	d := NewDispatcher(DispatcherOptions{})
	d.Apply([]Endpoint{
		{Name: "chat", URL: "https://user:secret@hooks.example.com:8443/services/secret?key=secret#secret"},
		{Name: "bad", URL: "https://%zz/secret"},
	})
	for name, want := range map[string]string{"chat": "https://hooks.example.com:8443", "bad": "", "nobody": ""} {
		if got := d.Origin(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestTestsLinkNowhere: what has not happened is in no log that a link could lead
// to, whatever the format.
func TestTestsLinkNowhere(t *testing.T) {
	t.Parallel()
	const public = "https://p.example.com"
	ping := &Event{ID: "test_01JABCDEF0123456789ABCDEFG", Type: TypePing, Source: "ops", Alert: true, Data: []byte(`{"name":"ops"}`)}
	preview := exampleEvent()
	preview.ID = "test_01JABCDEF0123456789ABCDEFG"
	for _, e := range []*Event{ping, preview} {
		for _, to := range []*Endpoint{
			{}, {Format: FormatCloudEvents}, {Format: FormatSlack}, {Format: FormatDiscord}, {Format: FormatTeams}, {Payload: Payload{Thin: true}},
		} {
			body, err := Render(to, e, public)
			if err != nil || strings.Contains(string(body), public) {
				t.Errorf("%s: %s, %v", to.Format, body, err)
			}
		}
		view, err := newTemplateEvent(e, public)
		if err != nil || view.fields["URL"] != "" {
			t.Errorf("in a template: %v, %v", view.fields["URL"], err)
		}
	}
}
