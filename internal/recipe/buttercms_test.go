package recipe_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestButterCMS holds the recipe against https://buttercms.com/docs/api.
func TestButterCMS(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	byToken := func(r *http.Request) bool { return r.URL.Query().Get("auth_token") == "butter-token-1" }
	api := newFake(t, 60, time.Minute, byToken, answer{status: http.StatusUnauthorized, body: `{"detail":"Invalid token"}`})
	var posts, pages []object
	for n := range 250 {
		posts = append(posts, object{
			"slug": fmt.Sprintf("post-%d", n), "title": "A post", "body": "<p>text</p>", "summary": "", "status": "published",
			"updated": "2025-12-01T00:00:00Z", "published": "2025-12-01T00:00:00Z", "url": fmt.Sprintf("https://example.com/post-%d", n),
			"author":     object{"slug": "ada", "first_name": "Ada", "bio": "writes", "profile_image": "https://cdn.buttercms.com/1"},
			"tags":       []object{{"slug": "news", "name": "News"}, {"slug": "shop", "name": "Shop"}},
			"categories": []object{{"slug": "all", "name": "All"}},
		})
	}
	for n := range 101 {
		pages = append(pages, object{
			"slug": fmt.Sprintf("page-%d", n), "name": "A page", "page_type": nil, "status": "published",
			"updated": "2025-12-01T00:00:00Z", "fields": object{"headline": "Welcome"},
		})
	}
	list := func(name string, of *[]object) func(r *http.Request) any {
		return func(r *http.Request) any {
			api.wantQuery(r, "page_size", "100") // of 1 to 100
			number := max(1, api.number(r, "page"))
			data, more := page(*of, 100*(number-1), 100)
			api.paged(name, 100*(number-1), more)
			meta := object{"count": len(*of), "previous_page": nil, "next_page": nil}
			if number > 1 {
				meta["previous_page"] = number - 1
			}
			if more {
				meta["next_page"] = number + 1
			}
			return object{"meta": meta, "data": data}
		}
	}
	api.handle("GET /v2/posts/{$}", list("posts", &posts))
	api.handle("GET /v2/pages/*/{$}", list("pages", &pages))
	tr := trial{
		set:   map[string]string{"BUTTERCMS_TOKEN": "butter-token-1"},
		hosts: map[string]http.Handler{"api.buttercms.com": api},
		dull: api.do(func() {
			posts[3]["updated"] = "2025-12-02T00:00:00Z"
			posts[3]["author"] = object{"slug": "ada", "first_name": "Ada", "bio": "wrote", "profile_image": "https://cdn.buttercms.com/2"}
			pages[3]["updated"] = "2025-12-02T00:00:00Z"
		}),
		untold: api.do(func() {
			posts[4]["tags"] = []object{{"slug": "shop", "name": "Shop"}, {"slug": "news", "name": "News"}}
			pages[4]["name"] = "A page by another name"
		}),
		change: api.do(func() {
			posts = append([]object{{"slug": "summer-sale", "title": "Summer sale", "body": "<p>50 %</p>", "summary": "", "status": "published"}}, posts...)
			posts[2]["title"], posts[8]["body"], posts[9]["summary"] = "Another title", "<p>another text</p>", "in short"
			pages[100]["fields"] = object{"headline": "Welcome back"}
		}),
		told: []string{"buttercms.post.created summer-sale", "buttercms.post.updated post-1", "buttercms.post.updated post-7", "buttercms.post.updated post-8", "buttercms.page.updated page-100"},
		sick: []sickness{
			api.ill("the calls of the month are used up", "429", answer{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"60"}}, body: `{"detail":"API Calls limit reached."}`}),
			api.ill("an error of the server", "500", answer{status: http.StatusInternalServerError, body: `{"detail":"error"}`}),
		},
	}
	try(t, "butter-cms", tr)
	inWorld(t, "butter-cms", tr, func(t *testing.T, w *world) {
		w.round()
		api.do(func() { posts = posts[1:] })()
		w.round() // While others go, one can slip from a page to the one before it:
		w.round() // so it is asked for twice.
		w.wantTold(t, "an absence", "buttercms.post.deleted summer-sale")
		w.wantFailures(t, "an absence", "")
	})
	tryDenied(t, "butter-cms", tr, "BUTTERCMS_TOKEN", "another", "401")
}
