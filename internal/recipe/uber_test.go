package recipe_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestUber holds the recipe against
// https://developer.uber.com/docs/riders/references/api/v1.2/requests-current-get.
func TestUber(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	const trip = "a1111c8c-c720-46c3-8534-2fcdd730040d"
	denied := answer{status: http.StatusUnauthorized, body: `{"message":"Invalid OAuth 2.0 credentials provided.","code":"unauthorized"}`}
	none := answer{status: http.StatusNotFound, body: `{"meta":{},"errors":[{"status":404,"code":"no_current_trip","title":"User is not currently on a trip."}]}`}
	api := newFake(t, 2000, time.Hour, bearer("access-2"), denied)
	current := object{
		"product_id": "17cb78a7-b672-4d34-a288-a6c6e44d5315", "request_id": trip, "status": "accepted", "surge_multiplier": 1.0, "shared": true,
		"driver":   object{"name": "Bob", "rating": 5},
		"location": object{"latitude": 37.33, "longitude": -121.88, "bearing": 328}, "pickup": object{"eta": 5}, "destination": object{"eta": 19},
	}
	isOver := false
	api.handle("GET /v1.2/requests/current", func(r *http.Request) any {
		api.wantHeader(r, "Accept-Language", "en_US")
		if isOver {
			return none
		}
		return current
	})
	tokens := newFake(t, 100, time.Hour, nil, denied)
	refresh := "refresh-1"
	tokens.handle("POST /oauth/v2/token", func(r *http.Request) any {
		switch {
		case r.FormValue("client_id") != "uber-app" || r.FormValue("client_secret") != "uber-secret-1": // it takes them in the form
			return answer{status: http.StatusUnauthorized, body: `{"error":"invalid_client"}`}
		case r.FormValue("grant_type") != "refresh_token" || r.FormValue("refresh_token") != refresh:
			return answer{status: http.StatusBadRequest, body: `{"error":"invalid_grant"}`}
		}
		refresh = "refresh-2"
		return object{"access_token": "access-2", "refresh_token": refresh, "expires_in": 2592000, "token_type": "Bearer", "scope": "request offline_access"}
	})
	tr := trial{
		set:   map[string]string{"UBER_CLIENT_ID": "uber-app", "UBER_CLIENT_SECRET": "uber-secret-1", "UBER_REFRESH_TOKEN": "refresh-1"},
		hosts: map[string]http.Handler{"api.uber.com": api, "auth.uber.com": tokens},
		dull: api.do(func() {
			current["location"], current["pickup"], current["waypoints"] = object{"latitude": 37.34}, object{"eta": 3}, []object{{"latitude": 37.35}}
			current["destination"].(object)["eta"] = 17
		}),
		untold: api.do(func() { current["surge_multiplier"] = 1.2 }),
		change: api.do(func() { current["status"] = "arriving" }),
		told:   []string{"uber.trip.updated " + trip},
		sick: []sickness{
			api.ill("the limit", "429", answer{status: http.StatusTooManyRequests, body: `{"message":"Exceeded rate limit","code":"rate_limited"}`}),
			api.ill("a path that is gone", "expect", answer{status: http.StatusNotFound, body: `{"message":"Not found.","code":"unknown_path"}`}),
			api.ill("an internal error", "500", answer{status: http.StatusInternalServerError, body: `{"code":"internal_server_error"}`}),
		},
	}
	try(t, "uber", tr)
	refresh, isOver = "refresh-1", true
	inWorld(t, "uber", tr, func(t *testing.T, w *world) {
		w.round()
		w.wantTold(t, "no trip")
		w.wantFailures(t, "no trip", "")
		api.do(func() { isOver = false })()
		w.round()
		w.wantTold(t, "a trip", "uber.trip.created "+trip)
		api.do(func() { current["driver"] = object{"name": "Alice", "rating": 5} })()
		w.round()
		w.wantTold(t, "another driver", "uber.trip.updated "+trip)
		api.do(func() { current["destination"] = object{"alias": "work", "eta": 19} })()
		w.round()
		w.wantTold(t, "another destination", "uber.trip.updated "+trip)
		api.do(func() { isOver, none.body = true, strings.Replace(none.body, "no_current_trip", "not_found", 1) })()
		w.round()
		w.wantTold(t, "its end", "uber.trip.deleted "+trip)
		w.wantFailures(t, "its end", "")
	})
	refresh = "another"
	inWorld(t, "uber", tr, func(t *testing.T, w *world) {
		w.round()
		w.wantFailures(t, "a refresh token that was taken back", "invalid_grant")
	})
}
