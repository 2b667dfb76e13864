package server_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

const (
	endpointJSON = `{"name":"ops","url":"https://hooks.example.com","enabled":false,"reason":"by hand","since":"2026-01-02T03:04:05Z","paused":true,"paused_until":"2026-01-02T03:04:05Z","breaker":"open","open_until":"2026-01-02T03:04:05Z","failures":3,"failing_since":"2026-01-02T03:04:05Z","in_flight":1,"waiting":5,"waiting_since":"2026-01-02T03:04:05Z","dead":2,"node":"b","saved":true}`
	sourceJSON   = `{"name":"orders","state":"paused","request":"GET https://api.example.com/orders","schedule":"@hourly","limit":"github","reason":"503","failures":2,"failing_since":"2026-01-02T03:04:05Z","paused":true,"paused_since":"2026-01-02T03:04:05Z","held_until":"2026-01-02T03:04:05Z","polling":true,"waiting":false,"next_run":"2026-01-02T03:04:05Z","last_poll":` + pollJSON + `,"node":"b","saved":true,"version":3,"sequence":9,"changed_at":"2026-01-02T03:04:05Z","changes":[0,0,0]}`
	pollJSON     = `{"at":"2026-01-02T03:04:05Z","duration_ms":12,"requests":1,"status":503,"bytes":9,"outcome":"failed","changes":0,"error":"503"}`
	deliveryJSON = `{"id":7,"endpoint":"ops","state":"waiting","event":"evt_1","type":"shop.order.created","source":"orders","subject":"1","batch":"bat_1","replay":true,"posts":2,"attempts":1,"created_at":"2026-01-02T03:04:05Z","not_before":"2026-01-02T03:04:05Z","last":{"number":2,"at":"2026-01-02T03:04:05Z","duration_ms":1000,"status":429,"error":"429"}`
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestRoutesDoWhatTheySay(t *testing.T) {
	t.Parallel()
	ctl := &controller{}
	addr := start(t, server.Options{Controller: ctl}).Addr()
	for _, tc := range []struct {
		name       string
		question   question
		wantStatus int
		wantBody   string
		wantCalls  []string
	}{
		{"alive", question{method: "GET", path: "/healthz"}, 200, `{"status":"alive"}`, nil},
		{"ready", question{method: "GET", path: "/readyz"}, 200, `{"status":"ready"}`, nil},
		{"ready by HEAD", question{method: "HEAD", path: "/readyz"}, 200, "", nil},
		{"accept", question{method: "POST", path: "/v1/sources/orders/accept"}, 202, `{"source":"orders"}`, []string{"accept orders"}},
		{"accept with an empty object", question{method: "POST", path: "/v1/sources/orders/accept", body: " {} \n"}, 202, `{"source":"orders"}`, []string{"accept orders"}},
		{"poll", question{method: "POST", path: "/v1/sources/orders/poll"}, 202, `{"source":"orders"}`, []string{"poll orders"}},
		{"poll, no preview", question{method: "POST", path: "/v1/sources/orders/poll", body: `{"preview":false}`}, 202, `{"source":"orders"}`, []string{"poll orders"}},
		{"poll a name with a slash", question{method: "POST", path: "/v1/sources/a%2Fb%20c/poll"}, 202, `{"source":"a/b c"}`, []string{"poll a/b c"}},
		{
			"preview",
			question{method: "POST", path: "/v1/sources/orders/poll", body: `{"preview":true}`},
			200,
			`{"source":"orders","request":"GET https://api.example.com/orders?a=1&b=2","status":200,"duration_ms":12,"bytes":512,` +
				`"content_type":"application/json","outcome":"changed","webhooks":[{"id":"test_1","endpoints":["ops"],"body":{"n":9007199254740993}}]}`,
			[]string{"preview orders"},
		},
		{"sources", question{method: "GET", path: "/v1/sources"}, 200, `{"sources":[` + sourceJSON + `]}`, []string{"sources "}},
		{"source", question{method: "GET", path: "/v1/sources/orders"}, 200, sourceJSON, []string{"source orders"}},
		{"polls", question{method: "GET", path: "/v1/sources/orders/polls"}, 200, `{"polls":[` + pollJSON + `]}`, []string{"polls orders"}},
		{"pause a source", question{method: "POST", path: "/v1/sources/orders/pause"}, 200, sourceJSON, []string{"pause orders"}},
		{"resume a source", question{method: "POST", path: "/v1/sources/a%2Fb/resume", body: "{}"}, 200, sourceJSON, []string{"resume a/b"}},
		{
			"limits",
			question{method: "GET", path: "/v1/limits"},
			200,
			`{"limits":[{"name":"github","requests":5000,"per_seconds":3600,"reserve":500,"burst":10,"concurrency":4,"used":7,"left":4493,` +
				`"under_way":1,"waiting":2,"paused_until":"2026-01-02T03:04:05Z","node":"b","saved":true,"sources":["orders"]}]}`,
			[]string{"limits "},
		},
		{
			"nodes",
			question{method: "GET", path: "/v1/nodes"},
			200,
			`{"nodes":[{"name":"box","pid":4711,"version":"1.2.3","started_at":"2026-01-02T03:04:05Z","configured_at":"2026-01-02T03:04:05Z","sources":3,"endpoints":2}]}`,
			[]string{"nodes "},
		},
		{
			"a node",
			question{method: "GET", path: "/v1/nodes/01J"},
			200,
			`{"id":"01J","name":"b","host":"box","pid":4711,"self":true,"state":"suspended","version":"1.2.3","configuration":"c0ffee",` +
				`"differs":["version","configuration","clock"],"clock_ahead_seconds":-1.5,"started_at":"2026-01-02T03:04:05Z","configured_at":"2026-01-02T03:04:05Z",` +
				`"seen_at":"2026-01-02T03:04:05Z","sources":3,"endpoints":2,"limits":1,"held":7,` +
				`"leases":[{"resource":"source/orders","since":"2026-01-02T03:04:05Z"}]}`,
			[]string{"node 01J"},
		},
		{
			"enable",
			question{method: "POST", path: "/v1/endpoints/ops/enable"},
			200,
			endpointJSON,
			[]string{"enable ops"},
		},
		{
			"disable",
			question{method: "POST", path: "/v1/endpoints/ops/disable"},
			200,
			endpointJSON,
			[]string{"disable ops"},
		},
		{
			"pause",
			question{method: "POST", path: "/v1/endpoints/ops/pause"},
			200,
			endpointJSON,
			[]string{"pause ops"},
		},
		{
			"resume",
			question{method: "POST", path: "/v1/endpoints/ops/resume"},
			200,
			endpointJSON,
			[]string{"resume ops"},
		},
		{
			"endpoints",
			question{method: "GET", path: "/v1/endpoints"},
			200,
			`{"endpoints":[` + endpointJSON + `]}`,
			[]string{"endpoints "},
		},
		{
			"endpoint",
			question{method: "GET", path: "/v1/endpoints/ops"},
			200,
			endpointJSON,
			[]string{"endpoint ops"},
		},
		{
			"test",
			question{method: "POST", path: "/v1/endpoints/ops/test"},
			200,
			`{"id":"test_1","attempt":{"number":1,"at":"2026-01-02T03:04:05Z","duration_ms":1,"status":500,"error":"500","response":"a�<"}}`,
			[]string{"test ops"},
		},
		{
			"deliveries",
			question{method: "GET", path: "/v1/deliveries"},
			200,
			`{"deliveries":[` + deliveryJSON + `}],"next":"6"}`,
			[]string{"deliveries {State: Endpoint: Event: Before:0 Limit:100}"},
		},
		{
			"deliveries, chosen",
			question{method: "GET", path: "/v1/deliveries?state=dead&endpoint=ops&event=evt_1&limit=3&after=9"},
			200,
			`{"deliveries":[` + deliveryJSON + `}],"next":"6"}`,
			[]string{"deliveries {State:dead Endpoint:ops Event:evt_1 Before:9 Limit:3}"},
		},
		{
			"delivery",
			question{method: "GET", path: "/v1/deliveries/7"},
			200,
			deliveryJSON + `,"tried":[{"number":1,"at":"2026-01-02T03:04:05Z","duration_ms":0,"status":0,"error":"timeout"},{"number":2,"at":"2026-01-02T03:04:05Z","duration_ms":0,"status":429,"error":"429","response":"slow"}]}`,
			[]string{"delivery 7"},
		},
		{
			"retry",
			question{method: "POST", path: "/v1/deliveries/7/retry"},
			202,
			deliveryJSON + `}`,
			[]string{"retry 7"},
		},
		{
			"replay",
			question{method: "POST", path: "/v1/replay", body: `{"endpoint":"ops","source":"orders","since":"2026-01-02T04:04:05+01:00","dead":true}`},
			202,
			`{"id":"rpl_1","endpoint":"ops","source":"orders","since":"2026-01-02T03:04:05Z","dead":true,"progress":0,"told":0,"waiting":0,"created_at":"2026-01-02T03:04:05Z"}`,
			[]string{"replay ops"},
		},
		{
			"replay under way",
			question{method: "GET", path: "/v1/replay/rpl_1"},
			200,
			`{"id":"rpl_1","progress":0.5,"told":4,"waiting":2,"created_at":"2026-01-02T03:04:05Z"}`,
			[]string{"replay rpl_1"},
		},
		{
			"event",
			question{method: "GET", path: "/v1/events/evt_1"},
			200,
			envelopeJSON("evt_1", `{"after":{"big":12345678901234567890.0}}`),
			[]string{"event evt_1"},
		},
		{
			"log",
			question{method: "GET", path: "/v1/events"},
			200,
			`{"events":[` + envelopeJSON("evt_1", `{"after":1.0}`) + `,` + envelopeJSON("evt_2", `{}`) + `],"next":"2-X","more":false}`,
			[]string{"events {After: Source: Type: Subject: Endpoint: Limit:100 MaxBytes:1048576 Newest:false NewestFirst:false Before: Wait:0s Stop:<nil>}"},
		},
		{
			"log, backwards",
			question{method: "GET", path: "/v1/events?subject=a+7&before=17-ABC&limit=3"},
			200,
			`{"events":[` + envelopeJSON("evt_1", `{"after":1.0}`) + `,` + envelopeJSON("evt_2", `{}`) + `],"next":"2-X","more":false,"previous":"1-X"}`,
			[]string{"events {After: Source: Type: Subject:a 7 Endpoint: Limit:3 MaxBytes:1048576 Newest:true NewestFirst:false Before:17-ABC Wait:0s Stop:<nil>}"},
		},
		{
			"log, the newest first",
			question{method: "GET", path: "/v1/events?order=newest&limit=3"},
			200,
			`{"events":[` + envelopeJSON("evt_1", `{"after":1.0}`) + `,` + envelopeJSON("evt_2", `{}`) + `],"next":"2-X","more":false}`,
			[]string{"events {After: Source: Type: Subject: Endpoint: Limit:3 MaxBytes:1048576 Newest:true NewestFirst:true Before: Wait:0s Stop:<nil>}"},
		},
		{
			"log, with everything",
			question{method: "GET", path: "/v1/events?after=old&source=a%20b&type=x.*&limit=7&wait=30"},
			200,
			`{"events":[` + envelopeJSON("evt_1", `{"after":1.0}`) + `,` + envelopeJSON("evt_2", `{}`) + `],"next":"2-X","more":false,"removed":true}`,
			[]string{"events {After:old Source:a b Type:x.* Subject: Endpoint: Limit:7 MaxBytes:1048576 Newest:false NewestFirst:false Before: Wait:30s Stop:<nil>}"},
		},
		{
			"log of an endpoint, the newest",
			question{method: "GET", path: "/v1/endpoints/ops/events?last=1&after=end&wait=1m"},
			200,
			`{"events":[],"next":"2-X","more":false}`,
			[]string{"events {After:end Source: Type: Subject: Endpoint:ops Limit:1 MaxBytes:1048576 Newest:true NewestFirst:false Before: Wait:1m0s Stop:<nil>}"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ask(t, addr, tc.question)
			if got.status != tc.wantStatus {
				t.Errorf("status %d, want %d", got.status, tc.wantStatus)
			}
			if diff := cmp.Diff(tc.wantBody, strings.TrimSuffix(got.body, "\n")); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantCalls, ctl.taken()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			for name, want := range map[string]string{
				"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
			} {
				if got := got.header.Get(name); got != want {
					t.Errorf("%s %q, want %q", name, got, want)
				}
			}
		})
	}
}

// TestProblems holds every error that a client can see to its exact words.
func TestProblems(t *testing.T) {
	t.Parallel()
	gone := fmt.Errorf("look up: %w", store.ErrNotFound)
	refusal := fmt.Errorf("enable: %w", &server.Refusal{Reason: `the configuration disables "ops"; set enabled: true there`})
	var buf bytes.Buffer
	for _, tc := range []struct {
		name     string
		err      error
		question question
	}{
		{"no such path", nil, question{method: "GET", path: "/v1/nothing?token=x"}},
		{"the root", nil, question{method: "GET", path: "/"}},
		{"markup in the path", nil, question{method: "GET", path: "/%3Cb%3E%0A"}},
		{"wrong method", nil, question{method: "GET", path: "/v1/sources/orders/poll"}},
		{"wrong method for a probe", nil, question{method: "DELETE", path: "/healthz"}},
		{"no such source to accept", gone, question{method: "POST", path: "/v1/sources/orders/accept"}},
		{"no such source to poll", gone, question{method: "POST", path: "/v1/sources/orders/poll"}},
		{"no such source to preview", gone, question{method: "POST", path: "/v1/sources/orders/poll", body: `{"preview":true}`}},
		{"no such source to look at", gone, question{method: "GET", path: "/v1/sources/orders"}},
		{"no such source whose polls", gone, question{method: "GET", path: "/v1/sources/orders/polls"}},
		{"no such source whose snapshot", gone, question{method: "GET", path: "/v1/sources/orders/snapshot"}},
		{"no such source to pause", gone, question{method: "POST", path: "/v1/sources/orders/pause"}},
		{"wrong parameters of a snapshot", nil, question{method: "GET", path: "/v1/sources/orders/snapshot?version=0&page=x&pages=1"}},
		{"member where a source is paused", nil, question{method: "POST", path: "/v1/sources/orders/resume", body: `{"force":true}`}},
		{"no such endpoint", gone, question{method: "POST", path: "/v1/endpoints/ops/disable"}},
		{"no such endpoint to read for", gone, question{method: "GET", path: "/v1/endpoints/ops/events"}},
		{"cursor of no use", &server.Refusal{Status: 410, Reason: "begin anew"}, question{method: "GET", path: "/v1/events?after=1"}},
		{"stream from a cursor of no use", &server.Refusal{Status: 410, Reason: "begin anew"}, question{method: "GET", path: "/v1/events/stream"}},
		{"stream with a wrong parameter", nil, question{method: "GET", path: "/v1/events/stream?wait=1"}},
		{"wrong parameters", nil, question{method: "GET", path: "/v1/events?limit=0&wait=61s&type=%5B&since=x&after=1&after=2"}},
		{"wrong numbers", nil, question{method: "GET", path: "/v1/events?limit=x&last=1001&wait=-1"}},
		{"a wrong order", nil, question{method: "GET", path: "/v1/events?order=desc"}},
		{"a query that is none", nil, question{method: "GET", path: "/v1/events?after=%zz"}},
		{"no such endpoint to look at", gone, question{method: "GET", path: "/v1/endpoints/ops"}},
		{"no such endpoint to test", gone, question{method: "POST", path: "/v1/endpoints/ops/test"}},
		{"no such delivery", gone, question{method: "GET", path: "/v1/deliveries/7"}},
		{"no such delivery to retry", gone, question{method: "POST", path: "/v1/deliveries/7/retry"}},
		{"a delivery that is no number", nil, question{method: "GET", path: "/v1/deliveries/x"}},
		{"wrong parameters of deliveries", nil, question{method: "GET", path: "/v1/deliveries?state=lost&after=0&limit=-1"}},
		{"wrong body of a replay", nil, question{method: "POST", path: "/v1/replay", body: `{"since":"yesterday"}`}},
		{"no such replay", gone, question{method: "GET", path: "/v1/replay/rpl_1"}},
		{"no such event", gone, question{method: "GET", path: "/v1/events/evt_1"}},
		{"an event that was a test", gone, question{method: "GET", path: "/v1/events/test_1"}},
		{"sources that cannot be read", errors.New("disk: secret"), question{method: "GET", path: "/v1/sources"}},
		{"limits that cannot be read", errors.New("disk: secret"), question{method: "GET", path: "/v1/limits"}},
		{"no such node", gone, question{method: "GET", path: "/v1/nodes/01J"}},
		{"what another node has", &server.Refusal{Status: 503, Reason: "it changes hands", RetryAfter: 1600 * time.Millisecond}, question{method: "POST", path: "/v1/sources/orders/poll"}},
		{"nodes that cannot be read", errors.New("disk: secret"), question{method: "GET", path: "/v1/nodes"}},
		{"refusal", refusal, question{method: "POST", path: "/v1/endpoints/ops/enable"}},
		{"internal error", errors.New("disk: secret"), question{method: "POST", path: "/v1/sources/orders/accept"}},
		{"full disk", fmt.Errorf("write /secret/place: %w", store.ErrFull), question{method: "POST", path: "/v1/endpoints/ops/pause"}},
		{"locked database", fmt.Errorf("write /secret/place: %w", store.ErrBusy), question{method: "POST", path: "/v1/endpoints/ops/pause"}},
		{"database away", fmt.Errorf("database postgres://secret: %w", store.ErrUnreachable), question{method: "POST", path: "/v1/endpoints/ops/pause"}},
		{"lease lost", fmt.Errorf("endpoint/secret: %w", store.ErrNotHeld), question{method: "POST", path: "/v1/endpoints/ops/pause"}},
		{"unknown member", nil, question{method: "POST", path: "/v1/sources/orders/poll", body: `{"previw":true}`}},
		{"member where none is", nil, question{method: "POST", path: "/v1/sources/orders/accept", body: `{"preview":true}`}},
		{"wrong type", nil, question{method: "POST", path: "/v1/sources/orders/poll", body: `{"preview":"yes"}`}},
		{"no object", nil, question{method: "POST", path: "/v1/sources/orders/poll", body: `null`}},
		{"half an object", nil, question{method: "POST", path: "/v1/endpoints/ops/enable", body: `{"`}},
		{"two objects", nil, question{method: "POST", path: "/v1/sources/orders/poll", body: `{} {}`}},
		{"form", nil, question{method: "POST", path: "/v1/sources/orders/poll", body: `preview=true`, header: headers("Content-Type", "application/x-www-form-urlencoded")}},
		{"large body", nil, question{method: "POST", path: "/v1/sources/orders/poll", body: strings.Repeat(" ", 64<<10+1)}},
		{"unknown host", nil, question{method: "GET", path: "/v1/events/evt_1", host: "evil.example:8470"}},
		{"other origin", nil, question{method: "POST", path: "/v1/sources/orders/poll", header: headers("Origin", "https://evil.example")}},
		{"poke with a wrong secret", nil, question{method: "POST", path: "/poke/orders?secret=wrong"}},
		{"poke of a source that there is not", nil, question{method: "POST", path: "/poke/nobody?secret=" + ordersSecret}},
		{"poke of a source that is held back", nil, question{method: "POST", path: "/poke/held?secret=" + ordersSecret}},
		{"poke by GET", nil, question{method: "GET", path: "/poke/orders?secret=" + ordersSecret}},
	} {
		addr := start(t, server.Options{Controller: &controller{err: tc.err}, Pokes: map[string]string{"orders": ordersSecret, "held": ordersSecret}, Poker: poked(nil)}).Addr()
		got := ask(t, addr, tc.question)
		if got := got.header.Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%s: Content-Type %q", tc.name, got)
		}
		fmt.Fprintf(&buf, "# %s\n%d", tc.name, got.status)
		if allow := got.header.Get("Allow"); allow != "" {
			fmt.Fprintf(&buf, " Allow: %s", allow)
		}
		if after := got.header.Get("Retry-After"); after != "" {
			fmt.Fprintf(&buf, " Retry-After: %s", after)
		}
		fmt.Fprintf(&buf, "\n%s\n", got.body)
	}
	golden(t, "problems.golden", buf.Bytes())
}

