package recipe_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// TestNotion holds the recipe against https://developers.notion.com/reference.
func TestNotion(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	api := newFake(t, 3, time.Second, bearer("ntn_1"), answer{
		status: http.StatusUnauthorized,
		body:   `{"object":"error","status":401,"code":"unauthorized","message":"API token is invalid."}`,
	})
	invalid := func(message string) answer {
		return answer{status: http.StatusBadRequest, body: `{"object":"error","status":400,"code":"validation_error","message":"` + message + `"}`}
	}
	minute := func(at time.Time) string { return at.UTC().Truncate(time.Minute).Format("2006-01-02T15:04:05.000Z") }
	entry := func(id string, edited time.Time, status string) object {
		return object{
			"object": "page", "id": id, "last_edited_time": minute(edited), "in_trash": false,
			"icon":  object{"type": "file", "file": object{"url": "https://files.example.com/3?signed=1"}},
			"cover": object{"type": "file", "file": object{"url": "https://files.example.com/1?signed=1", "expiry_time": "2000-01-01T01:00:00.000Z"}},
			"properties": object{
				"Status": object{"type": "select", "select": object{"name": status}},
				"Photo":  object{"type": "files", "files": []object{{"name": "a.png", "file": object{"url": "https://files.example.com/2?signed=1"}}}},
			},
		}
	}
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when bubbles begin
	var pages, rows []object
	for n := range 105 { // newest first
		pages = append(pages, entry(fmt.Sprintf("page-%03d", n), start.Add(-time.Duration(n)*time.Minute), "Draft"))
	}
	for n := range 101 { // newest last
		rows = append(rows, entry(fmt.Sprintf("row-%03d", n), start.Add(-time.Minute), "Draft"))
	}
	list := func(r *http.Request, sent gjson.Result, name string, of []object) any {
		if sent.Get("page_size").Int() != 100 { // at most
			t.Errorf("%s: the page size is %s", name, sent.Get("page_size").Raw)
		}
		api.wantHeader(r, "Notion-Version", "2025-09-03")
		offset := 0
		if cursor := sent.Get("start_cursor").Str; cursor != "" {
			if _, err := fmt.Sscanf(cursor, "cursor-%d", &offset); err != nil {
				return invalid("The start_cursor provided is invalid: " + cursor)
			}
		}
		results, more := page(of, offset, 100)
		api.paged(name, offset, more)
		made := object{"object": "list", "type": "page_or_data_source", "results": results, "has_more": more, "next_cursor": nil, "request_id": strconv.FormatInt(time.Now().UnixNano(), 10)}
		if more {
			made["next_cursor"] = fmt.Sprintf("cursor-%d", offset+100)
		}
		return made
	}
	api.handle("POST /v1/search", func(r *http.Request) any {
		body := api.sent(r)
		if got := fmt.Sprint(body.Get("[filter.property,filter.value,sort.direction,sort.timestamp]").Value()); got != "[object page descending last_edited_time]" {
			t.Errorf("searched for %s", body.Raw)
		}
		return list(r, body, "pages", pages)
	})
	api.handle("POST /v1/data_sources/248104cd/query", func(r *http.Request) any {
		body := api.sent(r)
		since, err := time.Parse(time.RFC3339, body.Get("filter.last_edited_time.on_or_after").Str)
		if err != nil || body.Get("filter.timestamp").Str != "last_edited_time" || body.Get("sorts.0.direction").Str != "ascending" || body.Get("sorts.0.timestamp").Str != "last_edited_time" {
			return invalid("body failed validation")
		}
		found := []object{}
		for _, row := range rows {
			if at, _ := time.Parse(time.RFC3339, row["last_edited_time"].(string)); !at.Before(since) {
				found = append(found, row)
			}
		}
		return list(r, body, "rows", found)
	})
	tr := trial{
		set:   map[string]string{"NOTION_TOKEN": "ntn_1", "NOTION_DATA_SOURCE": "248104cd"},
		hosts: map[string]http.Handler{"api.notion.com": api},
		dull: api.do(func() {
			for _, of := range [][]object{pages, rows} {
				of[0]["cover"] = object{"type": "file", "file": object{"url": "https://files.example.com/1?signed=2"}}
				of[0]["icon"] = object{"type": "file", "file": object{"url": "https://files.example.com/3?signed=2"}}
				of[0]["properties"].(object)["Photo"] = object{"type": "files", "files": []object{{"name": "a.png", "file": object{"url": "https://files.example.com/2?signed=2"}}}}
			}
			rows[3]["last_edited_time"], rows[3]["last_edited_by"] = minute(time.Now()), object{"object": "user", "id": "ada"}
		}),
		untold: api.do(func() {
			pages[2]["public_url"] = "https://example.notion.site/page-002"
			rows[5]["properties"].(object)["Photo"] = object{"type": "files", "files": []object{}} // another file, not another link
			rows[5]["last_edited_time"] = minute(time.Now())
		}),
		change: api.do(func() {
			pages = append([]object{entry("page-new", time.Now(), "Draft")}, pages...)
			pages[1]["last_edited_time"] = minute(time.Now())
			for _, n := range []int{3, 4} {
				rows[n] = entry(fmt.Sprintf("row-%03d", n), time.Now(), "Draft")
			}
			rows[3]["properties"].(object)["Status"] = object{"type": "select", "select": object{"name": "Done"}}
			rows = append(rows, entry("row-new", time.Now(), "Draft"))
		}),
		told: []string{"notion.row.updated row-003", "notion.row.created row-new", "notion.page.created page-new", "notion.page.updated page-000"},
		sick: []sickness{
			api.ill("too many requests", "429", answer{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"7"}}, body: `{"object":"error","status":429,"code":"rate_limited","message":"You have been rate limited. Please try again in a few minutes."}`}),
			api.ill("a page that is not shared", "404", answer{status: http.StatusNotFound, body: `{"object":"error","status":404,"code":"object_not_found","message":"Could not find data source"}`}),
			api.ill("an error with a good code", "expect.when", answer{status: http.StatusOK, body: `{"object":"error","code":"internal_server_error","results":[]}`}),
		},
	}
	try(t, "notion", tr)
	tryDenied(t, "notion", tr, "NOTION_TOKEN", "ntn_2", "401")
}
