package recipe_test

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// TestSendGrid holds the recipe against
// https://www.twilio.com/docs/sendgrid/api-reference/bounces-api/retrieve-all-bounces.
func TestSendGrid(t *testing.T) {
	t.Parallel()
	type bounce struct {
		Created int64  `json:"created"`
		Email   string `json:"email"`
		Reason  string `json:"reason"`
		Status  string `json:"status"`
	}
	refuse := func(status int, message string) answer {
		return answer{status: status, body: fmt.Sprintf(`{"errors":[{"field":null,"message":%q}]}`, message)}
	}
	api := newFake(t, 60, time.Minute, bearer("SG.1"), refuse(http.StatusUnauthorized, "authorization required"))
	api.untagged = true
	bounces := []bounce{{946684000, "long-ago@example.com", "550 5.1.1 no such user", "5.1.1"}}
	add := func(name, status string) bounce {
		b := bounce{time.Now().Unix(), name + "@example.com", status + " the server says no", status}
		bounces = append(bounces, b)
		return b
	}
	api.handle("GET /v3/suppression/bounces", func(r *http.Request) any {
		api.wantQuery(r, "limit", "500") // the most
		api.wantHeader(r, "Accept", "application/json")
		since := int64(api.number(r, "start_time"))
		if since == 0 {
			api.t.Error("all bounces of all times are asked for")
		}
		found := []bounce{}
		for _, b := range bounces {
			if b.Created >= since {
				found = append(found, b)
			}
		}
		slices.SortStableFunc(found, func(a, b bounce) int { return cmp.Compare(b.Created, a.Created) })
		list, _ := page(found, api.number(r, "offset"), 500)
		api.paged("the bounces", api.number(r, "offset"), len(list) > 0) // an empty page is the end
		left := max(0, 600-len(api.asked))
		return api.json(list, http.Header{
			"X-Ratelimit-Limit": {"600"}, "X-Ratelimit-Remaining": {fmt.Sprint(left)}, "X-Ratelimit-Reset": {fmt.Sprint(time.Now().Unix() + 60)},
		})
	})
	told := make([]string, 503)
	tr := trial{
		set:    map[string]string{"SENDGRID_KEY": "SG.1"},
		hosts:  map[string]http.Handler{"api.sendgrid.com": api},
		untold: api.do(func() { add("busy", "4.2.2") }),
		change: api.do(func() {
			for i := range told {
				b := add(fmt.Sprintf("nobody-%d", i), "5.1.1")
				if i == 0 { // it is listed late
					b.Created -= 8 * 60
					bounces[len(bounces)-1] = b
				}
				told[i] = fmt.Sprintf(`sendgrid.bounce.created ["%s",%d]`, b.Email, b.Created)
			}
		}),
		told: told,
		sick: []sickness{
			api.ill("too many requests", "429", answer{
				status: http.StatusTooManyRequests, body: `{"errors":[{"field":null,"message":"too many requests"}]}`,
				header: http.Header{"X-Ratelimit-Limit": {"600"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"946684860"}},
			}),
			api.ill("a key without the scope", "access forbidden", refuse(http.StatusForbidden, "access forbidden")),
			api.ill("an error of the server", "500", refuse(http.StatusInternalServerError, "internal error")),
		},
	}
	try(t, "sendgrid", tr)
	bounces = nil
	inWorld(t, "sendgrid", tr, func(t *testing.T, w *world) {
		w.round()
		api.do(func() { add("again", "5.0.0") })()
		w.round()
		w.wantTold(t, "a bounce", `sendgrid.bounce.created ["again@example.com",946684920]`)
		api.do(func() { bounces = nil })()
		w.round()
		w.wantTold(t, "an address that was taken off the list")
		api.do(func() { add("again", "5.0.0") })()
		w.round()
		w.wantTold(t, "the same address again", `sendgrid.bounce.created ["again@example.com",946685160]`)
		w.wantFailures(t, "all of it", "")
	})
	tryDenied(t, "sendgrid", tr, "SENDGRID_KEY", "SG.2", "authorization required")
}
