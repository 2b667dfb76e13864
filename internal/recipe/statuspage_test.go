package recipe_test

import (
	"maps"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// TestStatusPage holds the recipe against https://www.githubstatus.com/api.
func TestStatusPage(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	api := newFake(t, 30, time.Minute, nil, answer{})
	day := "2025-12-01T00:00:00.000Z"
	update := func(id, status string) object {
		return object{"id": id, "status": status, "body": "We are looking into it.", "created_at": day, "updated_at": day, "affected_components": nil}
	}
	incident := func(id, status string, updates ...object) object {
		return object{
			"id": id, "name": "Slow pages", "status": status, "impact": "minor", "created_at": day, "updated_at": day, "resolved_at": nil,
			"shortlink": "https://stspg.io/" + id, "incident_updates": updates, "components": []object{{"id": "c1", "name": "API", "updated_at": day}},
		}
	}
	incidents := []object{incident("i3", "investigating", update("u1", "investigating")), incident("i2", "resolved", update("u8", "resolved")), incident("i1", "resolved"), incident("i0", "resolved")}
	var components []object
	for n := range 5 {
		components = append(components, object{
			"id": "c" + strconv.Itoa(n), "name": "Service " + strconv.Itoa(n), "status": "operational", "position": n, "updated_at": day, "group": false, "only_show_if_degraded": false,
		})
	}
	about := object{"id": "kctbh9vrtdwd", "name": "Example", "url": "https://status.example", "updated_at": day}
	validated := 0
	list := func(name string, of *[]object) func(r *http.Request) any {
		return func(r *http.Request) any {
			if r.Header.Get("If-None-Match") != "" {
				validated++
			}
			return object{"page": about, name: *of}
		}
	}
	api.handle("GET /api/v2/incidents.json", list("incidents", &incidents))
	api.handle("GET /api/v2/components.json", list("components", &components))
	html := http.Header{"Content-Type": {"text/html"}}
	tr := trial{
		set:   map[string]string{"STATUS_PAGE": "status.example"},
		hosts: map[string]http.Handler{"status.example": api},
		dull: api.do(func() {
			about["updated_at"] = "2025-12-01T00:10:00.000Z"
			later := "2025-12-01T00:10:00.000Z"
			incidents[0]["updated_at"], incidents[0]["reminder_intervals"] = later, "[3, 6]"
			incidents[0]["incident_updates"].([]object)[0]["updated_at"], incidents[0]["components"].([]object)[0]["updated_at"] = later, later
			maps.Copy(components[0], object{"position": 9, "updated_at": later, "description": "All of it", "showcase": true, "start_date": "2025-12-01"})
		}),
		untold: api.do(func() { incidents[1]["name"], components[1]["name"] = "Slow pages in Europe", "Service one" }),
		change: api.do(func() {
			incidents[0]["status"], incidents[0]["resolved_at"] = "resolved", "2025-12-01T01:00:00.000Z"
			// A word that is new and as the one before was, which is corrected; and another
			// service than the one that was affected first.
			incidents[1]["incident_updates"] = []object{update("u9", "resolved"), update("u8", "monitoring")}
			incidents[1]["components"] = []object{{"id": "c2", "name": "API", "updated_at": day}}
			incidents = append([]object{incident("i4", "investigating")}, incidents[:3]...) // the oldest has left
			incidents[3]["impact"] = "critical"
			components[3]["status"] = "major_outage"
		}),
		told:    []string{"statuspage.incident.created i4", "statuspage.incident.updated i2", "statuspage.incident.updated i1", "statuspage.incident.updated i3", "statuspage.component.updated c3"},
		changed: map[string]string{"statuspage.incident.updated i2": "/components/0 /incident_updates/0 /incident_updates/1/status"},
		sick: []sickness{
			api.ill("a page that has moved away", "404", answer{status: http.StatusNotFound, header: html, body: "<html>"}),
			api.ill("a page in its place", "text/html", answer{status: http.StatusOK, header: html, body: "<html>"}),
			api.ill("an answer without a list", `"message":"oops"`, answer{status: http.StatusOK, body: `{"page":{},"message":"oops"}`}),
			api.ill("one request too many", "429", answer{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"20"}}, body: "{}"}),
		},
	}
	try(t, "status-page", tr)
	if validated == 0 {
		t.Error("no answer was asked for by its validator")
	}
}
