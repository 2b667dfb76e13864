package recipe_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestBraintree holds the recipe against https://developer.paypal.com/braintree/graphql.
func TestBraintree(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	failure := func(class, message string) answer { // its code is 200 all the same
		return answer{status: http.StatusOK, body: fmt.Sprintf(`{"data":null,"errors":[{"message":%q,"extensions":{"errorClass":%q}}],"extensions":{"requestId":"1"}}`, message, class)}
	}
	api := newFake(t, 60, time.Minute, basic("public", "private"), failure("AUTHENTICATION", "Authentication credentials are invalid"))
	const format = "2006-01-02T15:04:05.000000Z"
	transaction := func(n int, created time.Time, status, amount string) object {
		return object{"node": object{
			"id": fmt.Sprintf("dHJhbnNhY3Rpb25f%03d", n), "legacyId": fmt.Sprintf("%03d", n), "orderId": nil,
			"createdAt": created.UTC().Format(format), "status": status, "amount": object{"value": amount, "currencyCode": "EUR"},
		}}
	}
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when bubbles begin
	var transactions []object                            // newest first
	for n := 120; n > 0; n-- {
		transactions = append(transactions, transaction(n, start.Add(-5*time.Minute+time.Duration(n)*time.Second), "PROCESSOR_DECLINED", "12.50"))
	}
	requests := 0
	api.handle("POST /graphql", func(r *http.Request) any {
		api.wantHeader(r, "Braintree-Version", "2019-01-01")
		sent := api.sent(r)
		variables := sent.Get("variables")
		if query := sent.Get("query").Str; !strings.Contains(query, "transactions(input: $input, first: $first, after: $after)") || variables.Get("first").Int() != 50 {
			t.Errorf("sent %s", sent.Raw)
		}
		for _, field := range []string{"pageInfo { hasNextPage endCursor }", "id", "legacyId", "orderId", "createdAt", "status", "amount { value currencyCode }"} {
			if !regexp.MustCompile(`(?m)^ *` + field + `$`).MatchString(sent.Get("query").Str) {
				t.Errorf("the query does not ask for %s, which it needs or is to tell", field)
			}
		}
		if diff := cmp.Diff(`["PROCESSOR_DECLINED","GATEWAY_REJECTED","FAILED"]`, variables.Get("input.status.in").Raw); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		since, err := time.Parse(time.RFC3339, variables.Get("input.createdAt.greaterThanOrEqualTo").Str)
		if err != nil {
			return failure("VALIDATION", "Variable 'input' has an invalid value")
		}
		found := []object{}
		for _, edge := range transactions {
			if at, _ := time.Parse(format, edge["node"].(object)["createdAt"].(string)); !at.Before(since) {
				found = append(found, edge)
			}
		}
		after := 0
		if cursor := variables.Get("after").Str; cursor != "" {
			if _, err := fmt.Sscanf(cursor, "c%d", &after); err != nil {
				return failure("VALIDATION", "Invalid cursor")
			}
		}
		edges, more := page(found, after, 50)
		api.paged("transactions", after, more)
		if after > 0 && after == len(found) {
			t.Error("a page is asked for beyond the one that said it was the last")
		}
		info := object{"hasNextPage": more, "endCursor": nil}
		if len(edges) > 0 { // the last page has one too
			info["endCursor"] = fmt.Sprintf("c%d", after+len(edges))
		}
		requests++
		return object{
			"data":       object{"search": object{"transactions": object{"pageInfo": info, "edges": edges}}},
			"extensions": object{"requestId": fmt.Sprint(requests)},
		}
	})
	tr := trial{
		set:    map[string]string{"BRAINTREE_PUBLIC_KEY": "public", "BRAINTREE_PRIVATE_KEY": "private"},
		hosts:  map[string]http.Handler{"payments.braintree-api.com": api},
		untold: api.do(func() { transactions[0]["node"].(object)["orderId"] = "7001" }),
		change: api.do(func() {
			transactions = append([]object{
				transaction(503, time.Now(), "FAILED", "10.00"),
				transaction(502, time.Now(), "FAILED", "9.99"),
				transaction(501, time.Now(), "GATEWAY_REJECTED", "1012.50"),
				transaction(500, time.Now().Add(-time.Minute), "FAILED", "12.50"), // it shows up late
			}, transactions...)
		}),
		told: []string{"braintree.failure.created dHJhbnNhY3Rpb25f501", "braintree.failure.created dHJhbnNhY3Rpb25f500", "braintree.failure.created dHJhbnNhY3Rpb25f503"},
		sick: []sickness{
			api.ill("an error in an answer with data", "answered with GraphQL errors: Internal server error", answer{
				status: http.StatusOK,
				body:   `{"data":{"search":{"transactions":{"pageInfo":{"hasNextPage":false},"edges":[]}}},"errors":[{"message":"Internal server error","extensions":{"errorClass":"INTERNAL"}}]}`,
			}),
			api.ill("a limit of resources", "Too many requests", failure("RESOURCE_LIMIT", "Too many requests")),
			api.ill("maintenance", "503", answer{status: http.StatusServiceUnavailable, body: `{"errors":[{"message":"unavailable"}]}`}),
		},
	}
	try(t, "braintree", tr)
	tryDenied(t, "braintree", tr, "BRAINTREE_PRIVATE_KEY", "another", "Authentication credentials are invalid")
}
