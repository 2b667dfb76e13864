package recipe_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

// TestMastodon holds the recipe against
// https://docs.joinmastodon.org/methods/accounts/#statuses.
func TestMastodon(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	refuse := func(status int, reason string) answer {
		return answer{status: status, body: `{"error":"` + reason + `"}`}
	}
	api := newFake(t, 300, 5*time.Minute, bearer("mastodon-1"), refuse(http.StatusUnauthorized, "The access token is invalid"))
	statuses := "/api/v1/accounts/103641/statuses"
	var posts []object // newest first
	post := func() string {
		id := strconv.Itoa(108_880_211_901_672_326 + 1_000_000*len(posts))
		posts = append([]object{{
			"id": id, "created_at": "2025-12-01T00:00:00.000Z", "edited_at": nil, "visibility": "public", "content": "<p>post " + id + "</p>",
			"url": "https://mastodon.example/@ada/" + id, "favourites_count": 0, "reblogs_count": 0, "replies_count": 0, "quotes_count": 0, "card": nil,
			"poll":    object{"votes_count": 0, "voters_count": 0, "options": []object{{"title": "yes", "votes_count": 0}}},
			"account": object{"id": "103641", "acct": "ada", "followers_count": 7, "last_status_at": "2025-12-01"},
		}}, posts...)
		return id
	}
	for range 60 {
		post()
	}
	api.handle("GET "+statuses, func(r *http.Request) any {
		api.wantQuery(r, "limit", "40") // of 1 to 40
		api.wantQuery(r, "exclude_reblogs", "true")
		list, _ := page(posts, 0, 40)
		if least := api.number(r, "min_id"); least > 0 {
			newer := 0
			for _, p := range posts {
				if id, _ := strconv.Atoi(p["id"].(string)); id > least {
					newer++
				}
			}
			list = posts[max(0, newer-40):newer] // those that follow it, not the newest
		}
		if len(list) == 0 {
			return list
		}
		oldest, newest := list[len(list)-1]["id"].(string), list[0]["id"].(string)
		link := "https://mastodon.example" + statuses + "?limit=40&exclude_reblogs=true&"
		return api.json(list, http.Header{
			"Link":              {"<" + link + "max_id=" + oldest + `>; rel="next", <` + link + "min_id=" + newest + `>; rel="prev"`},
			"X-Ratelimit-Limit": {"300"}, "X-Ratelimit-Remaining": {"299"}, "X-Ratelimit-Reset": {time.Now().UTC().Add(time.Minute).Format(time.RFC3339Nano)},
		})
	})
	told := make([]string, 70) // more than one poll takes
	tr := trial{
		set:   map[string]string{"MASTODON_TOKEN": "mastodon-1", "MASTODON_HOST": "mastodon.example", "MASTODON_ACCOUNT_ID": "103641"},
		hosts: map[string]http.Handler{"mastodon.example": api},
		dull: api.do(func() {
			posts[0]["favourites_count"], posts[0]["reblogs_count"] = 12, 3
			posts[0]["replies_count"], posts[0]["quotes_count"], posts[0]["card"] = 4, 1, object{"url": "https://example.com", "title": "Example"}
			posts[0]["account"] = object{"id": "103641", "acct": "ada", "followers_count": 8}
			posts[0]["poll"] = object{"votes_count": 2, "voters_count": 2, "options": []object{{"title": "yes", "votes_count": 2}}}
		}),
		untold: api.do(func() { posts[0]["pinned"] = true }),
		change: api.do(func() {
			for i := range told {
				told[i] = "mastodon.post.created " + post()
			}
		}),
		told: told,
		sick: []sickness{
			api.ill("an account that is gone", "Record not found", refuse(http.StatusNotFound, "Record not found")),
			api.ill("one request too many", "429", answer{
				status: http.StatusTooManyRequests, body: `{"error":"Throttled"}`,
				header: http.Header{"X-Ratelimit-Limit": {"300"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"2000-01-01T00:30:00.000Z"}},
			}),
			api.ill("a server that is being upgraded", "503", answer{status: http.StatusServiceUnavailable, header: http.Header{"Content-Type": {"text/html"}}, body: "<html>"}),
		},
	}
	try(t, "mastodon", tr)
	inWorld(t, "mastodon", tr, func(t *testing.T, w *world) {
		w.round()
		api.do(func() {
			posts[0]["content"], posts[0]["edited_at"] = "<p>what it says now</p>", "2025-12-01T00:05:00.000Z"
		})()
		w.round()
		w.wantTold(t, "an edit of the newest", "mastodon.post.updated "+posts[0]["id"].(string))
	})
	tryDenied(t, "mastodon", tr, "MASTODON_TOKEN", "mastodon-2", "The access token is invalid")
}
