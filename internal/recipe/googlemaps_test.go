package recipe_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestGoogleMaps holds the recipe against
// https://developers.google.com/maps/documentation/routes/reference/rest/v2/TopLevel/computeRoutes.
func TestGoogleMaps(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	denied := answer{status: http.StatusBadRequest, body: `{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}`}
	api := newFake(t, 3000, time.Minute, func(r *http.Request) bool { return r.Header.Get("X-Goog-Api-Key") == "AIza-1" }, denied)
	seconds, distance, description := 1500, 24_210, "A115"
	home, polls := time.FixedZone("Tokyo", 9*60*60), 0
	api.handle("POST /directions/v2:computeRoutes", func(r *http.Request) any {
		now := time.Now().In(home)
		if polls++; polls > 1 && (now.Hour() < 7 || now.Hour() > 9 || now.Weekday() == time.Saturday || now.Weekday() == time.Sunday) {
			t.Errorf("asked at %s, which is no working morning, nor the first look", now)
		}
		api.wantHeader(r, "Content-Type", "application/json")
		mask := strings.Split(r.Header.Get("X-Goog-FieldMask"), ",")
		var asked struct {
			Origin, Destination           struct{ Address string }
			TravelMode, RoutingPreference string
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.TravelMode != "DRIVE" || asked.RoutingPreference != "TRAFFIC_AWARE" {
			t.Errorf("%v: asked for %+v", err, asked)
		}
		if asked.Origin.Address != "Alexanderplatz 1, Berlin" || asked.Destination.Address != `Straße "A", Potsdam` {
			t.Errorf("from %q to %q", asked.Origin.Address, asked.Destination.Address)
		}
		all := object{
			"duration": strconv.Itoa(seconds) + "s", "staticDuration": "1440s", "distanceMeters": distance, "description": description,
			"polyline": object{"encodedPolyline": "abc"},
		}
		route := object{}
		for _, field := range mask { // what is not asked for is not there
			name := strings.TrimPrefix(field, "routes.")
			route[name] = all[name]
		}
		return object{"routes": []object{route}}
	})
	try(t, "google-maps", trial{
		set: map[string]string{
			"GOOGLE_MAPS_KEY": "AIza-1", "GOOGLE_MAPS_ORIGIN": "Alexanderplatz 1, Berlin", "GOOGLE_MAPS_DESTINATION": `Straße "A", Potsdam`,
			"GOOGLE_MAPS_TIMEZONE": "Asia/Tokyo",
		},
		hosts:  map[string]http.Handler{"routes.googleapis.com": api},
		dull:   api.do(func() { distance, description = 24_300, "A100" }),
		untold: api.do(func() { seconds = 1790 }), // 1.24 of 1440
		change: api.do(func() { seconds = 1810 }),
		told:   []string{"google.travel_time.updated "},
		sick: []sickness{
			api.ill("a wrong key", "API key not valid", denied),
			api.ill("the quota", "429", answer{status: http.StatusTooManyRequests, body: `{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}`}),
			api.ill("no mask", "FieldMask", answer{status: http.StatusBadRequest, body: `{"error":{"code":400,"message":"FieldMask is a required parameter."}}`}),
			api.ill("no route", "expect", answer{status: http.StatusOK, body: `{}`}),
		},
	})
}
