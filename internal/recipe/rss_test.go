package recipe_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestRSS holds the recipe against https://www.rssboard.org/rss-specification.
func TestRSS(t *testing.T) {
	t.Parallel()
	entry := func(n int, title string, comments int) string {
		return `<item><guid isPermaLink="false">tag:example.com,` + strconv.Itoa(n) + `</guid><title>` + title + `</title><link>https://example.com/` + strconv.Itoa(n) +
			`</link><pubDate>Mon, 01 Dec 2025 00:00:00 GMT</pubDate><description><![CDATA[<p>Some & all</p>]]></description><slash:comments>` + strconv.Itoa(comments) + `</slash:comments></item>`
	}
	entries := []string{entry(3, "Three", 0), entry(2, "Two", 0), entry(1, "One", 4)}
	feed := newFeed(t, "/feed.xml", "application/rss+xml; charset=UTF-8", func() string {
		return `<?xml version="1.0"?><rss version="2.0" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"><channel><title>News</title>` +
			`<lastBuildDate>Mon, 01 Dec 2025 00:00:00 GMT</lastBuildDate><ttl>15</ttl>` + strings.Join(entries, "") + `</channel></rss>`
	})
	try(t, "rss", trial{
		set:   map[string]string{"RSS_URL": "https://news.example/feed.xml"},
		hosts: map[string]http.Handler{"news.example": feed},
		dull:  feed.do(func() { entries[2] = entry(1, "One", 5) }),
		untold: feed.do(func() {
			entries[2] = strings.Replace(entries[2], "Some &", "Some more &", 1) // its text
		}),
		change: feed.do(func() {
			entries = []string{entry(4, "Four &amp; more", 0), entry(3, "Three", 1), entry(2, "Two, corrected", 0)} // the first has left
		}),
		told: []string{"rss.entry.created tag:example.com,4", "rss.entry.updated tag:example.com,2"},
		sick: feed.sicknesses("<rss><channel><item><guid>tag:example.com,5</guid>"),
	})
}

// newFeed is a fake that has a feed.
func newFeed(t *testing.T, path, contentType string, body func() string) *fake {
	t.Helper()
	feed := newFake(t, 10, time.Minute, nil, answer{})
	validated := false
	feed.handle("GET "+path, func(r *http.Request) any {
		// Feeds are had by each of these names, and some servers give what is asked for.
		kind, _, _ := strings.Cut(contentType, ";")
		for _, taken := range []string{kind, "application/xml;q=0.9", "text/xml;q=0.8"} {
			if accept := strings.Split(r.Header.Get("Accept"), ", "); !slices.Contains(accept, taken) {
				feed.t.Errorf("it takes %q, and no %s", accept, taken)
			}
		}
		validated = validated || r.Header.Get("If-None-Match") != ""
		return answer{status: http.StatusOK, header: http.Header{"Content-Type": {contentType}}, body: body()}
	})
	t.Cleanup(func() {
		if !validated {
			t.Error("the feed was never asked for by its validator, so that it came whole each time")
		}
	})
	return feed
}

// sicknesses are the answers of a web server that are no feed; cut is one that is
// not whole.
func (f *fake) sicknesses(cut string) []sickness {
	html := http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	return []sickness{
		f.ill("a page in its place", "XML", answer{status: http.StatusOK, header: html, body: "<!DOCTYPE html><html><body><p>We are moving<br></body></html>"}),
		f.ill("a page in XHTML", "not an array", answer{status: http.StatusOK, header: html, body: `<html xmlns="http://www.w3.org/1999/xhtml"><body><p>Log in</p></body></html>`}),
		f.ill("a feed that was cut", "XML", answer{status: http.StatusOK, header: http.Header{"Content-Type": {"text/xml"}}, body: cut}),
		f.ill("a feed that is gone", "410", answer{status: http.StatusGone, header: html, body: "gone"}),
		f.ill("a server that is asked too much", "429", answer{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"60"}}, body: "slow down"}),
	}
}
