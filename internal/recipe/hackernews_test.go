package recipe_test

import (
	"maps"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// TestHackerNews holds the recipe against https://hn.algolia.com/api.
func TestHackerNews(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	api := newFake(t, 10000, time.Hour, nil, answer{})
	api.untagged = true
	story := func(n, points int) object {
		return object{
			"objectID": strconv.Itoa(n), "story_id": n, "title": "Story " + strconv.Itoa(n), "url": "https://example.com/" + strconv.Itoa(n), "author": "ada",
			"created_at": "2025-12-01T00:00:00Z", "created_at_i": 1764547200, "points": points, "num_comments": 3, "updated_at": "2025-12-01T01:00:00Z",
			"_tags": []string{"story", "author_ada"}, "_highlightResult": object{"title": object{"matchLevel": "full"}},
		}
	}
	var found, front []object
	for n := 270; n > 0; n-- {
		found = append(found, story(n, n))
	}
	for n := range 30 {
		front = append(front, story(9000+n, 250+2*n))
	}
	took := 0 // of no two answers the same
	answered := func(r *http.Request, of []object) (object, bool) {
		api.wantQuery(r, "hitsPerPage", "100")
		number := api.number(r, "page")
		hits, more := page(of, 100*number, 100)
		took++
		return object{"hits": hits, "nbHits": len(of), "page": number, "nbPages": (len(of) + 99) / 100, "hitsPerPage": 100, "processingTimeMS": took}, more
	}
	api.handle("GET /api/v1/search_by_date", func(r *http.Request) any {
		api.wantQuery(r, "query", "pollwire & friends")
		api.wantQuery(r, "tags", "story")
		result, _ := answered(r, found)
		number := api.number(r, "page")
		api.paged("the stories", 100*number, number == 0) // two of three pages will do
		return result
	})
	api.handle("GET /api/v1/search", func(r *http.Request) any {
		api.wantQuery(r, "tags", "front_page")
		result, _ := answered(r, front)
		return result
	})
	try(t, "hacker-news", trial{
		set:   map[string]string{"HN_QUERY": "pollwire & friends", "HN_POINTS": "300"},
		hosts: map[string]http.Handler{"hn.algolia.com": api},
		dull: api.do(func() {
			for _, story := range []object{found[0], front[28]} {
				maps.Copy(story, object{
					"points": 400, "num_comments": 90, "children": []int{1, 2}, "updated_at": "2025-12-01T02:00:00Z",
					"_tags": []string{"story", "front_page"}, "_highlightResult": object{"title": object{"value": "as it was found"}},
				})
			}
			front[0]["points"] = 299
			front[29]["points"], front[29]["updated_at"] = 999, "2025-12-01T02:00:00Z"
		}),
		untold: api.do(func() {
			found[1]["title"], front[27]["title"] = "A better title", "A better title"
		}),
		change: api.do(func() {
			found[2]["url"] = "https://example.com/moved"
			found = append([]object{story(271, 1)}, found...)
			front[0]["points"] = 301
			front = append([]object{story(8000, 20)}, front[:20]...) // the others have left
		}),
		told: []string{"hackernews.story.created 271", "hackernews.story.updated 268", "hackernews.front.created 9000"},
		sick: []sickness{
			api.ill("a query that is not taken", "invalid", answer{status: http.StatusBadRequest, body: `{"status":400,"error":"invalid parameters"}`}),
			api.ill("an address that asked too much", "429", answer{status: http.StatusTooManyRequests, body: `{"status":429,"error":"Too many requests"}`}),
			api.ill("a search that does not answer", "502", answer{status: http.StatusBadGateway, header: http.Header{"Content-Type": {"text/html"}}, body: "<html>"}),
		},
	})
}
