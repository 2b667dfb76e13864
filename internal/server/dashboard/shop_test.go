package dashboard

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/notify"
)

// addSources fills in sources of all states.
func (f *fake) addSources() {
	random := rand.New(rand.NewPCG(1, 2))
	add := func(name, request, schedule, limit string, every time.Duration, busy int) *server.Source {
		s := server.Source{
			Name: name, State: server.SourceOK, Request: request, Schedule: schedule, Limit: limit,
			NextRun: f.future(time.Duration(random.Int64N(int64(every)))), Version: int64(20 + random.IntN(400)), Sequence: int64(random.IntN(9000)),
			ChangedAt: f.past(time.Duration(random.Int64N(int64(5 * time.Hour)))), Changes: make([]int64, 24),
		}
		for i := range s.Changes {
			if busy > 0 && random.IntN(3) > 0 {
				s.Changes[i] = int64(random.IntN(busy + 1))
			}
		}
		polls := make([]server.Poll, 0, 60)
		for i := range 60 {
			p := server.Poll{
				At: *f.past(every*time.Duration(i) + time.Duration(random.Int64N(int64(every/2)))), DurationMS: 40 + random.Int64N(300),
				Requests: 1, Status: 304, Outcome: server.PollUnchanged,
			}
			if random.IntN(4) == 0 {
				p.Status, p.Bytes, p.Outcome, p.Changes = 200, 2000+random.Int64N(90_000), server.PollChanged, 1+random.IntN(3)
			}
			polls = append(polls, p)
		}
		s.LastPoll, f.polls[name] = &polls[0], polls
		f.sources = append(f.sources, s)
		return &f.sources[len(f.sources)-1]
	}
	fail := func(s *server.Source, failures, status int, since time.Duration, reason string) {
		s.State, s.Failures, s.FailingSince, s.Reason = server.SourceFailing, failures, f.past(since), reason
		polls := f.polls[s.Name]
		for i := range min(failures, len(polls)) {
			polls[i] = server.Poll{At: polls[i].At, DurationMS: polls[i].DurationMS * 9, Requests: 3, Status: status, Outcome: server.PollFailed, Error: reason}
		}
	}
	add("crm-contacts", "GET https://crm.example.com/api/v3/contacts", "@every 5m", "crm", 5*time.Minute, 6)
	fail(add("fx-rates", "GET https://rates.example.net/latest", "*/15 * * * *", "", 15*time.Minute, 0), 7, 503, 104*time.Minute,
		"the server answered 503 Service Unavailable")
	add("github-releases", "GET https://api.github.com/repos/golang/go/releases", "*/5 * * * *", "github", 5*time.Minute, 1)
	add("github-security-advisories", "GET https://api.github.com/advisories", "@every 10m", "github", 10*time.Minute, 2)
	fail(add("inventory-eu", "GET https://stock.example.com/eu/items", "@every 1m", "stock", time.Minute, 9), 3, 200, 3*time.Minute,
		`412 of 530 items are gone, more than expect.max_removed (50%) allows; if that is right, run "pollwire accept inventory-eu"`)
	add("inventory-us", "GET https://stock.example.com/us/items", "@every 1m", "stock", time.Minute, 14)
	held := add("jira-issues", "GET https://example.atlassian.net/rest/api/3/search", "@every 2m", "atlassian", 2*time.Minute, 5)
	held.HeldUntil = f.future(9 * time.Minute)
	add("orders", "GET https://shop.example.com/admin/orders.json", "@every 30s", "shop", 30*time.Second, 40)
	paused := add("price-feed", "GET https://partner.example.org/prices.csv", "0 6 * * mon-fri", "", 24*time.Hour, 0)
	paused.State, paused.Paused, paused.PausedSince, paused.NextRun = server.SourcePaused, true, f.past(26*time.Hour), nil
	add("refunds", "GET https://shop.example.com/admin/refunds.json", "@every 2m", "shop", 2*time.Minute, 3)
	add("status-page", "GET https://status.example.com/api/v2/summary.json", "@every 1m", "", time.Minute, 1)
	fresh := add("supplier-catalogue", "POST https://supplier.example.org/graphql", "@hourly", "", time.Hour, 0)
	fresh.State, fresh.LastPoll, fresh.Version, fresh.Sequence, fresh.ChangedAt = server.SourceNew, nil, 0, 0, nil
	f.polls[fresh.Name] = nil
	off := add("warehouse-legacy", "GET http://10.0.4.17/export.xml", "@every 10m", "", 10*time.Minute, 0)
	off.State, off.NextRun, off.LastPoll = server.SourceDisabled, nil, nil
	f.polls[off.Name] = nil
	add("weather-berlin", "GET https://api.example.com/v1/forecast", "@every 20m", "", 20*time.Minute, 1)
}

