package recipe_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestShopify holds the recipe against https://shopify.dev/docs/api/admin-rest.
func TestShopify(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	byToken := func(r *http.Request) bool { return r.Header.Get("X-Shopify-Access-Token") == "shpat_1" }
	api := newFake(t, 40, 20*time.Second, byToken, answer{
		status: http.StatusUnauthorized,
		body:   `{"errors":"[API] Invalid API key or access token (unrecognized login or wrong password)"}`,
	})
	order := func(n int, updated time.Time) object {
		return object{
			"id": 450789000 + n, "name": "#" + strconv.Itoa(n), "total_price": "409.94", "currency": "EUR", "financial_status": "paid",
			"fulfillment_status": nil, "cancelled_at": nil, "updated_at": updated.Format(time.RFC3339),
			"line_items":   []object{{"id": 1, "sku": "A", "quantity": 1}, {"id": 2, "sku": "B", "quantity": 2}},
			"fulfillments": []object{{"id": 11, "status": "open"}}, "refunds": []object{{"id": 21, "note": nil, "status": "pending"}},
		}
	}
	// Times are those of the shop.
	now := func() time.Time { return time.Now().In(time.FixedZone("EST", -5*3600)) }
	start := time.Date(1999, 12, 31, 18, 59, 0, 0, time.FixedZone("EST", -5*3600))
	var orders []object
	for n := range 600 {
		orders = append(orders, order(n, start))
	}
	const path = "/admin/api/2026-01/orders.json"
	api.handle("GET "+path, func(r *http.Request) any {
		api.wantQuery(r, "limit", "250") // at most
		query := r.URL.Query()
		since, offset := query.Get("updated_at_min"), 0
		if info := query.Get("page_info"); info != "" {
			if len(query) > 2 {
				return answer{status: http.StatusBadRequest, body: `{"errors":{"status":"status cannot be passed when page_info is present."}}`}
			}
			at, err := url.ParseQuery(info) // opaque to others
			if err != nil {
				t.Error(err)
			}
			since = at.Get("since")
			offset, _ = strconv.Atoi(at.Get("offset"))
		} else {
			api.wantQuery(r, "status", "any")
		}
		after, err := time.Parse(time.RFC3339, since)
		if err != nil {
			return answer{status: http.StatusBadRequest, body: `{"errors":{"updated_at_min":"Invalid date"}}`}
		}
		found := []object{}
		for _, o := range orders {
			if at, _ := time.Parse(time.RFC3339, o["updated_at"].(string)); !at.Before(after) {
				found = append(found, o)
			}
		}
		part, more := page(found, offset, 250)
		api.paged("orders", offset, more)
		header := http.Header{}
		if more {
			info := url.Values{"since": {since}, "offset": {strconv.Itoa(offset + 250)}}.Encode()
			header = nextLink("https://green.myshopify.com" + path + "?limit=250&page_info=" + url.QueryEscape(info))
		}
		header.Set("X-Shopify-Shop-Api-Call-Limit", "1/40")
		return api.json(object{"orders": part}, header)
	})
	tr := trial{
		set:   map[string]string{"SHOPIFY_TOKEN": "shpat_1", "SHOPIFY_SHOP": "green"},
		hosts: map[string]http.Handler{"green.myshopify.com": api},
		dull:  api.do(func() { orders[6]["updated_at"] = now().Format(time.RFC3339) }),
		untold: api.do(func() {
			orders[7]["updated_at"] = now().Format(time.RFC3339)
			items := orders[7]["line_items"].([]object)
			slices.Reverse(items)
		}),
		change: api.do(func() {
			orders[7]["updated_at"], orders[7]["fulfillment_status"] = now().Format(time.RFC3339), "fulfilled"
			// One for another; a new one, while the old one has come to its end.
			orders[7]["line_items"] = []object{{"id": 2, "sku": "B", "quantity": 2}, {"id": 3, "sku": "C", "quantity": 1}}
			orders[7]["fulfillments"] = []object{{"id": 12, "status": "open"}, {"id": 11, "status": "cancelled"}}
			orders[7]["refunds"] = []object{{"id": 22, "note": nil, "status": "pending"}, {"id": 21, "note": nil, "status": "success"}}
			orders[9]["updated_at"], orders[9]["cancelled_at"] = now().Format(time.RFC3339), now().Format(time.RFC3339)
			orders[10]["updated_at"], orders[10]["financial_status"] = now().Format(time.RFC3339), "refunded"
			orders[8]["updated_at"], orders[8]["note"] = now().Format(time.RFC3339), "by the back door"
			orders = append(orders, order(1001, now()))
		}),
		told:    []string{"shopify.order.created 450790001", "shopify.order.updated 450789007", "shopify.order.updated 450789009", "shopify.order.updated 450789010"},
		changed: map[string]string{"shopify.order.updated 450789007": "/fulfillment_status /fulfillments/0 /fulfillments/1/status /line_items/1 /refunds/0 /refunds/1/status"},
		sick: []sickness{
			api.ill("an overflowing bucket", "429", answer{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"2.0"}}, body: `{"errors":"Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service."}`}),
			api.ill("a scope that lacks", "403", answer{status: http.StatusForbidden, body: `{"errors":"[API] This action requires merchant approval for read_orders scope."}`}),
			api.ill("a page for people", "502", answer{status: http.StatusBadGateway, header: http.Header{"Content-Type": {"text/html"}}, body: `<title>Something went wrong</title>`}),
		},
	}
	try(t, "shopify", tr)
	tryDenied(t, "shopify", tr, "SHOPIFY_TOKEN", "shpat_2", "401")
}
