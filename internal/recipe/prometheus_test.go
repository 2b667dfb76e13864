package recipe_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

// TestPrometheus holds the recipe against
// https://prometheus.io/docs/prometheus/latest/querying/api/.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	api := newFake(t, 60, time.Minute, nil, answer{})
	api.untagged = true
	alert := func(name, state string) object {
		return object{
			"labels": object{"alertname": name, "instance": "web-1:9100", "severity": "page"}, "annotations": object{"summary": "at 1.2 s"},
			"state": state, "activeAt": "1999-12-31T23:50:00.1Z", "value": "1.2e+00",
		}
	}
	alerts := []object{alert("HighLatency", "firing"), alert("DiskFull", "pending"), alert("JobMissing", "firing"), alert("Short", "pending")}
	used := map[string]float64{"/": 40, "/var": 95.5, "/srv": 89, "/tmp": 97}
	var warnings []string
	api.handle("GET /api/v1/alerts", func(*http.Request) any {
		return object{"status": "success", "data": object{"alerts": alerts}}
	})
	api.handle("GET /api/v1/query", func(r *http.Request) any {
		api.wantQuery(r, "query", "(100 - 100 * node_filesystem_avail_bytes/node_filesystem_size_bytes) > 90")
		found := []object{}
		for _, mount := range []string{"/", "/srv", "/tmp", "/var"} {
			if used[mount] > 90 {
				found = append(found, object{
					"metric": object{"instance": "web-1:9100", "mountpoint": mount},
					"value":  []any{float64(time.Now().UnixMilli()) / 1000, strconv.FormatFloat(used[mount], 'g', -1, 64)},
				})
			}
		}
		if warnings != nil {
			found = found[:0] // what was asked of others is not there
			return object{"status": "success", "warnings": warnings, "data": object{"resultType": "vector", "result": found}}
		}
		return object{"status": "success", "data": object{"resultType": "vector", "result": found}}
	})
	labels := func(name string) string {
		return `{"alertname":"` + name + `","instance":"web-1:9100","severity":"page"}`
	}
	metric := func(mount string) string {
		return `{"instance":"web-1:9100","mountpoint":"` + mount + `"}`
	}
	try(t, "prometheus", trial{
		set:   map[string]string{},
		hosts: map[string]http.Handler{"localhost:9090": api},
		dull: api.do(func() {
			alerts[0]["value"], alerts[0]["annotations"] = "1.3e+00", object{"summary": "at 1.3 s"}
			used["/var"] = 96.5
		}),
		untold: api.do(func() {
			alerts = append(alerts[:3:3], alert("Another", "pending")) // and Short ends before it fires
			used["/srv"] = 89.9
		}),
		change: api.do(func() {
			alerts = []object{alert("HighLatency", "firing"), alert("DiskFull", "firing"), alert("Another", "pending")}
			used["/srv"], used["/var"] = 91, 12
		}),
		told: []string{
			"prometheus.alert.updated " + labels("DiskFull"), "prometheus.alert.deleted " + labels("JobMissing"),
			"prometheus.threshold.created " + metric("/srv"), "prometheus.threshold.deleted " + metric("/var"),
		},
		sick: []sickness{
			api.ill("a query that is wrong", "400", answer{status: http.StatusBadRequest, body: `{"status":"error","errorType":"bad_data","error":"1:2: parse error: unexpected end of input"}`}),
			api.ill("a query that takes too long", "503", answer{status: http.StatusServiceUnavailable, body: `{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}`}),
			api.ill("a start that is not at its end", "503", answer{status: http.StatusServiceUnavailable, header: http.Header{"Content-Type": {"text/plain"}}, body: "Service Unavailable"}),
			api.ill("an error with data, as its format has it", "expect.when", answer{
				status: http.StatusOK,
				body:   `{"status":"error","errorType":"execution","error":"expanding series","data":{"alerts":[],"resultType":"vector","result":[]}}`,
			}),
			{
				name: "a result that lacks a part", reason: "expect.when",
				begin: api.do(func() { warnings = []string{"remote_read: remote server returned HTTP status 500"} }),
				end:   api.do(func() { warnings = nil }),
			},
		},
	})
}

// At the end of all alerts every one of them is told.
func TestPrometheusAllEnd(t *testing.T) {
	t.Parallel()
	api := newFake(t, 60, time.Minute, nil, answer{})
	alerts := []map[string]any{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		alerts = append(alerts, map[string]any{"labels": map[string]any{"alertname": name}, "state": "firing"})
	}
	api.handle("GET /api/v1/alerts", func(*http.Request) any {
		return map[string]any{"status": "success", "data": map[string]any{"alerts": alerts}}
	})
	api.handle("GET /api/v1/query", func(*http.Request) any {
		return map[string]any{"status": "success", "data": map[string]any{"resultType": "vector", "result": []any{}}}
	})
	inWorld(t, "prometheus", trial{hosts: map[string]http.Handler{"localhost:9090": api}}, func(t *testing.T, w *world) {
		w.round()
		api.do(func() { alerts = alerts[:0] })()
		w.round()
		deleted := func(name string) string { return `prometheus.alert.deleted {"alertname":"` + name + `"}` }
		w.wantTold(t, "the end of all", deleted("a"), deleted("b"), deleted("c"), deleted("d"), deleted("e"))
		w.wantFailures(t, "the end of all", "")
	})
}
