package recipe_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestToPagerDuty holds the recipe against
// https://developer.pagerduty.com/docs/events-api-v2/trigger-events/.
func TestToPagerDuty(t *testing.T) {
	t.Parallel()
	const key = "e93facc04764012d7bfb002500d5d1a6"
	bodies := tryEndpoint(t, "to-pagerduty", &service{
		set: map[string]string{"PAGERDUTY_ROUTING_KEY": key},
		url: "https://events.pagerduty.com/v2/enqueue", status: http.StatusAccepted, requests: 120, per: time.Minute,
		busy: answer{status: http.StatusTooManyRequests, body: `{"status":"throttle exceeded","message":"Requests for this service are arriving too quickly."}`},
		wrong: func(r *http.Request, body []byte) string {
			if r.Header.Get("Content-Type") != "application/json" || len(body) > 512<<10 {
				return "413, or no JSON"
			}
			event := object(t, body)
			if event["routing_key"] != key {
				return "Length of 'routing_key' is incorrect (should be 32 characters)"
			}
			return wrongForPagerDuty(event)
		},
	})
	for kind, want := range map[string]struct{ action, key string }{
		"created": {"trigger", "pollwire change orders 1042"}, "updated": {"trigger", "pollwire change orders 1042"},
		"deleted": {"resolve", "pollwire change orders 1042"}, "failing": {"trigger", "pollwire source orders"},
		"recovered": {"resolve", "pollwire source orders"},
	} {
		if event := object(t, bodies[kind]); event["event_action"] != want.action || event["dedup_key"] != want.key {
			t.Errorf("%s: %s", kind, bodies[kind])
		}
	}
}

// wrongForPagerDuty is what is wrong with an event.
func wrongForPagerDuty(event map[string]any) string {
	action, _ := event["event_action"].(string)
	dedup, _ := event["dedup_key"].(string)
	payload, _ := event["payload"].(map[string]any)
	summary, _ := payload["summary"].(string)
	source, _ := payload["source"].(string)
	severity, _ := payload["severity"].(string)
	at, _ := payload["timestamp"].(string)
	_, noTime := time.Parse(time.RFC3339, at)
	switch {
	case !regexp.MustCompile(`^(trigger|acknowledge|resolve)$`).MatchString(action):
		return "'event_action' is invalid"
	case dedup == "" || utf8.RuneCountInString(dedup) > 255:
		return "'dedup_key' must not exceed 255 characters"
	case summary == "" || utf8.RuneCountInString(summary) > 1024:
		return "'payload.summary' is missing or blank, or too long"
	case source == "":
		return "'payload.source' is missing or blank"
	case !strings.Contains(" critical error warning info ", " "+severity+" "):
		return "'payload.severity' is invalid"
	case noTime != nil:
		return "'payload.timestamp' is invalid"
	}
	return ""
}
