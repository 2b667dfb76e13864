package daemon

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/mail"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// recipes are the endpoints of testdata/recipes.yaml, as the dispatcher knows
// them.
func recipes(t *testing.T) map[string]notify.Endpoint {
	t.Helper()
	tokens := poller.NewTokens(poller.TokensOptions{Version: "test", Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() {
		if err := tokens.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	text, err := os.ReadFile("testdata/recipes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{
		"TWILIO_ACCOUNT": "AC00000000000000000000000000000001", "TWILIO_TOKEN": "twilio-token-0001", "SENDGRID_KEY": "SG.key-0000001",
		"ZAPIER_HOOK": "123456/abcdef", "ZAPIER_SECRET": notify.GenerateSecret(),
	}
	const source = "\nsources: [{name: orders, schedule: \"@hourly\", request: {url: https://shop.example.com/orders}}]\n"
	cfg, err := config.Parse("recipes.yaml", append(text, source...), config.Lookup{Env: func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}})
	if err != nil {
		t.Fatal(err)
	}
	list, err := endpoints(cfg, tokens)
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[string]notify.Endpoint)
	for i := range list {
		told[list[i].Name] = list[i]
	}
	return told
}

// recipeEvents are a change of each kind, with what forms and JSON must escape,
// and an alert.
func recipeEvents() []notify.Event {
	change := func(kind, before, after, changed string) notify.Event {
		return notify.Event{
			ID: "evt_01JABCDEF0123456789ABCDEFG", Type: "shop.order." + kind, Source: "orders", Subject: "1042", Sequence: 7,
			Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			Data: []byte(`{"change":"` + kind + `","key":"1042","before":` + before + `,"after":` + after + `,"changed":` + changed + `,"patch":null,"hash":null,"previous_hash":null}`),
		}
	}
	const open, paid = `{"id":1042,"name":"A & B = \"50%\" + 1","note":"ü\nnew;line"}`, `{"id":1042,"name":"A & B = \"50%\" + 1","note":"paid & done"}`
	large := `{"id":1042,"note":"` + strings.Repeat("long & ", 500) + `"}`
	return []notify.Event{
		change("created", "null", open, "[]"), change("updated", open, paid, `["/note"]`), change("deleted", open, "null", "[]"),
		change("updated", large, open, `["/note","/name"]`), change("updated", "{}", "{}", "[]"),
		{
			ID: "evt_01JABCDEF0123456789ABCDEFH", Type: "pollwire.source.failing", Source: "orders", Alert: true, Time: time.Now(),
			Data: []byte(`{"name":"orders","reason":"answered 503","since":"2026-01-02T03:00:00Z","count":5}`),
		},
	}
}

// service stands in for an API that webhooks go to: what is wrong with a request
// is answered with 400.
type service struct {
	url    string
	status int
	wrong  func(req *http.Request, body []byte) string
}

// RoundTrip implements http.RoundTripper.
func (s *service) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	res := &http.Response{StatusCode: s.status, Header: http.Header{}, Body: http.NoBody, Request: req}
	wrong := s.wrong(req, body)
	if req.URL.String() != s.url || req.Method != http.MethodPost {
		wrong = req.Method + " " + req.URL.String()
	}
	if wrong != "" {
		res.StatusCode, res.Body = http.StatusBadRequest, io.NopCloser(strings.NewReader(wrong))
	}
	return res, nil
}

// twilio is https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
func twilio(req *http.Request, body []byte) string {
	user, password, ok := req.BasicAuth()
	if !ok || user != "AC00000000000000000000000000000001" || password != "twilio-token-0001" {
		return "20003 Authenticate"
	}
	if req.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return "content type " + req.Header.Get("Content-Type")
	}
	req.Body = io.NopCloser(strings.NewReader(string(body)))
	if err := req.ParseForm(); err != nil || len(req.PostForm) != 3 {
		return "form " + string(body)
	}
	number := regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	if !number.MatchString(req.PostForm.Get("To")) || !number.MatchString(req.PostForm.Get("From")) {
		return "21211 number"
	}
	if n := utf8.RuneCountInString(req.PostForm.Get("Body")); n == 0 || n > 1600 {
		return "21602, 21617 body"
	}
	return ""
}

// sendGrid is https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
func sendGrid(req *http.Request, body []byte) string {
	if req.Header.Get("Authorization") != "Bearer SG.key-0000001" {
		return "authorization"
	}
	type address struct{ Email string }
	var m struct {
		Personalizations []struct{ To []address }
		From             address
		Subject          string
		Content          []struct{ Type, Value string }
	}
	if err := json.Unmarshal(body, &m); err != nil || req.Header.Get("Content-Type") != "application/json" {
		return "JSON"
	}
	if len(m.Personalizations) != 1 || len(m.Personalizations[0].To) != 1 || len(m.Content) != 1 {
		return "personalizations, content"
	}
	for _, a := range []address{m.From, m.Personalizations[0].To[0]} {
		if _, err := mail.ParseAddress(a.Email); err != nil {
			return "address " + a.Email
		}
	}
	if m.Subject == "" || strings.ContainsAny(m.Subject, "\r\n") || len(m.Subject) > 998 || m.Content[0].Type != "text/plain" || m.Content[0].Value == "" {
		return "subject, value"
	}
	return ""
}

// zapier takes any JSON object.
func zapier(req *http.Request, body []byte) string {
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil || m["type"] == "" || req.Header.Get("Content-Type") != "application/json" {
		return "JSON"
	}
	return ""
}

// TestRecipes posts every kind of event by each recipe to a service that checks
// what the real one demands.
func TestRecipes(t *testing.T) {
	t.Parallel()
	told := recipes(t)
	for name, api := range map[string]*service{
		"sms":  {"https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json", http.StatusCreated, twilio},
		"mail": {"https://api.sendgrid.com/v3/mail/send", http.StatusAccepted, sendGrid},
		"zap":  {"https://hooks.zapier.com/hooks/catch/123456/abcdef/", http.StatusOK, zapier},
	} {
		endpoint, ok := told[name]
		if !ok {
			t.Fatalf("there is no recipe %s", name)
		}
		sender := newSender(Options{Transport: api, Version: "test"})
		for _, event := range recipeEvents() {
			body, err := notify.Render(&endpoint, &event, "https://pollwire.example.com")
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			attempt, _ := sender.Send(t.Context(), &endpoint, notify.Message{ID: event.ID, ContentType: endpoint.ContentType(false), Body: body, Number: 1})
			if attempt.Status != api.status {
				t.Errorf("%s of %s: %d %s %s\n%s", name, event.Type, attempt.Status, attempt.Error, attempt.Response, body)
			}
		}
		sender.Close()
	}
}
