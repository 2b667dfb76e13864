package recipe_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// TestToDiscord holds the recipe against
// https://discord.com/developers/docs/resources/webhook#execute-webhook and the
// limits of https://discord.com/developers/docs/resources/message#embed-object.
func TestToDiscord(t *testing.T) {
	t.Parallel()
	bodies := tryEndpoint(t, "to-discord", &service{
		set: map[string]string{"DISCORD_HOOK": "123456789012345678/token"},
		url: "https://discord.com/api/webhooks/123456789012345678/token", status: http.StatusNoContent, requests: 5, per: 2 * time.Second,
		busy: answer{
			status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"2"}, "X-Ratelimit-Scope": {"shared"}},
			body: `{"message": "You are being rate limited.", "retry_after": 1.336, "global": false}`,
		},
		wrong: func(r *http.Request, body []byte) string {
			if r.Header.Get("Content-Type") != "application/json" {
				return "50109: The request body contains invalid JSON."
			}
			return wrongForDiscord(object(t, body))
		},
	})
	for kind, want := range map[string]string{"updated": "paid", "nasty": "A & B = ", "failing": "is failing", "recovered": "has recovered"} {
		if !strings.Contains(fmt.Sprint(object(t, bodies[kind])), want) {
			t.Errorf("%s says nothing of %q: %s", kind, want, bodies[kind])
		}
	}
}

// wrongForDiscord is what Discord refuses of a message. It counts as JavaScript does.
func wrongForDiscord(message map[string]any) string {
	embeds, _ := message["embeds"].([]any)
	if content, _ := message["content"].(string); content == "" && len(embeds) == 0 || len(embeds) > 10 {
		return "50006: Cannot send an empty message"
	}
	total := 0
	for _, e := range embeds {
		embed, _ := e.(map[string]any)
		footer, _ := embed["footer"].(map[string]any)
		for _, part := range []struct {
			name string
			text any
			most int
		}{{"title", embed["title"], 256}, {"description", embed["description"], 4096}, {"footer.text", footer["text"], 2048}} {
			text, _ := part.text.(string)
			length := len(utf16.Encode([]rune(text)))
			if total += length; length > part.most {
				return fmt.Sprintf("50035: Invalid Form Body: %s must be %d or fewer in length", part.name, part.most)
			}
		}
	}
	if total > 6000 {
		return "50035: Embed size exceeds maximum size of 6000"
	}
	return ""
}
