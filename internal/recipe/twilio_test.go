package recipe_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestTwilio holds the recipe against
// https://www.twilio.com/docs/messaging/api/message-resource.
func TestTwilio(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	account := "AC00000000000000000000000000000001"
	path := "/2010-04-01/Accounts/" + account + "/Messages.json"
	refuse := func(status, code int, message string) answer {
		return answer{status: status, body: fmt.Sprintf(`{"code":%d,"message":%q,"more_info":"https://www.twilio.com/docs/errors/%[1]d","status":%[3]d}`, code, message, status)}
	}
	api := newFake(t, 60, time.Minute, basic(account, "twilio-secret-1"), refuse(http.StatusUnauthorized, 20003, "Authenticate"))
	api.untagged = true
	var messages []object // newest first
	add := func(direction, status string) {
		sid := fmt.Sprintf("SM%032d", len(messages)+1)
		messages = append([]object{{
			"sid": sid, "account_sid": account, "direction": direction, "status": status, "from": "+15005550006", "to": "+15005550010",
			"body": "Hello", "num_segments": "1", "price": nil, "price_unit": "USD", "error_code": nil, "error_message": nil,
			"date_sent": "Thu, 01 Jan 2026 05:01:45 +0000", "date_updated": "Thu, 01 Jan 2026 05:01:45 +0000",
		}}, messages...)
	}
	const size = 40 // stands for the 1,000 that a page has
	for range 2*size + 3 {
		add("outbound-api", "delivered")
	}
	add("outbound-api", "queued")
	add("outbound-api", "sent")
	api.handle("GET "+path, func(r *http.Request) any {
		api.wantQuery(r, "PageSize", "1000") // of 1 to 1000, which the link repeats
		number := api.number(r, "Page")
		switch token := r.URL.Query().Get("PageToken"); {
		case number > 1:
			api.t.Errorf("%s is more than the two pages that are looked at", r.URL)
		case (token == "PASM500") != (number == 1):
			return refuse(http.StatusBadRequest, 20001, "PageToken is not that of the page")
		}
		list, more := page(messages, size*number, size)
		api.paged("the messages", number, number == 0) // there are more, which are old
		result := object{"messages": list, "page": number, "page_size": 1000, "uri": path, "first_page_uri": path + "?PageSize=1000&Page=0", "next_page_uri": nil}
		if more {
			result["next_page_uri"] = fmt.Sprintf("%s?PageSize=1000&Page=%d&PageToken=PASM500", path, number+1)
		}
		return result
	})
	tr := trial{
		set:   map[string]string{"TWILIO_ACCOUNT": account, "TWILIO_TOKEN": "twilio-secret-1"},
		hosts: map[string]http.Handler{"api.twilio.com": api},
		dull: api.do(func() {
			messages[3]["price"], messages[3]["price_unit"], messages[3]["num_segments"] = "-0.00750", "EUR", "2"
			messages[3]["date_updated"], messages[3]["subresource_uris"] = "Thu, 01 Jan 2026 05:02:00 +0000", object{"media": "/Media.json"}
		}),
		untold: api.do(func() {
			messages[1]["status"], messages[1]["date_updated"] = "sending", "Thu, 01 Jan 2026 05:02:00 +0000"
			add("outbound-api", "accepted")
		}),
		change: api.do(func() {
			messages[1]["status"], messages[1]["error_code"] = "undelivered", 30005
			messages[2]["status"] = "delivered"
			add("inbound", "received")
			add("outbound-api", "failed")
		}),
		told: []string{
			"twilio.message.created SM00000000000000000000000000000087", "twilio.message.created SM00000000000000000000000000000088",
			"twilio.message.updated SM00000000000000000000000000000085",
		},
		sick: []sickness{
			api.ill("too many requests at once", "429", refuse(http.StatusTooManyRequests, 20429, "Too Many Requests")),
			api.ill("a page that is gone", "the answer begins: {\"code\":20404", answer{status: http.StatusOK, body: `{"code":20404,"message":"not found"}`}),
			api.ill("an error of the server", "500", refuse(http.StatusInternalServerError, 20500, "Internal Server Error")),
		},
	}
	try(t, "twilio", tr)
	tryDenied(t, "twilio", tr, "TWILIO_TOKEN", "another", "20003")
}
