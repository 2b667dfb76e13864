package recipe_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestAtom holds the recipe against RFC 4287.
func TestAtom(t *testing.T) {
	t.Parallel()
	entry := func(id, title, updated, replies string) string {
		return `<entry><id>tag:example.com,2025:` + id + `</id><title type="html">` + title + `</title><updated>` + updated + `</updated>` +
			`<link rel="alternate" href="https://example.com/` + id + `"/><thr:total>` + replies + `</thr:total><content type="html">&lt;p&gt;` + title + `&lt;/p&gt;</content></entry>`
	}
	day, later := "2025-12-01T00:00:00Z", "2025-12-02T00:00:00Z"
	entries := []string{entry("v1.2", "v1.2", day, "0"), entry("v1.1", "v1.1", day, "0"), entry("v1.0", "v1.0", day, "0")}
	feed := newFeed(t, "/releases.atom", "application/atom+xml", func() string {
		return `<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0">` +
			`<id>tag:example.com,2025:/</id><title>Releases</title><updated>` + day + `</updated>` + strings.Join(entries, "") + `</feed>`
	})
	try(t, "atom", trial{
		set:   map[string]string{"ATOM_URL": "https://code.example/releases.atom"},
		hosts: map[string]http.Handler{"code.example": feed},
		dull:  feed.do(func() { entries[0] = entry("v1.2", "v1.2", day, "7") }),
		untold: feed.do(func() {
			entries[1] = entry("v1.1", "v1.1: a typo less", day, "0") // which its author does not call a revision
		}),
		change: feed.do(func() {
			entries = []string{entry("v1.3", "v1.3", later, "0"), entry("v1.2", "v1.2, withdrawn", later, "7"), entries[1]}
		}),
		told: []string{"atom.entry.created tag:example.com,2025:v1.3", "atom.entry.updated tag:example.com,2025:v1.2"},
		sick: feed.sicknesses(`<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>tag:example.com,2025:v2</id>`),
	})
}
