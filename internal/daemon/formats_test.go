package daemon_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/internal/server"
)

// TestEntriesOfAFeedAreItems, in the characters that the feed says it has.
func TestEntriesOfAFeedAreItems(t *testing.T) {
	t.Parallel()
	const head = `<?xml version="1.0" encoding="iso-8859-1"?><rss version="2.0"><channel><title>News</title>`
	item := func(guid, title string) string {
		return "\n <item><guid isPermaLink=\"false\">" + guid + "</guid>\n  <title>" + title + "</title></item>"
	}
	a := newAPI(t, "")
	a.answers(200, "application/rss+xml", head+item("1", "Z\xfcrich")+"</channel></rss>")
	h := newHooks(t)
	d := startDaemon(t, watch(a, h, "    items: {key: \"guid.#text\"}\n    retry: {max_attempts: 1}\n    expect: {max_removed: 100%}\n"))
	d.baseline(t, "thing")
	a.answers(200, "application/rss+xml", strings.ReplaceAll(head, "iso-8859-1", "UTF-8")+strings.ReplaceAll(item("1", "<![CDATA[Zürich]]>"), "\n", "")+"</channel></rss>")
	d.mustBeUnchanged(t)
	for name, bad := range map[string]struct{ contentType, body, reason string }{
		"cut":               {"application/rss+xml", head + item("1", "a"), "invalid XML at line 3: unexpected EOF"},
		"another document":  {"application/xml", "<error>busy</error>", "not an array"},
		"an error page":     {"text/html", "<h1>Maintenance</h1>", "neither JSON, XML nor CSV"},
		"unknown character": {"application/rss+xml; charset=klingon", head + "</channel></rss>", "klingon"},
		"entities":          {"text/xml", `<!DOCTYPE rss [<!ENTITY a "b">]>` + "<rss/>", "document type definition"},
	} {
		a.answers(200, bad.contentType, bad.body)
		preview, err := d.client.Preview(t.Context(), "thing")
		if err != nil || preview.Outcome != server.Failed || !strings.Contains(preview.Reason, bad.reason) {
			t.Errorf("%s: %+v (%v)", name, preview, err)
		}
	}
	a.answers(200, "application/rss+xml", head+item("2", "new")+item("1", "Z\xfcrich HB")+"</channel></rss>")
	d.poll(t, "thing")
	h.await(t, "2", kind("created"))
	e := h.await(t, "1", kind("updated"))
	if string(e.Data.After) != `{"guid":{"@isPermaLink":"false","#text":"1"},"title":"Zürich HB"}` {
		t.Errorf("told %s", e.Data.After)
	}
	wantPaths(t, e, "/title")
	a.answers(200, "application/rss+xml", head+"</channel></rss>")
	d.poll(t, "thing")
	h.await(t, "1", kind("deleted"))
	h.await(t, "2", kind("deleted"))
}

// TestXMLAsOneThing: it is told as JSON, and kept as it came.
func TestXMLAsOneThing(t *testing.T) {
	t.Parallel()
	a := newAPI(t, "")
	a.answers(200, "text/xml; charset=utf-8", "<status><db up=\"yes\"/><queue>1</queue></status>")
	h := newHooks(t)
	d := startDaemon(t, watch(a, h, "    detect: {ignore: [status.queue]}\n"))
	d.baseline(t, "thing")
	a.answers(200, "text/xml; charset=utf-8", "<status>\n<queue>2</queue><db up='yes'/></status>")
	d.mustBeUnchanged(t)
	a.answers(200, "text/xml; charset=utf-8", "<status><queue>2</queue><db up='no'/></status>")
	d.poll(t, "thing")
	e := h.await(t, "", kind("updated"))
	if string(e.Data.After) != `{"status":{"queue":"2","db":{"@up":"no"}}}` {
		t.Errorf("told %s", e.Data.After)
	}
}

// TestLinesOfNDJSONAreItems by their content type and by configuration.
func TestLinesOfNDJSONAreItems(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ format, contentType string }{
		"by configuration": {"ndjson", "text/plain"},
		"by content type":  {"auto", "application/x-ndjson"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, "")
			a.answers(200, test.contentType, "{\"id\":1,\"v\":1}\n{\"id\":2,\"v\":1}\n")
			h := newHooks(t)
			d := startDaemon(t, watch(a, h, "    format: "+test.format+"\n    items: {key: id}\n    retry: {max_attempts: 1}\n"))
			d.baseline(t, "thing")
			a.answers(200, test.contentType, "{\"id\":1,\"v\":2}\n{\"id\":2")
			d.poll(t, "thing") // cut: it changes nothing
			a.answers(200, test.contentType, "{\"id\":2,\"v\":1.0}\n\n{\"v\":2,\"id\":1}")
			d.poll(t, "thing")
			e := h.await(t, "1", kind("updated"))
			if string(e.Data.After) != `{"v":2,"id":1}` || h.count() != 1 {
				t.Errorf("told:\n%s", h.dump())
			}
		})
	}
}

// TestGraphQL: the query is posted, and an answer with errors is no observation
// though its code is 200 and it has a part of the data.
func TestGraphQL(t *testing.T) {
	t.Parallel()
	var answer atomic.Value
	asked := make(chan string, 16)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		select {
		case asked <- r.Method + " " + r.Header.Get("Content-Type") + " " + r.Header.Get("Accept") + " " + string(body):
		default:
		}
		w.Header().Set("Content-Type", "application/graphql-response+json; charset=utf-8")
		_, _ = io.WriteString(w, answer.Load().(string))
	}))
	t.Cleanup(srv.Close)
	h := newHooks(t)
	answer.Store(`{"data":{"orders":[{"id":1},{"id":2}]}}`)
	d := startDaemon(t, strings.Replace(watch(&api{}, h, "    items: {path: data.orders, key: id}\n    retry: {max_attempts: 1}\n"),
		`{url: ""}`, `{url: "`+srv.URL+`", graphql: {query: "{ orders { id } }", variables: {token: "hidden-token"}}}`, 1))
	d.baseline(t, "thing")
	const want = `POST application/json application/graphql-response+json, application/json;q=0.9 {"query":"{ orders { id } }","variables":{"token":"hidden-token"}}`
	if got := awaited(t, asked); got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	answer.Store(`{"data":{"orders":[]},"errors":[{"message":"too complex"}]}`)
	preview, err := d.client.Preview(t.Context(), "thing")
	if err != nil || preview.Outcome != server.Failed || !strings.HasSuffix(preview.Reason, "answered with GraphQL errors: too complex") {
		t.Errorf("got %+v (%v)", preview, err)
	}
	answer.Store(`{"data":{"orders":[{"id":1},{"id":2},{"id":3}]}}`)
	d.poll(t, "thing")
	h.await(t, "3", func(e receiver.Envelope) bool { return string(e.Data.After) == `{"id":3}` })
}
