package recipe_test

import (
	"encoding/json"
	"net/http"
	"net/mail"
	"strings"
	"testing"
	"time"
)

// sendGridMail is the body of a request, as far as it is used.
type sendGridMail struct {
	Personalizations []struct{ To []sendGridAddress }
	From             sendGridAddress
	Subject          string
	Content          []struct{ Type, Value string }
}

type sendGridAddress struct{ Email, Name string }

// TestToSendGrid holds the recipe against
// https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send.
func TestToSendGrid(t *testing.T) {
	t.Parallel()
	const key = "SG.key-0000001"
	bodies := tryEndpoint(t, "to-sendgrid", &service{
		set: map[string]string{"SENDGRID_KEY": key, "SENDGRID_FROM": "pollwire@example.com", "SENDGRID_TO": "ops@example.com"},
		url: "https://api.sendgrid.com/v3/mail/send", status: http.StatusAccepted, requests: 1, per: time.Second,
		busy: answer{
			status: http.StatusTooManyRequests, header: http.Header{"X-Ratelimit-Remaining": {"0"}},
			body: `{"errors":[{"field":null,"message":"too many requests"}]}`,
		},
		wrong: func(r *http.Request, body []byte) string {
			switch {
			case !bearer(key)(r):
				return "The provided authorization grant is invalid, expired, or revoked"
			case r.Header.Get("Content-Type") != "application/json":
				return "Content-Type should be application/json."
			}
			var m sendGridMail
			if err := json.Unmarshal(body, &m); err != nil {
				return "Bad Request: " + err.Error()
			}
			return m.wrong()
		},
	})
	for kind, want := range map[string]string{
		"updated": "Order 1042 “Blue chair” updated\n\nstatus: open → paid", "nasty": `A & B = "50%" + <1>`, "failing": "failed polls: ",
	} {
		var m sendGridMail
		if err := json.Unmarshal(bodies[kind], &m); err != nil || !strings.Contains(m.Content[0].Value, want) {
			t.Errorf("%s: %v: %q", kind, err, m.Content)
		}
	}
}

// wrong is what is wrong with an e-mail.
func (m *sendGridMail) wrong() string {
	if len(m.Personalizations) != 1 || len(m.Personalizations[0].To) != 1 {
		return "The personalizations field is required and must have at least one personalization."
	}
	for _, a := range []sendGridAddress{m.From, m.Personalizations[0].To[0]} {
		if parsed, err := mail.ParseAddress(a.Email); err != nil || parsed.Address != a.Email {
			return "Does not contain a valid address."
		}
	}
	switch {
	case m.Subject == "" || strings.ContainsAny(m.Subject, "\r\n") || len(m.Subject) > 998:
		return "The subject is required, in one line of at most 998 characters (RFC 5322, section 2.1.1)."
	case len(m.Content) != 1 || m.Content[0].Type != "text/plain" || m.Content[0].Value == "":
		return "The content value must be a string at least one character in length."
	}
	return ""
}
