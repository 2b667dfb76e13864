package recipe_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

// gitHub is a fake of https://docs.github.com/en/rest with one repository. Times
// are those of the clock of its trial, which begins with the year 2000.
type gitHub struct {
	quota
	releases, issues, events []map[string]any
	// interval is what it says for how long it must not be asked for events, since
	// when.
	interval time.Duration
	answered time.Time
}

func newGitHub(t *testing.T) *gitHub {
	t.Helper()
	api := newFake(t, 5000, time.Hour, bearer("github_pat_1"), answer{status: http.StatusUnauthorized, body: `{"message":"Bad credentials","status":"401"}`})
	g := &gitHub{quota: quota{api, "X-RateLimit-", true}, interval: 90 * time.Second}
	for n := 120; n > 0; n-- {
		g.releases = append(g.releases, gitHubRelease(n))
	}
	for n := 130; n > 0; n-- {
		g.issues = append(g.issues, gitHubIssue(n, time.Date(1999, 12, 1, 0, n, 0, 0, time.UTC)))
	}
	for n := 250; n > 0; n-- {
		g.events = append(g.events, gitHubEvent(n, "PushEvent"))
	}
	for name, serve := range map[string]func(*http.Request) []map[string]any{
		"releases": func(*http.Request) []map[string]any { return g.releases }, "issues": g.since,
		"events": func(*http.Request) []map[string]any { return g.events },
	} {
		list := g.list(name, serve)
		api.handle("GET /repos/golang/go/"+name, list)
		api.handle("GET /repositories/23096959/"+name, list) // where its links lead
	}
	return g
}

func gitHubRelease(n int) map[string]any {
	return map[string]any{
		"id": n, "name": "v1." + strconv.Itoa(n), "body": "notes", "draft": false, "prerelease": false,
		"assets": []map[string]any{{"id": 7000 + n, "name": "go.zip", "download_count": 3}},
	}
}

func gitHubIssue(n int, at time.Time) map[string]any {
	return map[string]any{
		"id": n, "number": n, "title": "issue " + strconv.Itoa(n), "state": "open", "comments": 0,
		"created_at": at.Format(time.RFC3339), "updated_at": at.Format(time.RFC3339),
	}
}

func gitHubEvent(n int, kind string) map[string]any {
	return map[string]any{
		"id": strconv.Itoa(n), "type": kind, "actor": map[string]any{"id": 1, "login": "gopher"},
		"repo": map[string]any{"id": 23096959, "name": "golang/go"}, "payload": map[string]any{"ref": "refs/heads/master"}, "public": true,
	}
}

// list serves a list in pages of a hundred.
func (g *gitHub) list(name string, of func(*http.Request) []map[string]any) func(*http.Request) any {
	return func(r *http.Request) any {
		g.wantHeader(r, "X-GitHub-Api-Version", "2022-11-28")
		g.wantHeader(r, "Accept", "application/vnd.github+json")
		g.wantQuery(r, "per_page", "100")
		number := max(1, g.number(r, "page"))
		part, more := page(of(r), 100*(number-1), 100)
		if name == "issues" { // of the others the first page will do
			g.paged(name, 100*(number-1), more)
		} else if number > 1 {
			g.t.Errorf("page %d of %s is asked for", number, name)
		}
		header := http.Header{}
		if more {
			query := r.URL.Query()
			query.Set("page", strconv.Itoa(number+1))
			header = nextLink("https://api.github.com/repositories/23096959/" + name + "?" + query.Encode())
		}
		if name == "events" {
			if ago := time.Since(g.answered); ago < g.interval {
				g.t.Errorf("events are asked for after %v", ago)
			}
			g.answered = time.Now()
			header.Set("X-Poll-Interval", strconv.Itoa(int(g.interval.Seconds())))
		}
		return g.json(part, header)
	}
}

// since is the issues that were changed since a time.
func (g *gitHub) since(r *http.Request) []map[string]any {
	g.wantQuery(r, "state", "all")
	g.wantQuery(r, "sort", "updated")
	g.wantQuery(r, "direction", "desc")
	since, err := time.Parse(time.RFC3339, r.URL.Query().Get("since"))
	if err != nil && r.URL.Query().Has("since") {
		g.t.Errorf("since: %v", err)
	}
	found := []map[string]any{}
	for _, issue := range g.issues {
		if at, _ := time.Parse(time.RFC3339, issue["updated_at"].(string)); !at.Before(since) {
			found = append(found, issue)
		}
	}
	return found
}

