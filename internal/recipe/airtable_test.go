package recipe_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// TestAirtable holds the recipe against https://airtable.com/developers/web/api.
func TestAirtable(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	api := newFake(t, 5, time.Second, bearer("pat1.secret"), answer{
		status: http.StatusUnauthorized,
		body:   `{"error":{"type":"AUTHENTICATION_REQUIRED","message":"Authentication required"}}`,
	})
	attached := func(signed string) []object {
		url := "https://v5.airtableusercontent.com/" + signed
		return []object{{"id": "att1", "filename": "a.png", "size": 1, "url": url, "thumbnails": object{"small": object{"url": url}}}}
	}
	var records []object
	for n := range 230 {
		records = append(records, object{
			"id": fmt.Sprintf("rec%03d", n), "createdTime": "2025-12-01T00:00:00.000Z",
			"fields": object{"Name": "A thing", "Status": "Todo", "Tags": []string{"a", "b"}, "Photo": attached("1")},
		})
	}
	expired := false // what offsets lead into
	api.handle("GET /v0/appAbc/tblXyz", func(r *http.Request) any {
		api.wantQuery(r, "pageSize", "100") // at most
		at := 0
		if offset := r.URL.Query().Get("offset"); offset != "" {
			if n, _ := fmt.Sscanf(offset, "itrS/rec%d", &at); n != 1 || expired {
				return answer{status: http.StatusUnprocessableEntity, body: `{"error":{"type":"LIST_RECORDS_ITERATOR_NOT_AVAILABLE","message":"The iterator has expired"}}`}
			}
		}
		part, more := page(records, at, 100)
		api.paged("records", at, more)
		made := object{"records": part}
		if more {
			made["offset"] = fmt.Sprintf("itrS/rec%d", at+100)
		}
		return made
	})
	tr := trial{
		set:   map[string]string{"AIRTABLE_TOKEN": "pat1.secret", "AIRTABLE_BASE": "appAbc", "AIRTABLE_TABLE": "tblXyz"},
		hosts: map[string]http.Handler{"api.airtable.com": api},
		dull: api.do(func() {
			for _, r := range records {
				r["fields"].(object)["Photo"] = attached("2")
			}
		}),
		change: api.do(func() {
			delete(records[1]["fields"].(object), "Status")
			records[2]["fields"].(object)["Name"] = "Another thing"
			records = slices.Delete(records, 7, 8)
			records = append(records, object{"id": "rec999", "createdTime": "2025-12-02T00:00:00.000Z", "fields": object{"Name": "A new thing", "Status": "Todo"}})
		}),
		told: []string{"airtable.record.created rec999", "airtable.record.updated rec001", "airtable.record.deleted rec007"},
		sick: []sickness{
			api.ill("too many requests", "429", answer{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"30"}}, body: `{"errors":[{"error":"RATE_LIMIT_REACHED","message":"Rate limit exceeded. Please try again later"}]}`}),
			api.ill("a table that is not there", "403", answer{status: http.StatusForbidden, body: `{"error":{"type":"INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND","message":"Invalid permissions, or the requested model was not found."}}`}),
			{name: "an iterator that has run out", begin: api.do(func() { expired = true }), end: api.do(func() { expired = false }), reason: "page 2: GET https://api.airtable.com/v0/"},
		},
	}
	try(t, "airtable", tr)
	tryDenied(t, "airtable", tr, "AIRTABLE_TOKEN", "pat2.secret", "401")
}