// addEvents fills the log with what an operator would see.
func (f *fake) addEvents() {
	f.change(5*time.Hour, "github-releases", "github.release", "created", "go1.26.8", "null",
		`{"tag_name":"go1.26.8","name":"Go 1.26.8","draft":false,"prerelease":false,"assets":[]}`)
	f.change(3*time.Hour, "status-page", "status.summary", "updated", "",
		`{"status":{"indicator":"none","description":"All Systems Operational"},"incidents":[]}`,
		`{"status":{"indicator":"minor","description":"Partially Degraded Service"},"incidents":[{"name":"Elevated error rates","impact":"minor"}]}`,
		"/status/indicator", "/status/description", "/incidents/0")
	f.alert(104*time.Minute, "pollwire.source.failing", "fx-rates", "the server answered 503 Service Unavailable")
	for i := range 40 {
		id := 81_200 + i
		f.change(time.Duration(95-2*i)*time.Minute, "orders", "shop.order", "created", fmt.Sprint(id), "null", order(id, "pending", 39.9+float64(i)))
	}
	f.change(14*time.Minute, "orders", "shop.order", "updated", "81236", order(81236, "pending", 75.9), order(81236, "paid", 75.9), "/status", "/updated_at")
	f.change(11*time.Minute, "crm-contacts", "crm.contact", "updated", "c_9081",
		`{"id":"c_9081","name":"Ada Lovelace","email":"ada@example.com","phone":null,"tags":["lead","newsletter"],"owner":{"id":7,"name":"Grace"}}`,
		`{"id":"c_9081","name":"Ada Lovelace","email":"ada.lovelace@example.com","phone":"+44 20 7946 0000","tags":["customer"],"owner":{"id":9,"name":"Linus"}}`,
		"/email", "/phone", "/tags/0", "/tags/1", "/owner/id", "/owner/name")
	f.alert(9*time.Minute, "pollwire.endpoint.failing", "billing", "connection refused")
	f.change(7*time.Minute, "inventory-us", "stock.item", "deleted", "SKU-4471", `{"sku":"SKU-4471","name":"Enamel mug, 0.4 l","stock":0}`, "null")
	f.change(4*time.Minute, "orders", "shop.order", "updated", "81238", order(81238, "pending", 77.9), order(81238, "cancelled", 0), "/status", "/total", "/updated_at")
	f.change(2*time.Minute, "inventory-us", "stock.item", "updated", "SKU-1002",
		`{"sku":"SKU-1002","name":"Teapot <large> & \"blue\"","stock":14,"price":"24.90"}`, `{"sku":"SKU-1002","name":"Teapot <large> & \"blue\"","stock":11,"price":"24.90"}`, "/stock")
	f.change(35*time.Second, "orders", "shop.order", "created", "81240", "null", order(81240, "pending", 129))
}