// golden compares got with a file of testdata.
func golden(tb testing.TB, name string, got []byte) {
	tb.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		tb.Errorf("%s (-want +got); -update writes it anew:\n%s", path, diff)
	}
}

func TestInternalErrorIsLogged(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	s := start(t, server.Options{
		Controller: &controller{err: errors.New("disk is full")},
		Logger:     slog.New(slog.NewTextHandler(&logged, nil)),
	})
	got := ask(t, s.Addr(), question{method: "POST", path: "/v1/sources/orders/poll"})
	if got.status != http.StatusInternalServerError || strings.Contains(got.body, "disk") {
		t.Errorf("told %d %s", got.status, got.body)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(logged.String(), `err="disk is full"`) {
		t.Errorf("logged %q", logged.String())
	}
}

// TestHandlersGetTheRequestsContext catches a handler that goes on working for
// a client that has gone.
func TestHandlersGetTheRequestsContext(t *testing.T) {
	t.Parallel()
	entered, left := make(chan struct{}), make(chan struct{})
	ctl := &controller{during: func(ctx context.Context) {
		close(entered)
		<-ctx.Done()
		close(left)
	}}
	addr := start(t, server.Options{Controller: ctl}).Addr()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/v1/sources/orders/poll", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-entered
		cancel()
	}()
	if resp, err := new(http.Client).Do(req); err == nil {
		t.Errorf("answered %s", resp.Status)
		_ = resp.Body.Close()
	}
	<-left
}
