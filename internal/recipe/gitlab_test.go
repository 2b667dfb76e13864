package recipe_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"
)

// TestGitLab holds the recipe against https://docs.gitlab.com/api/rest/. Times are
// those of the clock of its trial, which begins with the year 2000.
func TestGitLab(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	api := newFake(t, 2000, time.Minute, func(r *http.Request) bool { return r.Header.Get("PRIVATE-TOKEN") == "glpat-1" },
		answer{status: http.StatusUnauthorized, body: `{"message":"401 Unauthorized"}`})
	stamp := func(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }
	item := func(n int, at time.Time, state object) object {
		o := object{"id": n, "iid": n, "project_id": 278964, "created_at": stamp(at), "updated_at": stamp(at)}
		for name, value := range state {
			o[name] = value
		}
		return o
	}
	merge := func(n int, at time.Time) object {
		return item(n, at, object{
			"title": fmt.Sprintf("Merge %d", n), "state": "opened", "draft": false, "labels": []string{}, "user_notes_count": 0, "merge_status": "unchecked",
			"author": object{"id": 1, "username": "root", "avatar_url": nil}, "reviewers": []object{{"id": 2, "username": "ada", "avatar_url": nil}}, "assignees": []object{{"id": 3, "username": "bob", "avatar_url": nil}}, "time_stats": object{"time_estimate": 0},
		})
	}
	pipeline := func(n int, at time.Time, status string) object {
		return item(n, at, object{"status": status, "ref": "main", "sha": "a91957a858320c0e17f3a0eca7cfacbff50ea29a", "source": "push"})
	}
	var merges, pipelines []object
	for n := 130; n > 0; n-- {
		merges = append(merges, merge(n, time.Date(1999, 12, 1, 0, n, 0, 0, time.UTC)))
		pipelines = append(pipelines, pipeline(n, time.Date(1999, 12, 1, 0, n, 0, 0, time.UTC), "success"))
	}
	since := make(map[string]string)
	list := func(name string, of *[]object) {
		api.handle("GET /api/v4/projects/{id}/"+name, func(r *http.Request) any {
			if id := r.PathValue("id"); id != "gitlab-org/gitlab" {
				t.Errorf("project %q", id)
			}
			api.wantQuery(r, "order_by", "updated_at")
			api.wantQuery(r, "sort", "desc")
			api.wantQuery(r, "per_page", "100")
			if name == "merge_requests" {
				api.wantQuery(r, "state", "all") // else only open ones come
			}
			found, after := []object{}, r.URL.Query().Get("updated_after")
			since[name] = after
			for _, o := range *of {
				if at := o["updated_at"].(string); at >= after {
					found = append(found, o)
				}
			}
			number := max(1, api.number(r, "page"))
			part, more := page(found, 100*(number-1), 100)
			api.paged(name, 100*(number-1), more)
			query := r.URL.Query()
			link := func(rel string, to int) string {
				query.Set("page", fmt.Sprint(to))
				return fmt.Sprintf(`<https://gitlab.com/api/v4/projects/278964/%s?%s>; rel=%q`, name, query.Encode(), rel)
			}
			links := link("first", 1) + ", " + link("last", 2)
			if more {
				links = link("next", number+1) + ", " + links
			}
			return api.json(part, http.Header{"Link": {links}})
		})
		api.mux.HandleFunc("GET /api/v4/projects/278964/"+name, func(w http.ResponseWriter, r *http.Request) { // where its links lead
			r.URL.Path, r.URL.RawPath = "/api/v4/projects/gitlab-org/gitlab/"+name, "/api/v4/projects/gitlab-org%2Fgitlab/"+name
			api.mux.ServeHTTP(w, r)
		})
	}
	list("merge_requests", &merges)
	list("pipelines", &pipelines)
	tr := trial{
		set:   map[string]string{"GITLAB_TOKEN": "glpat-1", "GITLAB_PROJECT": "gitlab-org%2Fgitlab"},
		hosts: map[string]http.Handler{"gitlab.com": quota{fake: api, prefix: "RateLimit-"}},
		dull: api.do(func() {
			maps.Copy(merges[3], object{
				"user_notes_count": 1, "upvotes": 1, "downvotes": 2, "merge_status": "can_be_merged", "detailed_merge_status": "mergeable", "has_conflicts": true,
				"time_stats": object{"time_estimate": 60}, "author": object{"id": 1, "username": "root", "avatar_url": "https://avatars/2"}, "updated_at": stamp(time.Now()),
			})
			for _, who := range []string{"reviewers", "assignees"} {
				merges[4][who].([]object)[0]["avatar_url"], merges[4]["updated_at"] = "https://avatars/2", stamp(time.Now())
			}
			pipelines[7]["updated_at"] = stamp(time.Now())
		}),
		untold: api.do(func() {
			old := merge(7777, time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)) // beyond the pages of the first look
			old["user_notes_count"], old["updated_at"] = 1, stamp(time.Now())
			merges = append([]object{old}, merges...)
			pipelines = append([]object{pipeline(131, time.Now(), "running")}, pipelines...)
		}),
		change: api.do(func() {
			merges[30]["state"], merges[30]["updated_at"] = "merged", stamp(time.Now())
			merges[31]["draft"], merges[31]["updated_at"] = true, stamp(time.Now())
			merges[32]["reviewers"], merges[32]["updated_at"] = []object{}, stamp(time.Now())
			merges[33]["labels"], merges[33]["updated_at"] = []string{"bug"}, stamp(time.Now())
			merges = append([]object{merge(131, time.Now())}, merges...)
			pipelines[0]["status"], pipelines[0]["updated_at"] = "failed", stamp(time.Now())
			pipelines = append([]object{pipeline(132, time.Now(), "success")}, pipelines...)
		}),
		told: []string{"gitlab.merge_request.created 131", "gitlab.merge_request.updated 101", "gitlab.merge_request.updated 100", "gitlab.merge_request.updated 99", "gitlab.merge_request.updated 98", "gitlab.pipeline.updated 131"},
		sick: []sickness{
			api.ill("the limit of the user", "429", answer{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"20"}, "Content-Type": {"text/plain"}}, body: "Retry later\n"}),
			api.ill("a project that is gone", "404", answer{status: http.StatusNotFound, body: `{"message":"404 Project Not Found"}`}),
			api.ill("a server error", "502", answer{status: http.StatusBadGateway, header: http.Header{"Content-Type": {"text/html"}}, body: "<html>Whoops</html>"}),
		},
	}
	try(t, "gitlab", tr)
	if since["merge_requests"] == "" || since["pipelines"] == "" {
		t.Errorf("all is asked for at each poll, not what is new: %v", since)
	}
	tryDenied(t, "gitlab", tr, "GITLAB_TOKEN", "glpat-2", "401")
}
