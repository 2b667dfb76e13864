package recipe_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/notify"
)

// TestToZapier holds the recipe against
// https://help.zapier.com/hc/en-us/articles/8496288690317-Trigger-Zaps-from-webhooks.
func TestToZapier(t *testing.T) {
	t.Parallel()
	bodies := tryEndpoint(t, "to-zapier", &service{
		set: map[string]string{"ZAPIER_HOOK": "123456/abcdef", "ZAPIER_SIGNING_SECRET": notify.GenerateSecret()},
		url: "https://hooks.zapier.com/hooks/catch/123456/abcdef/", status: http.StatusOK, requests: 30, per: time.Second,
		busy: answer{status: http.StatusTooManyRequests, body: `{"status":"error","errors":["too many requests"]}`},
		wrong: func(r *http.Request, body []byte) string {
			if r.Header.Get("Content-Type") != "application/json" || len(body) > 10<<20 {
				return "no JSON, or more than 10 MB"
			}
			return wrongForEnvelope(object(t, body))
		},
	})
	wantEnvelopes(t, bodies)
}

// wrongForEnvelope is what a step of a workflow lacks in a webhook.
func wrongForEnvelope(event map[string]any) string {
	for _, member := range []string{"id", "type", "source", "time"} {
		if text, _ := event[member].(string); text == "" {
			return member + " is missing"
		}
	}
	if data, _ := event["data"].(map[string]any); len(data) == 0 {
		return "data is missing"
	}
	return ""
}

// wantEnvelopes wants the whole of a change, and of one that is huge the names of
// what is left out.
func wantEnvelopes(t *testing.T, bodies map[string][]byte) {
	t.Helper()
	nasty, _ := object(t, bodies["nasty"])["data"].(map[string]any)
	if after, _ := nasty["after"].(map[string]any); after["name"] != `A & B = "50%" + <1>` || !strings.HasPrefix(after["status"].(string), "ü\nnew;line\t\\ 🪑") {
		t.Errorf("nasty: %s", bodies["nasty"])
	}
	huge, _ := object(t, bodies["huge"])["data"].(map[string]any)
	if omitted, _ := huge["omitted"].([]any); len(omitted) == 0 {
		t.Errorf("what is huge names nothing that is left out: %.1000s", bodies["huge"])
	}
	if failing := object(t, bodies["failing"]); failing["type"] != "pollwire.source.failing" {
		t.Errorf("failing: %s", bodies["failing"])
	}
}