func order(id int, status string, total float64) string {
	return fmt.Sprintf(`{"id":%d,"status":%q,"total":%.2f,"currency":"EUR","customer":{"id":%d,"email":"customer%d@example.com"},`+
		`"lines":[{"sku":"SKU-1002","quantity":1},{"sku":"SKU-2210","quantity":2}],"updated_at":"2026-11-28T09:%02d:00Z"}`, id, status, total, id%97, id%97, id%60)
}

// change logs a change, as long ago as was said.
func (f *fake) change(since time.Duration, source, kind, change, key, before, after string, changed ...string) {
	f.log = append(f.log, f.changed(since, source, kind, change, key, before, after, changed...))
}

func (f *fake) changed(since time.Duration, source, kind, change, key, before, after string, changed ...string) notify.Event {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	patch := make([]operation, 0, len(changed))
	for _, pointer := range changed {
		patch = append(patch, operation{"replace", pointer, "…"})
	}
	encode := func(v any) string {
		text, _ := json.Marshal(v)
		return string(text)
	}
	hash := func(value string) string {
		if value == "null" {
			return "null"
		}
		return fmt.Sprintf("%q", fmt.Sprintf("%064x", len(value)))
	}
	if changed == nil {
		changed = []string{}
	}
	quoted, operations := encode(key), encode(patch)
	if key == "" {
		quoted = "null"
	}
	if change != "updated" {
		operations = "null"
	}
	n := len(f.log) + 1
	return notify.Event{
		Position: int64(n), ID: fmt.Sprintf("evt_01KA%022d", n), Type: kind + "." + change, Source: source, Subject: key, Time: f.now.Add(-since), Sequence: int64(n),
		Data: fmt.Appendf(nil, `{"change":%q,"key":%s,"before":%s,"after":%s,"changed":%s,"patch":%s,"hash":%s,"previous_hash":%s}`,
			change, quoted, before, after, encode(changed), operations, hash(after), hash(before)),
	}
}

func (f *fake) alert(since time.Duration, kind, name, reason string) {
	n := len(f.log) + 1
	f.log = append(f.log, notify.Event{
		Position: int64(n), ID: fmt.Sprintf("evt_01KA%022d", n), Type: kind, Source: name, Time: f.now.Add(-since), Alert: true,
		Data: fmt.Appendf(nil, `{"name":%q,"reason":%q,"since":%q,"count":5}`, name, reason, f.now.Add(-since).Format(time.RFC3339)),
	})
}

// addEndpoints fills in endpoints of all states, and their deliveries.
func (f *fake) addEndpoints() {
	f.endpoints = []server.Endpoint{
		{Name: "audit", URL: "https://audit.example.com", Enabled: true, Breaker: notify.BreakerClosed},
		{
			Name: "billing", URL: "https://billing.example.com", Enabled: true, Breaker: notify.BreakerOpen, OpenUntil: f.future(80 * time.Second),
			Reason: "connection refused", Failures: 6, FailingSince: f.past(9 * time.Minute), Waiting: 23, WaitingSince: f.past(9 * time.Minute), Dead: 2,
		},
		{Name: "chat", URL: "https://hooks.slack.com", Enabled: true, Breaker: notify.BreakerClosed, PausedUntil: f.future(40 * time.Second), Waiting: 3, WaitingSince: f.past(50 * time.Second)},
		{Name: "ops", URL: "https://hooks.example.com", Enabled: true, Breaker: notify.BreakerClosed, InFlight: 2},
		{Name: "partner", URL: "https://partner.example.org", Reason: "410 Gone", Since: f.past(49 * time.Hour), Breaker: notify.BreakerClosed, Waiting: 1204, WaitingSince: f.past(49 * time.Hour)},
		{Name: "search-index", URL: "http://10.0.4.30:9200", Enabled: true, Paused: true, Breaker: notify.BreakerClosed, Waiting: 61, WaitingSince: f.past(35 * time.Minute)},
		{Name: "sub_01K9ZX4T8W3V5QJH2N7M6B1C0D", URL: "https://zap.example.net", Enabled: true, Breaker: notify.BreakerClosed},
	}
	for i, failed := range map[int]int{0: 0, 1: 61, 2: 2, 3: 1, 5: 0} {
		f.endpoints[i].Attempts = &server.AttemptStats{Since: *f.past(24 * time.Hour), Count: 411, Failed: failed, P50MS: 64, P95MS: 240 + 900*int64(i%2)}
	}
	f.subscribed = []server.Subscription{{
		ID: "sub_01K9ZX4T8W3V5QJH2N7M6B1C0D", URL: "https://zap.example.net", Sources: []string{"orders"}, Events: []string{"shop.order.*"},
		Filter: `after.total > 100`, CreatedAt: *f.past(12 * 24 * time.Hour),
	}}
	id := int64(5000)
	for i := range f.log {
		e := &f.log[i]
		for _, endpoint := range []string{"ops", "audit", "billing"} {
			id++
			f.deliveries = append(f.deliveries, f.delivery(id, e, endpoint))
		}
	}
	slices.Reverse(f.deliveries)
}

