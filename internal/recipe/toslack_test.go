package recipe_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestToSlack holds the recipe against
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and the
// limits of https://docs.slack.dev/reference/block-kit/blocks.
func TestToSlack(t *testing.T) {
	t.Parallel()
	bodies := tryEndpoint(t, "to-slack", &service{
		set: map[string]string{"SLACK_HOOK": "T00000000/B00000000/key"},
		url: "https://hooks.slack.com/services/T00000000/B00000000/key", status: http.StatusOK, requests: 1, per: time.Second,
		busy: answer{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"30"}}, body: "rate_limited"},
		wrong: func(r *http.Request, body []byte) string {
			if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
				return "invalid_payload: " + r.Header.Get("Content-Type")
			}
			return wrongForSlack(object(t, body))
		},
	})
	for kind, want := range map[string]string{"updated": "paid", "nasty": "A &amp; B = ", "failing": "is failing", "recovered": "has recovered"} {
		if !strings.Contains(fmt.Sprint(object(t, bodies[kind])), want) {
			t.Errorf("%s says nothing of %q: %s", kind, want, bodies[kind])
		}
	}
}

// wrongForSlack is what Slack refuses of a message.
func wrongForSlack(message map[string]any) string {
	if text, _ := message["text"].(string); text == "" || utf8.RuneCountInString(text) > 40_000 {
		return "no_text, or msg_too_long"
	}
	blocks, _ := message["blocks"].([]any)
	if len(blocks) == 0 || len(blocks) > 50 {
		return fmt.Sprintf("invalid_blocks: there are %d", len(blocks))
	}
	for _, b := range blocks {
		block, _ := b.(map[string]any)
		elements, _ := block["elements"].([]any)
		switch block["type"] {
		case "rich_text":
			if len(elements) == 0 {
				return "invalid_blocks: a rich text without elements"
			}
		case "context":
			if len(elements) == 0 || len(elements) > 10 {
				return "invalid_blocks: a context has from 1 to 10 elements"
			}
		default:
			return fmt.Sprintf("invalid_blocks: %v", block["type"])
		}
	}
	return ""
}
