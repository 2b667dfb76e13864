package recipe_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestToTwilio holds the recipe against
// https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource.
func TestToTwilio(t *testing.T) {
	t.Parallel()
	const account, token = "AC00000000000000000000000000000001", "twilio-token-0001"
	bodies := tryEndpoint(t, "to-twilio", &service{
		set: map[string]string{"TWILIO_ACCOUNT": account, "TWILIO_TOKEN": token, "TWILIO_FROM": "+15005550006", "TWILIO_TO": "+491701234567"},
		url: "https://api.twilio.com/2010-04-01/Accounts/" + account + "/Messages.json", status: http.StatusCreated, requests: 1, per: time.Second,
		busy: answer{status: http.StatusTooManyRequests, body: `{"code":20429,"message":"Too Many Requests","more_info":"https://www.twilio.com/docs/errors/20429","status":429}`},
		wrong: func(r *http.Request, body []byte) string {
			if !basic(account, token)(r) {
				return "20003 Authenticate"
			}
			if kind := r.Header.Get("Content-Type"); kind != "application/x-www-form-urlencoded" {
				return "content type " + kind
			}
			form, err := url.ParseQuery(string(body))
			if err != nil || len(form) != 3 {
				return "the form has To, From and Body"
			}
			return wrongForTwilio(form)
		},
	})
	for kind, want := range map[string]string{
		"updated": "Order 1042 “Blue chair” updated\nstatus: open → paid", "nasty": `A & B = "50%" + <1>`,
		"huge": "long & long & ", "failing": "Source orders is failing",
	} {
		form, err := url.ParseQuery(string(bodies[kind]))
		if text := form.Get("Body"); err != nil || !strings.Contains(text, want) {
			t.Errorf("%s: %v: %q", kind, err, text)
		}
	}
}

// wrongForTwilio is what is wrong with a message.
func wrongForTwilio(form url.Values) string {
	number := regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	switch n := utf8.RuneCountInString(form.Get("Body")); {
	case !number.MatchString(form.Get("To")):
		return "21211 Invalid 'To' Phone Number"
	case !number.MatchString(form.Get("From")):
		return "21212 Invalid From Number"
	case n == 0:
		return "21602 Message body is required"
	case n > 1600:
		return "21617 The concatenated message body exceeds the 1600 character limit"
	}
	return ""
}
