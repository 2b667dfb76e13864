package recipe_test

import (
	"net/http"
	"testing"
	"time"
)

// TestOpenWeather holds the recipe against https://openweathermap.org/current.
func TestOpenWeather(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	byKey := func(r *http.Request) bool { return r.URL.Query().Get("appid") == "weather-1" }
	api := newFake(t, 60, time.Minute, byKey, answer{
		status: http.StatusUnauthorized, body: `{"cod":401, "message": "Invalid API key. Please see https://openweathermap.org/faq#error401 for more info."}`,
	})
	api.untagged = true
	sky, temp, moment := "Clouds", 0.4, 1764547200
	api.handle("GET /data/2.5/weather", func(r *http.Request) any {
		api.wantQuery(r, "lat", "52.52")
		api.wantQuery(r, "lon", "-13.41")
		api.wantQuery(r, "units", "metric")
		moment += 600
		return object{
			"coord": object{"lon": -13.41, "lat": 52.52}, "weather": []object{{"id": 803, "main": sky, "description": "as it looks", "icon": "04d"}}, "base": "stations",
			"main": object{"temp": temp, "feels_like": temp - 3, "temp_min": temp, "temp_max": temp, "pressure": 1000 + moment/600%40, "sea_level": 1000 + moment/600%40, "grnd_level": 990 + moment/600%40, "humidity": 90},
			"wind": object{"speed": 4.1, "deg": moment / 600 % 360}, "clouds": object{"all": moment / 600 % 100}, "visibility": 9000 + moment/600%1000, "dt": moment,
			"sys": object{"type": 2, "id": 2011538, "sunrise": 1764571994 - (moment-1764547200)/600, "sunset": 1764600956}, "timezone": 3600, "id": 2950159, "name": "Berlin", "cod": 200,
		}
	})
	tr := trial{
		set:    map[string]string{"OPENWEATHER_KEY": "weather-1", "OPENWEATHER_LAT": "52.52", "OPENWEATHER_LON": "-13.41"},
		hosts:  map[string]http.Handler{"api.openweathermap.org": api},
		dull:   func() {}, // it measures anew for each answer
		untold: api.do(func() { temp = 0.1 }),
		change: api.do(func() { temp = -0.2 }),
		told:   []string{"openweather.weather.updated "},
		sick: []sickness{
			api.ill("an error in a 200", `expect.when is false: document.cod == 200; the answer begins: {"cod":"404","message":"Internal error"}`, answer{status: http.StatusOK, body: `{"cod":"404","message":"Internal error"}`}),
			api.ill("a plan that is used up", "temporary blocked", answer{
				status: http.StatusTooManyRequests, body: `{"cod":429,"message":"Your account is temporary blocked due to exceeding of requests limitation of your subscription type."}`,
			}),
			api.ill("a place that there is not", "wrong latitude", answer{status: http.StatusBadRequest, body: `{"cod":"400","message":"wrong latitude"}`}),
		},
	}
	try(t, "openweather", tr)
	tr.set["OPENWEATHER_BELOW"] = "-5.5"
	temp = 1
	inWorld(t, "openweather", tr, func(t *testing.T, w *world) {
		w.round()
		api.do(func() { temp = -5.4 })()
		w.round()
		w.wantTold(t, "a temperature above the threshold")
		api.do(func() { temp = -5.5 })()
		w.round()
		w.wantTold(t, "one that is reached", "openweather.weather.updated ")
		api.do(func() { temp, sky = 3, "Rain" })()
		w.round()
		w.wantTold(t, "other weather", "openweather.weather.updated ")
		w.wantFailures(t, "all of it", "")
	})
	tryDenied(t, "openweather", tr, "OPENWEATHER_KEY", "weather-2", "Invalid API key")
}
