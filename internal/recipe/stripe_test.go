package recipe_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestStripe holds the recipe against https://docs.stripe.com/api/events/list.
func TestStripe(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	api := newFake(t, 25, time.Second, bearer("rk_test_1"), answer{
		status: http.StatusUnauthorized,
		body:   `{"error":{"message":"Invalid API Key provided: rk_test_*","type":"invalid_request_error"}}`,
	})
	event := func(n int, kind string, created time.Time, amount int) object {
		return object{
			"id": fmt.Sprintf("evt_%03d", n), "object": "event", "type": kind, "created": created.Unix(), "livemode": false, "pending_webhooks": 1,
			"data": object{"object": object{"id": fmt.Sprintf("pi_%03d", n), "amount": amount, "currency": "usd", "last_payment_error": object{"code": "card_declined"}}},
		}
	}
	const failed = "payment_intent.payment_failed"
	var events []object                                  // newest first
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when bubbles begin
	for n := 230; n > 0; n-- {
		events = append(events, event(n, failed, start.Add(-3*time.Minute+time.Duration(n)*500*time.Millisecond), 5000))
	}
	api.handle("GET /v1/events", func(r *http.Request) any {
		api.wantHeader(r, "Stripe-Version", "2025-04-30.basil")
		api.wantQuery(r, "limit", "100") // of 1 to 100
		if diff := cmp.Diff([]string{failed, "invoice.payment_failed", "charge.dispute.created"}, r.URL.Query()["types[]"]); diff != "" {
			t.Errorf("types (-want +got):\n%s", diff)
		}
		since, err := strconv.ParseInt(r.URL.Query().Get("created[gte]"), 10, 64)
		if err != nil {
			return answer{status: http.StatusBadRequest, body: `{"error":{"message":"Invalid integer","param":"created[gte]","type":"invalid_request_error"}}`}
		}
		found := []object{}
		for _, e := range events {
			if e["created"].(int64) >= since {
				found = append(found, e)
			}
		}
		after := 0
		if id := r.URL.Query().Get("starting_after"); id != "" {
			if after = 1 + slices.IndexFunc(found, func(e object) bool { return e["id"] == id }); after == 0 {
				return answer{status: http.StatusBadRequest, body: `{"error":{"code":"resource_missing","param":"starting_after"}}`}
			}
		}
		if after > 0 && after == len(found) {
			api.t.Errorf("%s is asked for what is after the last event, though has_more was false", r.URL)
		}
		data, more := page(found, after, 100)
		api.paged("events", after, more)
		return object{"object": "list", "url": "/v1/events", "has_more": more, "data": data}
	})
	tr := trial{
		set:   map[string]string{"STRIPE_KEY": "rk_test_1"},
		hosts: map[string]http.Handler{"api.stripe.com": api},
		dull:  api.do(func() { events[0]["pending_webhooks"] = 0 }),
		change: api.do(func() {
			now := time.Now()
			events = append([]object{
				event(304, failed, now, 1000),
				event(303, failed, now, 999),
				event(302, "charge.dispute.created", now, 900),
				event(301, failed, now.Add(-time.Minute), 4900), // it shows up late
			}, events...)
		}),
		told: []string{"stripe.event.created evt_301", "stripe.event.created evt_302", "stripe.event.created evt_304"},
		sick: []sickness{
			api.ill("too many requests", "429", answer{status: http.StatusTooManyRequests, header: http.Header{"Stripe-Rate-Limited-Reason": {"global-rate"}}, body: `{"error":{"code":"rate_limit","type":"invalid_request_error"}}`}),
			api.ill("an error of the server", "500", answer{status: http.StatusInternalServerError, body: `{"error":{"type":"api_error"}}`}),
			api.ill("another object", "expect.when", answer{status: http.StatusOK, body: `{"object":"search_result","data":[]}`}),
		},
	}
	try(t, "stripe", tr)
	tryDenied(t, "stripe", tr, "STRIPE_KEY", "rk_test_2", "401")
}
