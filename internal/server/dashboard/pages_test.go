package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// subscribers keeps the subscriptions of a fake.
type subscribers struct{ *fake }

var _ server.Subscriptions = subscribers{}

func (s subscribers) Subscribe(context.Context, server.NewSubscription) (made server.Subscription, created bool, err error) {
	return made, false, s.call("subscribe")
}

func (s subscribers) Subscriptions(context.Context) ([]server.Subscription, error) {
	return s.subscribed, s.err
}

func (s subscribers) Subscription(_ context.Context, id string) (server.Subscription, error) {
	return server.Subscription{}, fmt.Errorf("subscription %q: %w", id, store.ErrNotFound)
}

func (s subscribers) Unsubscribe(_ context.Context, id string) error {
	return s.call("unsubscribe %s", id)
}

// withSubscriptions gives the dashboard those of its daemon.
func withSubscriptions(f *fake) func(*server.Options) {
	return func(o *server.Options) {
		o.Dashboard = New(Options{Controller: f, Subscriptions: subscribers{f}, Version: "v0.9.0", Logger: o.Logger})
	}
}

// find is the ID of the last event of the fake of a type.
func (f *fake) find(kind string) string {
	id := ""
	for i := range f.log {
		if f.log[i].Type == kind {
			id = f.log[i].ID
		}
	}
	return id
}

func TestPagesLookWell(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.addRichEvent()
	base := serve(t, f, withSubscriptions(f))
	for name, path := range map[string]string{
		"events":        "/events",
		"events-none":   "/events?key=nothing+like+it",
		"event-updated": "/events/" + f.find("crm.contact.updated"),
		"event-created": "/events/" + f.find("shop.order.created"),
		"event-alert":   "/events/" + f.find("pollwire.endpoint.failing"),
		"deliveries":    "/deliveries",
		"dead":          "/deliveries?state=dead&endpoint=billing",
		"delivery":      fmt.Sprintf("/deliveries/%d", f.dead()),
		"endpoints":     "/endpoints",
		"endpoint":      "/endpoints/billing?replay=rpl_01K0REPLAY",
		"endpoint-off":  "/endpoints/partner",
		"limits":        "/limits",
		"subscriptions": "/subscriptions",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			browse(t, base).judge(path, name)
		})
	}
}

// addRichEvent logs a change that has something of everything.
func (f *fake) addRichEvent() {
	f.change(20*time.Second, "crm-contacts", "crm.contact", "updated", "c-2201",
		`{"id":"c-2201","name":"Ada Byron","email":"ada@example.com","tags":["vip","beta"],"score":12.50,"seen_at":"2026-11-28T08:00:00Z",`+
			`"address":{"street":"12 St James's Square","city":"London","zip":"SW1Y 4JH"},"phones":[{"id":1,"number":"+44 20 7946 0018"},{"id":2,"number":"+44 20 7946 0991"}],`+
			`"notes":"Met at the fair.\nWants a call in spring.\nPrefers mail.\nPays by invoice.\n","locale":"en-GB","currency":"GBP","owner":"kim"}`,
		`{"id":"c-2201","name":"Ada Lovelace","email":"ada@example.com","tags":["vip","beta","speaker"],"score":13.75,"seen_at":"2026-11-28T09:00:00Z",`+
			`"address":{"street":"12 St James's Square","city":"London","zip":"SW1Y 4LB"},"phones":[{"id":2,"number":"+44 20 7946 0991"}],`+
			`"notes":"Met at the fair.\nWants a call in autumn.\nPrefers mail.\nPays by invoice.\nSpeaks at the conference.\n","locale":"en-GB","currency":"GBP","owner":"kim",`+
			`"bio":"`+strings.Repeat("A mathematician who wrote what is taken for the first program. ", 9)+`"}`,
		"/name", "/tags/2", "/score", "/address/zip", "/phones/0", "/notes", "/bio")
	e := &f.log[len(f.log)-1]
	for i, endpoint := range []string{"billing", "audit", "ops"} {
		f.deliveries = append([]server.Delivery{f.delivery(int64(9001+i), e, endpoint)}, f.deliveries...)
	}
}

// dead is the ID of a delivery that is dead.
func (f *fake) dead() int64 {
	for i := range f.deliveries {
		if f.deliveries[i].State == notify.Dead {
			return f.deliveries[i].ID
		}
	}
	return 0
}