func (g *gitHub) trial() trial {
	return trial{
		set:   map[string]string{"GITHUB_TOKEN": "github_pat_1", "GITHUB_REPOSITORY": "golang/go"},
		hosts: map[string]http.Handler{"api.github.com": g},
		dull: g.do(func() {
			g.releases[0]["assets"] = []map[string]any{{"id": 7120, "name": "go.zip", "download_count": 4}}
			g.releases[1]["updated_at"], g.releases[1]["mentions_count"] = "1999-12-31T00:00:00Z", 4
			g.releases[1]["reactions"] = map[string]any{"total_count": 2, "heart": 2}
			draft := gitHubRelease(999) // which drives the hundredth off the page
			draft["draft"] = true
			g.releases = append([]map[string]any{draft}, g.releases...)
			g.issues[3]["comments"], g.issues[3]["updated_at"] = 1, time.Now().UTC().Format(time.RFC3339)
			g.issues[3]["reactions"] = map[string]any{"total_count": 1}
		}),
		untold: g.do(func() {
			g.releases[5]["prerelease"] = true
			old := gitHubIssue(7777, time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)) // beyond the pages of the first look
			old["comments"], old["updated_at"] = 1, time.Now().UTC().Format(time.RFC3339)
			g.issues = append([]map[string]any{old}, g.issues...)
			g.events = append([]map[string]any{gitHubEvent(251, "WatchEvent")}, g.events...)
		}),
		change: g.do(func() {
			g.releases = append([]map[string]any{gitHubRelease(121)}, g.releases...)
			now := time.Now().UTC()
			pull := gitHubIssue(132, now)
			pull["pull_request"] = map[string]any{}
			g.issues = append([]map[string]any{gitHubIssue(131, now), pull}, g.issues...)
			g.issues[20]["state"], g.issues[20]["updated_at"] = "closed", now.Format(time.RFC3339)
			g.issues[21]["labels"], g.issues[21]["updated_at"] = []map[string]any{{"id": 1, "name": "bug"}}, now.Format(time.RFC3339)
			g.issues[22]["assignees"], g.issues[22]["updated_at"] = []map[string]any{{"id": 1, "login": "gopher"}}, now.Format(time.RFC3339)
			g.releases[3]["body"], g.releases[4]["name"] = "more notes", "v1.118, the last of its line"
			g.releases[3]["assets"] = []map[string]any{{"id": 8000, "name": "go.zip", "download_count": 0}} // another by the same name
			g.events = append([]map[string]any{gitHubEvent(253, "PullRequestEvent"), gitHubEvent(252, "PushEvent")}, g.events...)
		}),
		told:    []string{"github.release.created 121", "github.release.updated 119", "github.release.updated 118", "github.issue.updated 112", "github.issue.updated 111", "github.issue.created 131", "github.issue.updated 113", "github.event.created 252", "github.event.created 253"},
		changed: map[string]string{"github.release.updated 119": "/assets/0 /body"},
		sick: []sickness{
			g.ill("a server error", "503", answer{status: http.StatusServiceUnavailable, body: `{"message":"unicorn"}`}),
			g.ill("the limit of the account", "403", answer{status: http.StatusForbidden, header: http.Header{"Retry-After": {"60"}}, body: `{"message":"You have exceeded a secondary rate limit"}`}),
			g.ill("a repository that is gone", "404", answer{status: http.StatusNotFound, body: `{"message":"Not Found","status":"404"}`}),
		},
	}
}

// TestGitHub holds the recipe against https://docs.github.com/en/rest.
func TestGitHub(t *testing.T) {
	t.Parallel()
	g := newGitHub(t)
	try(t, "github", g.trial())
	tryDenied(t, "github", g.trial(), "GITHUB_TOKEN", "github_pat_2", "401")
}

// What has not changed costs nothing of the limit.
func TestGitHubUnchanged(t *testing.T) {
	t.Parallel()
	g := newGitHub(t)
	inWorld(t, "github", g.trial(), func(t *testing.T, w *world) {
		w.round()
		spent := g.spent()
		w.round()
		w.wantFailures(t, "no change", "")
		if n := g.spent() - spent; n != 0 {
			t.Errorf("%d requests were counted though nothing changed", n)
		}
	})
}
