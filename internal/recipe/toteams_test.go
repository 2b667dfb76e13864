package recipe_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestToTeams holds the recipe against
// https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using.
func TestToTeams(t *testing.T) {
	t.Parallel()
	const workflow = "https://prod-00.westeurope.logic.azure.com:443/workflows/0000/triggers/manual/paths/invoke" +
		"?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=signature-000"
	bodies := tryEndpoint(t, "to-teams", &service{
		set: map[string]string{"TEAMS_WORKFLOW_URL": workflow},
		url: workflow, status: http.StatusAccepted, requests: 4, per: time.Second,
		busy: answer{
			status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"10"}},
			body: `{"error":{"code":"WorkflowTriggerIsThrottled","message":"Rate limit is exceeded."}}`,
		},
		wrong: func(r *http.Request, body []byte) string {
			if r.Header.Get("Content-Type") != "application/json" || len(body) > 28<<10 {
				return fmt.Sprintf("RequestEntityTooLarge: %d bytes of %s", len(body), r.Header.Get("Content-Type"))
			}
			return wrongForTeams(object(t, body))
		},
	})
	for kind, want := range map[string]string{"updated": "paid", "nasty": `A & B = `, "failing": "is failing", "recovered": "has recovered"} {
		if !strings.Contains(fmt.Sprint(object(t, bodies[kind])), want) {
			t.Errorf("%s says nothing of %q: %s", kind, want, bodies[kind])
		}
	}
}

// wrongForTeams is what the workflow's step refuses that posts a card.
func wrongForTeams(message map[string]any) string {
	attachments, _ := message["attachments"].([]any)
	if message["type"] != "message" || len(attachments) != 1 {
		return "the workflow goes through attachments, and there are none"
	}
	attachment, _ := attachments[0].(map[string]any)
	card, _ := attachment["content"].(map[string]any)
	if attachment["contentType"] != "application/vnd.microsoft.card.adaptive" || card["type"] != "AdaptiveCard" {
		return fmt.Sprintf("BadRequest: %v is no adaptive card", attachment["contentType"])
	}
	if version, _ := card["version"].(string); version == "" || version > "1.5" {
		return "BadRequest: Teams shows cards up to version 1.5"
	}
	if body, _ := card["body"].([]any); len(body) == 0 {
		return "BadRequest: the card is empty"
	}
	return ""
}
