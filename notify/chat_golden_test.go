package notify

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/diff"
)

var update = flag.Bool("update", false, "write the golden files anew")

// compared is the event of a change between two values, with data as the log has
// it; an empty value is one that is not there.
func compared(tb testing.TB, eventType, key, before, after string, o diff.Options) *Event {
	tb.Helper()
	rules, err := diff.Compile(o)
	if err != nil {
		tb.Fatal(err)
	}
	asBytes := func(s string) []byte {
		if s == "" {
			return nil
		}
		return []byte(s)
	}
	var c diff.Change
	if after != "" {
		result, err := diff.Compare(asBytes(before), []byte(after), rules)
		if err != nil || len(result.Changes) != 1 {
			tb.Fatalf("%d changes: %v", len(result.Changes), err)
		}
		c = result.Changes[0]
	} else {
		c = diff.Change{Kind: diff.Deleted, Before: []byte(before)}
	}
	orNull := func(v json.RawMessage) json.RawMessage {
		if v == nil {
			return json.RawMessage("null")
		}
		return v
	}
	var patch any
	switch {
	case c.Unified != "":
		patch = c.Unified
	case c.Kind == diff.Updated:
		patch = json.RawMessage(diff.AppendPatch(nil, c.Patch))
	}
	data := map[string]any{
		"change": c.Kind, "before": orNull(c.Before), "after": orNull(c.After), "changed": c.Changed(), "patch": patch,
		"key": nil, "hash": nil, "previous_hash": nil,
	}
	if key != "" {
		data["key"] = key
	}
	raw, err := json.Marshal(data)
	if err != nil {
		tb.Fatal(err)
	}
	source := "status-page"
	if key != "" {
		source = "shop-" + eventType[strings.LastIndexByte(eventType, '.')+1:] + "s"
	}
	return &Event{
		Position: 1, ID: "evt_01JABCDEF0123456789ABCDEFG", Type: eventType + "." + string(c.Kind), Source: source,
		Subject: key, Time: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), Sequence: 42, Data: raw,
	}
}

func alertEvent(eventType, name, reason string, count int) *Event {
	data, err := json.Marshal(map[string]any{"name": name, "reason": reason, "since": "2026-01-02T02:58:11.25Z", "count": count})
	if err != nil {
		panic(err)
	}
	return &Event{
		ID: "evt_01JABCDEF0123456789ABCDEFH", Type: eventType, Source: name, Alert: true,
		Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Data: data,
	}
}