func TestEventsAreSearched(t *testing.T) {
	t.Parallel()
	f := newFake()
	for i := range 120 {
		f.change(time.Duration(120-i)*time.Millisecond, "bulk", "bulk.item", "created", fmt.Sprint("k", i%60), "null", `{"n":1}`)
	}
	b := browse(t, serve(t, f))
	b.visit("/events")
	b.do(typing(`#f-source`, "bulk")...)
	b.until(`location.search === "?source=bulk" && document.querySelector('a[rel="next"]')?.href.includes("source=bulk")`)
	if got := evaluate[int](b, `document.querySelectorAll(".event").length`); got != 50 {
		t.Errorf("%d are found", got)
	}
	for _, want := range []int{50, 20} {
		b.click(`a[rel="next"]`)
		if got := evaluate[int](b, `document.querySelectorAll(".event").length`); got != want {
			t.Errorf("%s has %d events, want %d", b.path(), got, want)
		}
	}
	if more := evaluate[bool](b, `document.querySelector('a[rel="next"]') !== null`); more {
		t.Error("there is something before the beginning")
	}
	b.click(`a[rel="prev"]`)
	if got := b.path(); got != "/events?source=bulk" {
		t.Errorf("the newest are at %s", got)
	}
	b.visit("/events?type=bulk.*&key=k59")
	if got := evaluate[int](b, `document.querySelectorAll(".event").length`); got != 2 {
		t.Errorf("%d of a key", got)
	}
	id := f.find("shop.order.created")
	b.visit("/events?id=" + id)
	b.click(".event a")
	if got := b.path(); got != "/events/"+id {
		t.Errorf("the event is at %s", got)
	}
	b.click(`.head a[href^="/events?"]`)
	if got := b.path(); got != "/events?key=81240&source=orders" {
		t.Errorf("the events of its item are at %s", got)
	}
}

func TestEventIsPostedAgain(t *testing.T) {
	t.Parallel()
	f := newFake()
	b := browse(t, serve(t, f))
	id := f.find("shop.order.created")
	b.visit("/events/" + id)
	b.click(".delivery button")
	if got := b.path(); got != "/events/"+id {
		t.Errorf("it leads to %s", got)
	}
	if got := f.taken(); len(got) != 1 || !strings.HasPrefix(got[0], "retry delivery/") {
		t.Errorf("did %v", got)
	}
	if got := b.text(".flash"); !strings.Contains(got, "posted") {
		t.Errorf("it says %s", got)
	}
}

// TestWorkWithoutScript does what an operator does, in a browser that runs no
// script.
func TestWorkWithoutScript(t *testing.T) {
	t.Parallel()
	f := newFake()
	b := browse(t, serve(t, f, withSubscriptions(f)))
	b.withoutScript()
	for _, step := range []struct{ page, button, call, says string }{
		{"/endpoints/ops", "/endpoints/ops/test", "test endpoint/ops", "answered 204"},
		{"/endpoints/ops", "/endpoints/ops/pause", "pause endpoint/ops", "paused"},
		{"/endpoints/ops", "/endpoints/ops/resume", "resume endpoint/ops", "goes on"},
		{"/endpoints/ops", "/endpoints/ops/disable", "disable endpoint/ops", "disabled"},
		{"/endpoints/ops", "/endpoints/ops/enable", "enable endpoint/ops", "enabled"},
		{"/endpoints/billing", "/endpoints/billing/replay", "replay endpoint/billing source/", "begun"},
		{fmt.Sprintf("/deliveries/%d", f.dead()), "/retry", fmt.Sprintf("retry delivery/%d", f.dead()), "posted"},
		{"/subscriptions", "/end", "unsubscribe sub_01K9ZX4T8W3V5QJH2N7M6B1C0D", "ended"},
	} {
		b.visit(step.page)
		b.click(`form[action$="` + step.button + `"] button`)
		if got := f.taken(); len(got) != 1 || got[0] != step.call {
			t.Errorf("%s did %v", step.button, got)
		}
		if got := b.text(".flash"); !strings.Contains(got, step.says) {
			t.Errorf("%s says %s", step.button, got)
		}
	}
	b.visit("/endpoints/billing?replay=rpl_01K0REPLAY")
	if got := b.text("#replay"); !strings.Contains(got, "40 %") || !strings.Contains(got, "120 deliveries were made") {
		t.Errorf("the replay: %s", got)
	}
}

