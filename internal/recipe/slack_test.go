package recipe_test

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestSlack holds the recipe against
// https://docs.slack.dev/reference/methods/conversations.history.
func TestSlack(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	refuse := func(reason string) answer {
		return answer{status: http.StatusOK, body: `{"ok":false,"error":"` + reason + `"}`}
	}
	api := newFake(t, 50, time.Minute, bearer("xoxb-1"), refuse("invalid_auth"))
	api.untagged = true
	var messages []object // newest first
	post := func(more object) string {
		ts := fmt.Sprintf("%d.%06d", time.Now().Unix(), 100+len(messages))
		m := object{"type": "message", "user": "U012AB3CD", "text": "message", "ts": ts}
		for name, value := range more {
			m[name] = value
		}
		messages = append([]object{m}, messages...)
		return ts
	}
	api.handle("GET /api/conversations.history", func(r *http.Request) any {
		api.wantQuery(r, "channel", "C0123456789")
		api.wantQuery(r, "limit", "200")
		oldest, err := strconv.ParseFloat(r.URL.Query().Get("oldest"), 64)
		if err != nil {
			api.t.Errorf("oldest is no time: %v", err)
		}
		found := []object{}
		for _, m := range messages {
			if ts, _ := strconv.ParseFloat(m["ts"].(string), 64); ts > oldest { // not that very time: inclusive is not set
				found = append(found, m)
			}
		}
		from, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Query().Get("cursor"), "bmV4dF90czo="))
		list, more := page(found, from, 3) // Slack may give fewer than the limit, with more to come
		api.paged("the messages", from, more)
		next := ""
		if more {
			next = "bmV4dF90czo=" + strconv.Itoa(from+3)
		}
		return object{"ok": true, "messages": list, "has_more": more, "pin_count": 0, "response_metadata": object{"next_cursor": next}}
	})
	told := make([]string, 7)
	tr := trial{
		set:   map[string]string{"SLACK_TOKEN": "xoxb-1", "SLACK_CHANNEL": "C0123456789"},
		hosts: map[string]http.Handler{"slack.com": api},
		dull: api.do(func() {
			post(object{"subtype": "channel_join", "text": "<@U012AB3CD> has joined the channel"})
		}),
		change: api.do(func() {
			for i := range told {
				told[i] = "slack.message.created " + post(object{"text": "message " + strconv.Itoa(i), "reactions": []object{{"name": "eyes", "count": 1}}})
			}
			post(object{"subtype": "channel_leave"})
		}),
		told: told,
		sick: []sickness{
			api.ill("an app that is not in the channel", `the answer begins: {"ok":false,"error":"not_in_channel"}`, refuse("not_in_channel")),
			// "It's possible some aspect of the operation succeeded": then there is a list.
			api.ill("a fatal error", "expect.when", answer{status: http.StatusOK, body: `{"ok":false,"error":"fatal_error","messages":[]}`}),
			api.ill("one request too many", "429", answer{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"30"}}, body: `{"ok":false,"error":"ratelimited"}`}),
		},
	}
	try(t, "slack", tr)
	messages = nil
	inWorld(t, "slack", tr, func(t *testing.T, w *world) {
		w.round()
		api.do(func() { post(nil) })()
		w.round()
		w.wantTold(t, "a message", "slack.message.created "+messages[0]["ts"].(string))
		w.log.takeChanges()
		api.do(func() {
			maps.Copy(messages[0], object{
				"reactions": []object{{"name": "tada"}}, "thread_ts": messages[0]["ts"], "reply_count": 2, "reply_users_count": 1,
				"reply_users": []string{"U012AB3CD"}, "latest_reply": "1700000000.000100",
			})
		})()
		w.round()
		w.wantTold(t, "a reaction and replies")
		if changes := w.log.takeChanges(); len(changes) > 0 {
			t.Errorf("a reaction and replies are in the log: %s", changes)
		}
		api.do(func() { messages[0]["attachments"] = []object{{"title": "what a link leads to"}} })()
		w.round()
		w.wantTold(t, "a link that was unfurled")
		if len(w.log.takeChanges()) == 0 {
			t.Error("the last message is not asked for again")
		}
		api.do(func() { messages[0]["text"] = "what it says now" })()
		w.round()
		w.wantTold(t, "an edit of the last message", "slack.message.updated "+messages[0]["ts"].(string))
		w.wantFailures(t, "all of it", "")
	})
	tryDenied(t, "slack", tr, "SLACK_TOKEN", "xoxb-2", "invalid_auth")
}