// chatEvents are events as real sources give them.
func chatEvents(tb testing.TB) map[string]*Event {
	tb.Helper()
	const order = `{"id":1042,"name":"Blue chair","status":"open","total":{"amount":"79.90","currency":"EUR"},"customer":{"id":7,"name":"Ada Lovelace","email":"ada@example.com"},` +
		`"lines":[{"sku":"CH-1","name":"Chair","quantity":1},{"sku":"CU-2","name":"Cushion","quantity":2}],"tags":["gift"],"note":null,"updated_at":"2026-01-02T03:00:00Z","url":"https://shop.example.com/orders/1042"}`
	paid := strings.NewReplacer(`"open"`, `"paid"`, `"quantity":2`, `"quantity":3`, `79.90`, `89.90`, `03:00:00Z`, `03:04:00Z`).Replace(order)
	const release = `{"url":"https://api.github.com/repos/acme/tool/releases/219384","html_url":"https://github.com/acme/tool/releases/tag/v1.4.0","id":219384,"author":{"login":"rsc","id":104030,"type":"User"},` +
		`"node_id":"RE_kwDO","tag_name":"v1.4.0","target_commitish":"main","name":"Tool 1.4","draft":false,"prerelease":false,"created_at":"2026-01-01T12:00:00Z","published_at":"2026-01-02T03:00:00Z",` +
		`"assets":[{"id":1,"name":"tool_linux_amd64.tar.gz"},{"id":2,"name":"tool_darwin_arm64.tar.gz"}],"body":"## What's new\r\n\r\n* Faster *everything* by @gopher in #12\r\n* <b>Fixed</b> a leak\r\n\r\n**Full Changelog**: https://github.com/acme/tool/compare/v1.3.0...v1.4.0","tarball_url":"https://api.github.com/x"}`
	text := func(n, m int) string {
		var b strings.Builder
		for i := range 60 {
			switch {
			case i >= n && i < m:
				fmt.Fprintf(&b, "line %d is new: `code` & <tag> ``` fence\n", i)
			default:
				fmt.Fprintf(&b, "line %d of the status page\n", i)
			}
		}
		return b.String()
	}
	var nested, nestedAfter []string
	for i := range 40 {
		nested = append(nested, fmt.Sprintf(`"region_%02d":{"limits":{"cpu":%d,"memory":"%dGi"},"hosts":["a","b"]}`, i, i, i))
		nestedAfter = append(nestedAfter, fmt.Sprintf(`"region_%02d":{"limits":{"cpu":%d,"memory":"%dGi"},"hosts":["a","b","c"],"labels":{"team":"core","tier":"gold"}}`, i, i+1, i*2))
	}
	hostile := `{"id":"<!channel>","title":"*bold* _it_ ~no~ ` + "`code`" + ` <@U1|x> @everyone [a](https://evil.example) |","status":"<https://evil.example|click> & *b*\n# big\n> quote","html_url":"javascript:alert(1)"}`
	return map[string]*Event{
		"order-updated":   compared(tb, "shop.order", "1042", order, paid, diff.Options{Ignore: []string{"updated_at"}}),
		"release-created": compared(tb, "github.release", "219384", "", release, diff.Options{}),
		"order-deleted":   compared(tb, "shop.order", "1042", order, "", diff.Options{}),
		"text-updated":    compared(tb, "pollwire.document", "", text(0, 0), text(10, 13), diff.Options{Format: diff.Text}),
		"text-rewritten":  compared(tb, "pollwire.document", "", text(0, 0), text(0, 60), diff.Options{Format: diff.Text}),
		"nested-updated":  compared(tb, "pollwire.document", "", "{"+strings.Join(nested, ",")+"}", "{"+strings.Join(nestedAfter, ",")+"}", diff.Options{}),
		"hostile-updated": compared(tb, "shop.ticket_note", `["<!here>","a|b"]`, hostile, strings.Replace(hostile, `*b*`, `*c*`, 1), diff.Options{}),
		"member-added":    compared(tb, "pollwire.item", "7", `{"id":7,"gone":1,"list":[{"id":"a","n":1}]}`, `{"id":7,"shipping":{"carrier":"DHL","tracking":"123","steps":[]},"list":[{"id":"a","n":1},{"id":"b","n":2}]}`, diff.Options{}),
		"alert-failing":   alertEvent("pollwire.source.failing", "orders", "answered 503 Service Unavailable <html>", 5),
		"alert-recovered": alertEvent("pollwire.endpoint.recovered", "ops", "no answer within 15s", 12),
		"alert-gap":       alertEvent("pollwire.source.gap", "news", "of 100 items not one is known from before, so that others may have come and gone unseen: poll more often, or ask for more items at once", 100),
		"alert-ping":      alertEvent("pollwire.ping", "ops", "asked for by the operator", 1),
	}
}

// TestChatMessages: what each service is posted of real events. The golden files
// are for reading.
func TestChatMessages(t *testing.T) {
	t.Parallel()
	for name, event := range chatEvents(t) {
		s, err := tell(event, "https://pollwire.example.com")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", "chat", name+".txt"), []byte(s.title+"\n\n"+s.plain()+"\n\n"+s.link+"\n"))
		for _, format := range []Format{FormatSlack, FormatDiscord, FormatTeams} {
			body, err := Render(&Endpoint{Format: format}, event, "https://pollwire.example.com")
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			mustBeChatMessage(t, format, body)
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, body, "", "  "); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", "chat", name+"."+string(format)+".json"), append(pretty.Bytes(), '\n'))
		}
	}
}

func golden(tb testing.TB, file string, got []byte) {
	tb.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		tb.Errorf("%s (-want +got):\n%s", file, d)
	}
}
