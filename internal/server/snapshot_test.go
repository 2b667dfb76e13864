package server_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/server"
)

// TestSnapshotsAreAnsweredAsTheyCame, and cannot act as pages of the server.
func TestSnapshotsAreAnsweredAsTheyCame(t *testing.T) {
	t.Parallel()
	ctl := &controller{}
	addr := start(t, server.Options{Controller: ctl}).Addr()
	for _, tc := range []struct {
		query      string
		wantCall   string
		wantHeader map[string]string
	}{
		{
			"",
			"snapshot {Source:a/b Version:0 Page:1}",
			map[string]string{
				"Content-Type": "application/xml; charset=utf-8", "Content-Length": "4", "Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT",
				"Pollwire-Version": "5", "Pollwire-Format": "xml", "Pollwire-Pages": "3", "Link": `</v1/sources/a%2Fb/snapshot?page=2&version=5>; rel="next"`,
				"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
			},
		},
		{"?page=3", "snapshot {Source:a/b Version:0 Page:3}", map[string]string{"Link": ""}},
		{
			"?version=2&page=1",
			"snapshot {Source:a/b Version:2 Page:1}",
			map[string]string{"Content-Type": "application/json", "Pollwire-Version": "2", "Pollwire-Pages": "1", "Link": ""},
		},
	} {
		got := ask(t, addr, question{method: "GET", path: "/v1/sources/a%2Fb/snapshot" + tc.query})
		if got.status != 200 || got.body != "<a/>" {
			t.Errorf("%q: %d %s", tc.query, got.status, got.body)
		}
		if d := cmp.Diff([]string{tc.wantCall}, ctl.taken()); d != "" {
			t.Errorf("%q: calls (-want +got):\n%s", tc.query, d)
		}
		for name, want := range tc.wantHeader {
			if value := got.header.Get(name); value != want {
				t.Errorf("%q: %s: %s, want %s", tc.query, name, value, want)
			}
		}
	}
	for _, query := range []string{"?version=0", "?version=x", "?page=0", "?pages=1", "?version=9999999999999"} {
		if got := ask(t, addr, question{method: "GET", path: "/v1/sources/orders/snapshot" + query}); got.status != 400 {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}