func TestReplayForm(t *testing.T) {
	t.Parallel()
	f := newFake()
	for form, want := range map[string]string{
		"what=dead&source=orders": "/endpoints/ops?replay=rpl_01K0REPLAY",
		"what=all":                "/endpoints/ops?replay=rpl_01K0REPLAY",
		"what=24h&since=2026-01-02T03:04&until=2026-01-02T03:04:05": "/endpoints/ops?replay=rpl_01K0REPLAY",
		"what=-1h&back=/endpoints/ops":                              "/endpoints/ops",
		"since=yesterday&back=/endpoints/ops":                       "/endpoints/ops",
	} {
		got := ask(t, f, http.MethodPost, "/endpoints/ops/replay", form)
		if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != want {
			t.Errorf("%s: %d to %s", form, got.StatusCode, got.Header.Get("Location"))
		}
		if calls := f.taken(); (len(calls) == 1) != strings.Contains(want, "replay") {
			t.Errorf("%s did %v", form, calls)
		}
	}
}

// TestWhatIsNotThere is answered so, and a failure of the daemon as such.
func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	f := newFake()
	for path, status := range map[string]int{
		"/events/evt_unknown": http.StatusNotFound, "/deliveries/1": http.StatusNotFound, "/deliveries/x": http.StatusNotFound,
		"/endpoints/nobody": http.StatusNotFound, "/deliveries?after=x": http.StatusBadRequest, "/events?before=x": http.StatusBadRequest,
		"/events?id=evt_unknown": http.StatusOK, "/subscriptions": http.StatusOK,
	} {
		if got := ask(t, f, http.MethodGet, path, ""); got.StatusCode != status {
			t.Errorf("%s: %d, want %d", path, got.StatusCode, status)
		}
	}
	for _, path := range []string{"/endpoints/ops/explode", "/subscriptions/sub_1/end", "/deliveries/x/retry"} {
		got := ask(t, f, http.MethodPost, path, "")
		if calls := f.taken(); got.StatusCode != http.StatusSeeOther || len(calls) > 0 {
			t.Errorf("%s: %d, did %v", path, got.StatusCode, calls)
		}
	}
}

