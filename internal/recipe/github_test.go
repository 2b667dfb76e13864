package recipe_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

// TestGitHub holds the recipe against https://docs.github.com/en/rest.
func TestGitHub(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	api := newFake(t, 5000, time.Hour, bearer("github_pat_1"), answer{status: http.StatusUnauthorized, body: `{"message":"Bad credentials","status":"401"}`})
	release := func(n int) object {
		return object{
			"id": n, "name": "v1." + strconv.Itoa(n), "body": "notes", "draft": false, "prerelease": false,
			"assets": []object{{"id": 7000 + n, "download_count": 3}},
		}
	}
	var releases []object
	for n := 120; n > 0; n-- {
		releases = append(releases, release(n))
	}
	var issues []object
	for n := 130; n > 0; n-- {
		issues = append(issues, object{
			"id": n, "number": n, "title": "issue " + strconv.Itoa(n), "state": "open", "comments": 0,
			"updated_at": time.Date(2025, 12, 1, 0, n, 0, 0, time.UTC).Format(time.RFC3339),
		})
	}
	list := func(r *http.Request) any {
		api.wantHeader(r, "X-GitHub-Api-Version", "2022-11-28")
		api.wantQuery(r, "per_page", "100")
		next := max(1, api.number(r, "page"))
		list, more := page(releases, 100*(next-1), 100)
		if !more {
			return list
		}
		return api.json(list, nextLink("https://api.github.com/repositories/23096959/releases?per_page=100&page="+strconv.Itoa(next+1)))
	}
	api.handle("GET /repos/golang/go/releases", list)
	api.handle("GET /repositories/23096959/releases", list) // where its links lead
	api.handle("GET /repos/golang/go/issues", func(r *http.Request) any {
		api.wantQuery(r, "state", "all")
		since, err := time.Parse(time.RFC3339, r.URL.Query().Get("since"))
		if err != nil {
			api.t.Errorf("since: %v", err)
		}
		found := []object{}
		for _, issue := range issues {
			if at, _ := time.Parse(time.RFC3339, issue["updated_at"].(string)); !at.Before(since) {
				found = append(found, issue)
			}
		}
		return found
	})
	try(t, "github", trial{
		set:   map[string]string{"GITHUB_TOKEN": "github_pat_1", "GITHUB_REPOSITORY": "golang/go"},
		hosts: map[string]http.Handler{"api.github.com": api},
		dull: api.do(func() {
			releases[0]["assets"] = []object{{"id": 7120, "download_count": 4}}
		}),
		change: api.do(func() {
			releases = append([]object{release(121)}, releases...)
			now := time.Now().UTC().Format(time.RFC3339)
			issues = append([]object{{"id": 131, "number": 131, "title": "new", "state": "open", "updated_at": now}, {"id": 132, "number": 132, "pull_request": object{}, "updated_at": now}}, issues...)
		}),
		told: []string{"github.release.created 121", "github.issue.created 131"},
		sick: []sickness{
			api.ill("a server error", "503", answer{status: http.StatusServiceUnavailable, body: `{"message":"unicorn"}`}),
			api.ill("the limit of the account", "403", answer{status: http.StatusForbidden, header: http.Header{"Retry-After": {"60"}}, body: `{"message":"You have exceeded a secondary rate limit"}`}),
		},
	})
}
