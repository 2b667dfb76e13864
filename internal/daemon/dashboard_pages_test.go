package daemon_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// TestPagesFollowAChange from the log to its receiver, with what an operator does
// about one that is held back, and about one that was refused.
func TestPagesFollowAChange(t *testing.T) {
	t.Parallel()
	a, h := newAPI(t, `{"data":[{"id":7,"status":"pending","total":12.50}]}`), newHooks(t)
	well, receiver := refusing(t, h)
	yaml := strings.Replace(orders(a, h, ""), h.url, receiver, 1)
	yaml = strings.Replace(yaml, "[10ms, 10ms, 1h]", "[1ms]", 1) + "rate_limits: [{name: spare, requests: 10, per: 1m}]\n"
	d := startDaemon(t, yaml)
	d.baseline(t, "orders")
	browser := reader(t)
	page := func(path string) string {
		t.Helper()
		resp, err := browser.Get(strings.TrimSuffix(d.DashboardURL(), "/") + path)
		return read(t, resp, err)
	}
	form := func(path string, pairs ...string) string {
		t.Helper()
		values := make(url.Values)
		for i := 0; i < len(pairs); i += 2 {
			values.Set(pairs[i], pairs[i+1])
		}
		resp, err := browser.PostForm(strings.TrimSuffix(d.DashboardURL(), "/")+path, values)
		return read(t, resp, err)
	}
	says := func(what, page string, all ...string) {
		t.Helper()
		for _, want := range all {
			if !strings.Contains(page, want) {
				t.Errorf("%s does not say %q:\n%s", what, want, page)
			}
		}
	}
	says("pause", form("/endpoints/you/pause", "back", "/endpoints/you"), "/endpoints/you\n", "Endpoint you is paused")
	a.says(`{"data":[{"id":7,"status":"paid","total":12.50}]}`)
	d.poll(t, "orders")
	d.unchanged(t, "orders")

	log := page("/events?source=orders&key=7&type=shop.*")
	says("the log", log, "shop.order.updated", "status")
	path := regexp.MustCompile(`/events/evt_[0-9A-Z]+`).FindString(log)
	event := page(path)
	says("the event", event, "<mark>pending</mark>", "<mark>paid</mark>", "waiting", "It has not been posted yet.")
	says("the event, found by its ID", page("/events?id="+strings.TrimPrefix(path, "/events/")), "shop.order.updated")
	says("deliveries", page("/deliveries?state=waiting&endpoint=you"), path, "Post now")

	says("resume", form("/endpoints/you/resume", "back", path), path+"\n", "Endpoint you goes on")
	awaitDelivery(t, d, "dead")
	says("the event", page(path), "not today", "400", "dead")
	says("endpoints", page("/endpoints"), "state=dead&amp;endpoint=you", "answered 400")
	well.Store(true)
	retry := regexp.MustCompile(`/deliveries/[0-9]+/retry`).FindString(event)
	says("again", form(retry, "back", "/deliveries"), "The event is posted to you again")
	if told := h.await(t, "7", kind("updated")); "/events/"+told.ID != path {
		t.Errorf("told %s, want %s", told.ID, path)
	}
	says("a replay", form("/endpoints/you/replay", "what", "1h"), "The replay has begun", "<progress")
	says("a replay that cannot be", form("/endpoints/you/replay", "what", "all", "source", "nobody", "back", "/endpoints/you"), "there is no source")
	says("the limits", page("/limits"), "spare", "0 of 10 used")
	says("the subscriptions", page("/subscriptions"), "No subscriptions")
}