// withoutScript has the tab run no script of its pages.
func (b *tab) withoutScript() {
	b.t.Helper()
	command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// TestChangesAreUnfoldedInTheTimeline: an update is from the begin, others on
// demand, and all stay as they are while the page goes on.
func TestChangesAreUnfoldedInTheTimeline(t *testing.T) {
	t.Parallel()
	f := newFake()
	b := browse(t, serve(t, f))
	b.visit("/sources/inventory-us")
	const unfolded = `[...document.querySelectorAll(".event-diff:has([open])")].map((e) => e.id).join()`
	b.until(`document.querySelector(".event-diff details").open`)
	b.do(chromedp.Click(chromedp.CSS(".event-diff details:not([open]) summary")))
	b.until(`document.querySelectorAll(".event-diff [open]").length === 2`)
	b.axe()
	b.screenshot("source-unfolded")
	open := evaluate[string](b, unfolded)
	b.listening()
	f.happen(f.changed(0, "inventory-us", "stock.item", "created", "fresh-item", "null", `{"id":1}`))
	b.until(`document.querySelector("#timeline").textContent.includes("fresh-item")`)
	if now := evaluate[string](b, unfolded); now != open {
		t.Errorf("unfolded is %s, want %s", now, open)
	}
}

// TestWaitingDeliverySaysWhatFor: for its time, or for an endpoint that is not
// posted to, however long ago that time was.
func TestWaitingDeliverySaysWhatFor(t *testing.T) {
	t.Parallel()
	past, future := time.Now().Add(-time.Second), time.Now().Add(time.Hour)
	ok := server.Endpoint{Name: "ops", Enabled: true}
	disabled, paused, open, held, failing := ok, ok, ok, ok, ok
	disabled.Enabled, paused.Paused, open.Breaker, held.PausedUntil, failing.Failures = false, true, notify.BreakerOpen, &future, 1
	for _, test := range []struct {
		delivery server.Delivery
		endpoint server.Endpoint
		want     string
	}{
		{server.Delivery{State: notify.Waiting}, ok, "attempt due now"},
		{server.Delivery{State: notify.Waiting, NotBefore: &past}, ok, ">due now<"},
		{server.Delivery{State: notify.Waiting, NotBefore: &past}, failing, ">due now<"},
		{server.Delivery{State: notify.Waiting, NotBefore: &future}, ok, ">in 59 min<"},
		{server.Delivery{State: notify.Waiting, NotBefore: &past}, disabled, "the endpoint is disabled"},
		{server.Delivery{State: notify.Waiting, NotBefore: &future}, paused, "the endpoint is paused"},
		{server.Delivery{State: notify.Waiting}, open, "waits for the endpoint"},
		{server.Delivery{State: notify.Waiting}, held, "waits for the endpoint"},
	} {
		f := newFake()
		test.delivery.ID, test.delivery.Endpoint, test.delivery.Event = 7, "ops", "evt_1"
		f.deliveries, f.endpoints = []server.Delivery{test.delivery}, []server.Endpoint{test.endpoint}
		for _, path := range []string{"/deliveries", "/deliveries/7", "/endpoints/ops"} {
			page := body(t, ask(t, f, http.MethodGet, path, ""))
			if !strings.Contains(page, test.want) || strings.Contains(page, "due now") != strings.Contains(test.want, "due now") || strings.Contains(page, "1 s ago") {
				t.Errorf("%s of %+v does not say %s", path, test.endpoint, test.want)
			}
		}
	}
	if row := newDeliveryRow(&server.Delivery{State: notify.Dead}); row.Again != "Post again" || row.IsWaiting() {
		t.Errorf("%+v", row)
	}
}

// TestKeyboardAlone finds an event, looks at it, and has a delivery of it posted
// again.
func TestKeyboardAlone(t *testing.T) {
	t.Parallel()
	f := newFake()
	b := browse(t, serve(t, f))
	b.visit("/events")
	b.search("#f-id")
	focus := func(selector string) {
		t.Helper()
		for range 200 {
			if evaluate[bool](b, `document.activeElement.matches('`+selector+`')`) {
				if !evaluate[bool](b, `getComputedStyle(document.activeElement).outlineStyle !== "none"`) {
					t.Errorf("the focus on %s is not seen", selector)
				}
				return
			}
			b.do(chromedp.KeyEvent(kb.Tab))
		}
		t.Fatalf("%s is not reached by the tab key", selector)
	}
	focus(".event a")
	b.press(kb.Enter)
	if got := b.path(); !strings.HasPrefix(got, "/events/evt_") {
		t.Fatalf("it leads to %s", got)
	}
	focus(".attempt summary")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until(`document.querySelector(".attempt details").open`)
	focus(".delivery button")
	b.press(kb.Enter)
	if got := f.taken(); len(got) != 1 || !strings.HasPrefix(got[0], "retry delivery/") {
		t.Errorf("did %v", got)
	}
}

// farBack is a daemon whose newest deliveries are all to others.
type farBack struct {
	*fake
	state notify.State
}

func (f farBack) Deliveries(_ context.Context, q store.DeliveryQuery) (*server.DeliveryPage, error) {
	if q.State == "" {
		return &server.DeliveryPage{Next: "17"}, nil
	}
	page := &server.DeliveryPage{}
	if q.State == f.state {
		page.Deliveries = []server.Delivery{{ID: 3, State: q.State, Endpoint: q.Endpoint}}
	}
	return page, nil
}

// TestEndpointThatIsToldLittle shows what is wrong with its deliveries all the same.
func TestEndpointThatIsToldLittle(t *testing.T) {
	t.Parallel()
	for state, rows := range map[notify.State]int{notify.Waiting: 1, notify.Dead: 1, notify.Superseded: 0} {
		h := New(Options{Controller: farBack{newFake(), state}})
		r := httptest.NewRequest(http.MethodGet, "/endpoints/partner", http.NoBody)
		r.SetPathValue("name", "partner")
		v, err := h.endpoint(r)
		if err != nil {
			t.Fatal(err)
		}
		page, ok := v.Page.(*endpointView)
		if !ok || len(page.Rows) != rows || !page.Further {
			t.Errorf("%s: %+v", state, v.Page)
		}
	}
}