// delivery is how a delivery of an event stands; those to billing fail.
func (f *fake) delivery(id int64, e *notify.Event, endpoint string) server.Delivery {
	d := server.Delivery{
		ID: id, Endpoint: endpoint, State: notify.Delivered, Event: e.ID, Type: e.Type, Source: e.Source, Subject: e.Subject,
		Posts: 1, Attempts: 1, CreatedAt: e.Time,
	}
	attempt := func(n, status int, since time.Duration, err, response string) server.Attempt {
		return server.Attempt{Number: n, At: e.Time.Add(since), DurationMS: 30 + id%170, Status: status, Error: err, Response: response}
	}
	switch {
	case endpoint != "billing":
		d.Tried = []server.Attempt{attempt(1, 200, 80*time.Millisecond, "", `{"received":true}`)}
	case strings.HasSuffix(e.ID, "05"), strings.HasSuffix(e.ID, "09"):
		d.State, d.Posts, d.Attempts = notify.Dead, 3, 3
		d.Tried = []server.Attempt{
			attempt(1, 500, time.Second, "the receiver answered 500 Internal Server Error", "<h1>Internal Server Error</h1>"),
			attempt(2, 500, 6*time.Second, "the receiver answered 500 Internal Server Error", "<h1>Internal Server Error</h1>"),
			attempt(3, 0, 5*time.Minute, "connection refused", ""),
		}
	case f.now.Sub(e.Time) < 40*time.Minute:
		d.State, d.NotBefore = notify.Waiting, f.future(80*time.Second)
		d.Tried = []server.Attempt{attempt(1, 0, time.Second, "connection refused", "")}
	default:
		d.Tried = []server.Attempt{attempt(1, 202, 130*time.Millisecond, "", "")}
	}
	last := d.Tried[len(d.Tried)-1]
	last.Response = ""
	d.Last = &last
	return d
}

