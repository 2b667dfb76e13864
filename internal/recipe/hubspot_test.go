package recipe_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

// TestHubSpot holds the recipe against the documentation of the search of the CRM.
func TestHubSpot(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	api := newFake(t, 5, time.Second, bearer("pat-eu1-1"), answer{
		status: http.StatusUnauthorized,
		body:   `{"status":"error","message":"Authentication credentials not found.","correlationId":"1","category":"INVALID_AUTHENTICATION"}`,
	})
	const format = "2006-01-02T15:04:05.000Z"
	deal := func(n int, modified time.Time, stage string) object {
		at := modified.UTC().Format(format)
		return object{
			"id": strconv.Itoa(n), "createdAt": "1999-12-01T00:00:00.000Z", "updatedAt": at, "archived": false,
			"properties": object{"dealname": "A deal", "dealstage": stage, "amount": "1500.00", "pipeline": "default", "hs_lastmodifieddate": at},
		}
	}
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when bubbles begin
	var deals []object                                   // oldest change first
	for n := range 420 {
		deals = append(deals, deal(n, start.Add(-2*time.Minute+time.Duration(n)*time.Millisecond), "qualifiedtobuy"))
	}
	api.handle("POST /crm/v3/objects/deals/search", func(r *http.Request) any {
		sent := api.sent(r)
		filter := sent.Get("filterGroups.0.filters.0")
		since, err := time.Parse(time.RFC3339, filter.Get("value").Str)
		if err != nil || filter.Get("propertyName").Str != "hs_lastmodifieddate" || filter.Get("operator").Str != "GTE" {
			return answer{status: http.StatusBadRequest, body: `{"status":"error","message":"There was a problem with the request.","correlationId":"2"}`}
		}
		const properties = `["dealname","dealstage","pipeline","amount","closedate","hubspot_owner_id","hs_lastmodifieddate"]` // others are left out; 200 are the most
		if sent.Get("limit").Int() != 200 || sent.Get("sorts.0.direction").Str != "ASCENDING" ||
			sent.Get("sorts.0.propertyName").Str != "hs_lastmodifieddate" || sent.Get("properties").Raw != properties {
			t.Errorf("sent %s", sent.Raw)
		}
		found := []object{}
		for _, d := range deals {
			if at, _ := time.Parse(format, d["updatedAt"].(string)); !at.Before(since) {
				found = append(found, d)
			}
		}
		after := int(sent.Get("after").Int())
		results, more := page(found, after, 200)
		api.paged("deals", after, more)
		made := object{"total": len(found), "results": results}
		if more {
			made["paging"] = object{"next": object{"after": strconv.Itoa(after + 200)}}
		}
		return made
	})
	// move changes a deal, which comes last then.
	move := func(n int, stage string) {
		deals = append(deals[1:], deal(n, time.Now(), stage))
	}
	tr := trial{
		set:   map[string]string{"HUBSPOT_TOKEN": "pat-eu1-1"},
		hosts: map[string]http.Handler{"api.hubapi.com": api},
		dull:  api.do(func() { move(0, "qualifiedtobuy") }),
		untold: api.do(func() {
			move(1, "qualifiedtobuy")
			deals[len(deals)-1]["properties"].(object)["dealname"] = "A deal by another name"
		}),
		change: api.do(func() {
			move(2, "closedwon")
			move(3, "qualifiedtobuy")
			deals[len(deals)-1]["properties"].(object)["amount"] = "1750.00"
			deals = append(deals, deal(500, time.Now(), "appointmentscheduled"))
		}),
		told: []string{"hubspot.deal.updated 2", "hubspot.deal.updated 3", "hubspot.deal.created 500"},
		sick: []sickness{
			api.ill("too many searches", "429", answer{status: http.StatusTooManyRequests, body: `{"status":"error","message":"You have reached your secondly limit.","errorType":"RATE_LIMIT","policyName":"SECONDLY"}`}),
			api.ill("a scope that lacks", "403", answer{status: http.StatusForbidden, body: `{"status":"error","message":"This app hasn't been granted all required scopes","category":"MISSING_SCOPES"}`}),
			api.ill("an answer without results", "items.path", answer{status: http.StatusOK, body: `{"status":"error","message":"internal error"}`}),
		},
	}
	try(t, "hubspot", tr)
	tryDenied(t, "hubspot", tr, "HUBSPOT_TOKEN", "pat-eu1-2", "401")
}
