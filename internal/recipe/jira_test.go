package recipe_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestJira holds the recipe against the search of
// https://developer.atlassian.com/cloud/jira/platform/rest/v3/. Times are those of the clock of its
// trial, which begins with the year 2000.
func TestJira(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	// The search is open to anybody, so that whose token is not good sees what a
	// stranger may: nothing.
	api := newFake(t, 10, time.Second, basic("ada@example.com", "ATATT1"), answer{
		status: http.StatusOK, header: http.Header{"X-Seraph-Loginreason": {"AUTHENTICATED_FAILED"}}, body: `{"issues":[],"isLast":true}`,
	})
	stamp := func(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000-0700") }
	issue := func(n int, at time.Time) object {
		return object{
			"id": fmt.Sprint(10000 + n), "key": fmt.Sprintf("SHOP-%d", n), "self": "https://example.atlassian.net/rest/api/3/issue/1", "expand": "operations",
			"fields": object{
				"summary": "An issue", "status": object{"id": "1", "name": "To Do", "iconUrl": "https://example.atlassian.net/1.png"},
				"assignee":  object{"accountId": "5b10a2844c20165700ede21g", "avatarUrls": object{"16x16": "https://avatars/1"}},
				"issuetype": object{"id": "10001", "name": "Bug", "iconUrl": "https://example.atlassian.net/1.png", "avatarId": 1},
				"priority":  object{"id": "3", "name": "Medium", "iconUrl": "https://example.atlassian.net/1.png"},
				"labels":    []string{}, "resolution": nil, "created": stamp(at), "updated": stamp(at),
			},
		}
	}
	fields := func(issue object) object { return issue["fields"].(object) }
	var issues []object
	for n := 130; n > 0; n-- {
		issues = append(issues, issue(n, time.Date(1999, 12, 31, 0, n, 0, 0, time.UTC)))
	}
	api.handle("POST /rest/api/3/search/jql", func(r *http.Request) any {
		api.wantHeader(r, "Content-Type", "application/json")
		var asked struct {
			JQL           string   `json:"jql"`
			MaxResults    int      `json:"maxResults"`
			Fields        []string `json:"fields"`
			NextPageToken string   `json:"nextPageToken"`
		}
		in := json.NewDecoder(r.Body)
		in.DisallowUnknownFields()
		if err := in.Decode(&asked); err != nil {
			t.Error(err)
		}
		if want := "(project = SHOP) ORDER BY updated DESC"; asked.JQL != want || asked.MaxResults != 100 {
			t.Errorf("asked for %q, %d at a time", asked.JQL, asked.MaxResults)
		}
		if d := cmp.Diff(strings.Fields("summary status assignee priority issuetype labels resolution created updated"), asked.Fields); d != "" {
			t.Error(d)
		}
		offset := 0
		if token := asked.NextPageToken; token != "" {
			if _, err := fmt.Sscanf(token, "ChkjU3RyaW5n%d", &offset); err != nil {
				return answer{status: http.StatusBadRequest, body: `{"errorMessages":["Invalid nextPageToken"],"errors":{}}`}
			}
		}
		part, more := page(issues, offset, 100)
		api.paged("issues", offset, more)
		if !more {
			return object{"issues": part, "isLast": true}
		}
		return object{"issues": part, "isLast": false, "nextPageToken": fmt.Sprint("ChkjU3RyaW5n", offset+100)}
	})
	touch := func(issue object, change func(fields object)) {
		change(fields(issue))
		fields(issue)["updated"] = stamp(time.Now())
	}
	tr := trial{
		set: map[string]string{
			"JIRA_TOKEN": "ATATT1", "JIRA_EMAIL": "ada@example.com",
			"JIRA_URL": "https://example.atlassian.net", "JIRA_JQL": "project = SHOP",
		},
		hosts: map[string]http.Handler{"example.atlassian.net": api},
		dull: api.do(func() {
			issues[3]["expand"] = "operations,changelog"
			touch(issues[3], func(f object) {
				f["assignee"].(object)["avatarUrls"] = object{"16x16": "https://avatars/2"}
				f["status"].(object)["iconUrl"] = "https://example.atlassian.net/2.png"
				f["issuetype"].(object)["iconUrl"], f["issuetype"].(object)["avatarId"] = "https://example.atlassian.net/2.png", 2
				f["priority"].(object)["iconUrl"] = "https://example.atlassian.net/2.png"
			})
		}),
		untold: api.do(func() {
			touch(issues[3], func(f object) { f["summary"] = "Another summary" })
			old := issue(7777, time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)) // which was not among the changed before
			touch(old, func(f object) { f["labels"] = []string{"later"} })
			issues = append([]object{old}, issues...)
		}),
		change: api.do(func() {
			touch(issues[110], func(f object) { f["status"] = object{"id": "3", "name": "Done"} })
			touch(issues[20], func(f object) { f["assignee"] = nil })
			issues[21]["key"] = "STORE-7" // it moved
			touch(issues[21], func(object) {})
			issues = append([]object{issue(131, time.Now())}, issues...)
		}),
		told: []string{"jira.issue.updated 10021", "jira.issue.updated 10111", "jira.issue.updated 10110", "jira.issue.created 10131"},
		sick: []sickness{
			api.ill("a project that there is not", "400", answer{status: http.StatusBadRequest, body: `{"errorMessages":["The value 'SHOP' does not exist for the field 'project'."],"errors":{}}`}),
			api.ill("a site that is closed to strangers", "401", answer{status: http.StatusUnauthorized, body: `{"message":"Client must be authenticated to access this resource.","status-code":401}`}),
			api.ill("a burst", "429", answer{status: http.StatusTooManyRequests, header: http.Header{
				"Retry-After": {"5"}, "X-Ratelimit-Limit": {"100"}, "X-Ratelimit-Remaining": {"0"}, "Ratelimit-Reason": {"jira-burst-based"},
			}, body: `{"message":"Rate limit exceeded."}`}),
			api.ill("a server error", "503", answer{status: http.StatusServiceUnavailable, body: `{"message":"unavailable"}`}),
		},
	}
	try(t, "jira", tr)
	tryDenied(t, "jira", tr, "JIRA_TOKEN", "ATATT2", "min_items")
}