// share makes the daemon one of three nodes, of which one is another version with
// another configuration, and one is silent.
func (f *fake) share() {
	f.nodes = []server.Node{
		{
			ID: "01KA4D0T7C6N3R9G2V5X8Y1ZAA", Name: "poll-1", Host: "poll-1.fra.example.com", PID: 4711, Self: true, State: server.NodeOK, Version: "v0.9.1",
			Configuration: "9f31c2ab04de77", StartedAt: *f.past(20 * time.Minute), ConfiguredAt: *f.past(20 * time.Minute), SeenAt: f.past(time.Second),
			Sources: 1012, Endpoints: 3, Limits: 2, Held: 1019,
		},
		{
			ID: "01KA4D0T7C6N3R9G2V5X8Y1ZBB", Name: "poll-2", Host: "poll-2.fra.example.com", PID: 812, State: server.NodeOK, Version: "v0.9.0",
			Configuration: "51b7e0d99a2c13", Differs: []server.NodeAspect{server.NodeVersion, server.NodeConfiguration, server.NodeClock}, ClockAhead: 2.49,
			StartedAt: *f.past(9 * 24 * time.Hour), ConfiguredAt: *f.past(26 * time.Hour), SeenAt: f.past(2 * time.Second),
			Sources: 988, Endpoints: 4, Limits: 3, Held: 995,
		},
		{
			Differs: []server.NodeAspect{server.NodeClock}, ClockAhead: -12.34,
			ID: "01KA4D0T7C6N3R9G2V5X8Y1ZCC", Name: "poll-3", Host: "poll-3.fra.example.com", PID: 97, State: server.NodeSuspended, Version: "v0.9.1",
			Configuration: "9f31c2ab04de77", StartedAt: *f.past(3 * time.Hour), ConfiguredAt: *f.past(3 * time.Hour), SeenAt: f.past(7 * time.Second),
			Sources: 417, Endpoints: 0, Limits: 0, Held: 417,
		},
	}
	f.free = 12
	nodes := []string{"poll-1", "poll-2", "poll-3"}
	for i := range f.sources {
		s := &f.sources[i]
		s.Node, s.Saved = nodes[i%3], i%3 > 0
		if s.State == server.SourceDisabled {
			s.Node, s.Saved = "", false
		}
		if s.State == server.SourceOK {
			f.leases = append(f.leases, server.Lease{Resource: "source/" + s.Name, Since: *f.past(time.Duration(i+1) * time.Minute)})
		}
	}
	for i := range f.endpoints {
		f.endpoints[i].Node, f.endpoints[i].Saved = nodes[i%2], i%2 > 0
		f.leases = append(f.leases, server.Lease{Resource: "endpoint/" + f.endpoints[i].Name, Since: *f.past(19 * time.Minute)})
	}
	for i := range f.limits {
		f.limits[i].Node, f.limits[i].Saved = nodes[i%2], i%2 > 0
		f.leases = append(f.leases, server.Lease{Resource: "limit/" + f.limits[i].Name, Since: *f.past(19 * time.Minute)})
	}
	f.leases = append(f.leases,
		server.Lease{Resource: "task/prune", Since: *f.past(18 * time.Minute)},
		server.Lease{Resource: "token/8d1f0c77a2", Since: *f.past(18 * time.Minute)})
}

// addLimits fills in limits that are used more and less, and the daemon itself.
func (f *fake) addLimits() {
	f.limits = []server.Limit{
		{Name: "atlassian", Requests: 100, PerSeconds: 60, Burst: 10, Concurrency: 2, Used: 100, Left: 0, Waiting: 1, PausedUntil: f.future(9 * time.Minute), Sources: []string{"jira-issues"}},
		{Name: "crm", Requests: 10_000, PerSeconds: 86_400, Burst: 10, Used: 3120, Left: 6880, Sources: []string{"crm-contacts"}},
		{Name: "github", Requests: 5000, PerSeconds: 3600, Reserve: 500, Burst: 20, Concurrency: 4, Used: 412, Left: 4088, UnderWay: 1, Sources: []string{"github-releases", "github-security-advisories"}},
		{Name: "shop", Requests: 40, PerSeconds: 60, Burst: 4, Concurrency: 2, Used: 34, Left: 6, UnderWay: 2, Waiting: 3, Sources: []string{"orders", "refunds"}},
		{Name: "stock", Requests: 600, PerSeconds: 600, Burst: 10, Used: 20, Left: 580, Sources: []string{"inventory-eu", "inventory-us"}},
	}
	f.nodes = []server.Node{{Name: "poll-1", Version: "v0.9.0", StartedAt: *f.past(9 * 24 * time.Hour), ConfiguredAt: *f.past(26 * time.Hour), Sources: 14, Endpoints: 7}}
	f.reload = server.Reload{Number: 3, At: f.past(26 * time.Hour), OK: true, Changed: []string{"source/orders"}}
}
