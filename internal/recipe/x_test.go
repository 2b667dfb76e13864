package recipe_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// TestX holds the recipe against https://docs.x.com/x-api/users/get-posts.
func TestX(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	problem := func(status int, title string) answer {
		return answer{status: status, body: fmt.Sprintf(`{"title":%q,"type":"about:blank","status":%d,"detail":%[1]q}`, title, status)}
	}
	api := newFake(t, 900, 15*time.Minute, bearer("AAAA1"), problem(http.StatusUnauthorized, "Unauthorized"))
	api.untagged = true
	var posts []object // newest first
	post := func(more ...string) string {
		// In nanoseconds the old ones would be times of 1998, the new ones of 2023: in
		// this year 2000 the ones are past and the others to come.
		id := strconv.Itoa(900_000_000_000_000_000 + 100_000_000_000_000*len(posts))
		if len(posts) > 250 {
			id = strconv.Itoa(1_700_000_000_000_000_000 + 100_000_000_000_000*len(posts))
		}
		posts = append([]object{{
			"id": id, "text": "post " + id, "lang": "en", "created_at": "2026-01-01T00:00:00.000Z", "edit_history_tweet_ids": append(more, id),
		}}, posts...)
		return id
	}
	since := 0
	for range 250 {
		post()
	}
	api.handle("GET /2/users/2244994945/tweets", func(r *http.Request) any {
		api.wantQuery(r, "max_results", "100")
		api.wantQuery(r, "exclude", "retweets,replies")
		api.wantQuery(r, "tweet.fields", "created_at,edit_history_tweet_ids,entities,lang,referenced_tweets")
		since = api.number(r, "since_id")
		found := []object{}
		for _, p := range posts {
			if id, _ := strconv.Atoi(p["id"].(string)); id > since {
				found = append(found, p)
			}
		}
		from := 0
		if token := r.URL.Query().Get("pagination_token"); token != "" {
			if _, err := fmt.Sscanf(token, "7140dibdnow9c7btw%d", &from); err != nil {
				return problem(http.StatusBadRequest, "Invalid Request")
			}
		}
		if from >= 200 {
			api.t.Errorf("%s has X bill more than the 200 posts that a poll is to take", r.URL)
		}
		list, more := page(found, from, 100)
		api.paged("the posts", from, more)
		if len(list) == 0 {
			return object{"meta": object{"result_count": 0}}
		}
		meta := object{"result_count": len(list), "newest_id": list[0]["id"], "oldest_id": list[len(list)-1]["id"]}
		if more {
			meta["next_token"] = fmt.Sprintf("7140dibdnow9c7btw%d", from+100)
		}
		return object{"data": list, "meta": meta}
	})
	told := make([]string, 120)
	tr := trial{
		set:    map[string]string{"X_BEARER_TOKEN": "AAAA1", "X_USER_ID": "2244994945"},
		hosts:  map[string]http.Handler{"api.x.com": api},
		untold: api.do(func() { post(posts[0]["id"].(string)) }), // an edit
		change: api.do(func() {
			for i := range told {
				told[i] = "x.post.created " + post()
			}
		}),
		told: told,
		sick: []sickness{
			api.ill("an account that is not there", "the answer begins: {\"errors\":[{\"value\"", answer{status: http.StatusOK, body: `{"errors":[{"value":"2244994945",` +
				`"detail":"Could not find user with id: [2244994945].","title":"Not Found Error","type":"https://api.twitter.com/2/problems/resource-not-found"}]}`}),
			api.ill("one request too many", "429", answer{
				status: http.StatusTooManyRequests, body: problem(http.StatusTooManyRequests, "Too Many Requests").body,
				header: http.Header{"X-Rate-Limit-Limit": {"900"}, "X-Rate-Limit-Remaining": {"0"}, "X-Rate-Limit-Reset": {"946688400"}},
			}),
			api.ill("an error of the server", "503", problem(http.StatusServiceUnavailable, "Service Unavailable")),
		},
	}
	try(t, "x", tr)
	if newest := posts[0]["id"]; strconv.Itoa(since+1) != newest {
		t.Errorf("posts are asked for since %d, and billed, though %s is known", since, newest)
	}
	posts = nil
	inWorld(t, "x", tr, func(t *testing.T, w *world) {
		w.round()
		w.wantFailures(t, "an account without a post", "")
		var first string
		api.do(func() { first = post() })()
		w.round()
		w.wantTold(t, "its first post", "x.post.created "+first)
	})
	tryDenied(t, "x", tr, "X_BEARER_TOKEN", "AAAA2", "401")
}
