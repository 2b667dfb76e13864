package recipe_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestToNtfy holds the recipe against https://docs.ntfy.sh/publish/#publish-as-json.
func TestToNtfy(t *testing.T) {
	t.Parallel()
	// A server may have a folder of its own; ntfy.sh has none, nor a slash at the end.
	topic := regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)
	bodies := tryEndpoint(t, "to-ntfy", &service{
		set: map[string]string{"NTFY_TOPIC": "pollwire-x7Qw"},
		url: "https://ntfy.sh", status: http.StatusOK, requests: 60, per: 5 * time.Minute,
		busy: answer{
			status: http.StatusTooManyRequests,
			body:   `{"code":42901,"http":429,"error":"limit reached: too many requests","link":"https://ntfy.sh/docs/publish/#limitations"}`,
		},
		wrong: func(_ *http.Request, body []byte) string {
			m := object(t, body)
			title, _ := m["title"].(string)
			message, _ := m["message"].(string)
			name, _ := m["topic"].(string)
			priority, _ := m["priority"].(float64)
			switch {
			case !topic.MatchString(name):
				return "40009: invalid request: topic invalid"
			case len(title) == 0 || len(title) > 1024:
				return "40057: invalid request: title too long"
			case len(message) == 0 || len(message) > 4096:
				return "the message would become an attachment"
			case priority < 1 || priority > 5:
				return "40007: invalid request: priority invalid"
			}
			for member := range m {
				if !strings.Contains(" topic title message click priority tags ", " "+member+" ") {
					return "40024: invalid request: " + member
				}
			}
			return ""
		},
	})
	updated, nasty, failing := object(t, bodies["updated"]), object(t, bodies["nasty"]), object(t, bodies["failing"])
	if updated["title"] != "Order 1042 “Blue chair” updated" || updated["message"] != "status: open → paid" {
		t.Errorf("updated: %v", updated)
	}
	if title, _ := nasty["title"].(string); !strings.Contains(title, `A & B = "50%" + <1>`) {
		t.Errorf("nasty: %v", nasty)
	}
	if got, want := fmt.Sprint(failing["tags"], updated["tags"]), "[warning] [bell]"; got != want {
		t.Errorf("the tags of a source that fails and of a change are %s, want %s", got, want)
	}
	if failing["priority"] != 4.0 || updated["priority"] != 3.0 {
		t.Errorf("the priority of a source that fails is %v", failing["priority"])
	}
}
