package poller

import (
	"net/url"
	"strings"
	"testing"
)

func TestNextLink(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		fields []string
		want   string
		none   bool
	}{
		{name: "no header", none: true},
		{name: "empty", fields: []string{""}, none: true},
		{name: "one", fields: []string{`<https://api.example/?page=2>; rel="next"`}, want: "https://api.example/?page=2"},
		{name: "a token", fields: []string{`</?page=2>;rel=next`}, want: "/?page=2"},
		{name: "as GitHub writes it", fields: []string{`<https://api.example/r?page=1>; rel="prev", <https://api.example/r?page=3>; rel="next", <https://api.example/r?page=9>; rel="last"`}, want: "https://api.example/r?page=3"},
		{name: "several relations", fields: []string{`</2>; rel="alternate  Next"`}, want: "/2"},
		{name: "another relation", fields: []string{`</2>; rel="nextish"`, `</3>; rel="prev"`}, none: true},
		{name: "several fields", fields: []string{`</1>; rel=prev`, `</2>; rel=next`}, want: "/2"},
		{name: "the first of two", fields: []string{`</2>; rel=next, </3>; rel=next`}, want: "/2"},
		{name: "names in capitals", fields: []string{`</2> ; REL = "NEXT"`}, want: "/2"},
		{name: "the first rel counts", fields: []string{`</2>; rel=prev; rel=next`}, none: true},
		{name: "quoted commas and semicolons", fields: []string{`</1>; title="a, <b>; rel=next"; rel=prev, </2>; rel=next`}, want: "/2"},
		{name: "quoted quotes", fields: []string{`</1>; title="a\", </9>; rel=next"; rel=prev, </2>; title="\\"; rel=next`}, want: "/2"},
		{name: "about another thing", fields: []string{`</2>; rel=next; anchor="#part"`, `</3>; anchor="/x"; rel=next`}, none: true},
		{name: "a comma in the target", fields: []string{`</2?ids=1,2;3>; rel=next`}, want: "/2?ids=1,2;3"},
		{name: "parameters without a value", fields: []string{`</2>; crossorigin; rel=next; x`}, want: "/2"},
		{name: "empty parts", fields: []string{`, ,</2>;;rel=next,`}, want: "/2"},
		{name: "the same page", fields: []string{`<>; rel=next`}, want: ""},
		{name: "junk before", fields: []string{`/1; rel="next", </2>; rel=next`}, want: "/2"},
		{name: "not closed", fields: []string{`</2; rel=next`}, none: true},
		{name: "a quote that does not end", fields: []string{`</1>; title="a, </2>; rel=next`, `</3>; rel=next`}, want: "/3"},
	}
	for _, tt := range tests {
		got, ok := nextLink(tt.fields)
		if got != tt.want || ok == tt.none {
			t.Errorf("%s: %q, %t", tt.name, got, ok)
		}
	}
}

// FuzzNextLink: whatever a server sends, the parser ends, and what it finds was
// in the header; a link that is added behind a comma is found where none was.
func FuzzNextLink(f *testing.F) {
	f.Add(`<https://api.example/?page=2>; rel="next", </9>; rel=last`)
	f.Add(`</1>; title="a\", <b>"; rel=prev`)
	f.Add(`<<>>;;rel="`)
	f.Fuzz(func(t *testing.T, field string) {
		target, ok := nextLink([]string{field})
		if ok && !strings.Contains(field, target) {
			t.Errorf("found %q, which is not in %q", target, field)
		}
		if !ok {
			if target, ok := nextLink([]string{field, `</x>; rel="next"`}); !ok || target != "/x" {
				t.Errorf("the next field was not read after %q", field)
			}
		}
		if from, err := url.Parse("https://api.example/orders"); err == nil && ok {
			g := &pager{Pagination: &Pagination{Kind: HeaderLink}, first: targetOf(from)}
			if to, more, err := g.link(from, target); err == nil && (!more || !sameOrigin(from, to.url) || to.url.User != nil) {
				t.Errorf("%q leads to %v", target, to.url)
			}
		}
	})
}

// Where a link may lead.
func TestNextLinkOrigin(t *testing.T) {
	t.Parallel()
	tests := []struct{ own, link, want string }{
		{"https://api.example/a/b?x=1", "c?page=2", "https://api.example/a/c?page=2"},
		{"https://api.example/a/b?x=1", "?page=2", "https://api.example/a/b?page=2"},
		{"https://api.example/a", "https://API.example:443/a?page=2#top", "https://API.example:443/a?page=2"},
		{"https://api.example/a", "https://user:pass@api.example/a", "https://api.example/a"},
		{"http://api.example/a", "https://api.example/a?page=2", "https://api.example/a?page=2"},
		{"https://api.example/a", "http://api.example/a?page=2", "https://api.example/a?page=2"},
		{"https://api.example/a", "http://api.example:80/a?page=2", "https://api.example/a?page=2"},
		{"https://[::1]/a", "http://[::1]/a?page=2", "https://[::1]/a?page=2"},
		{"https://api.example/a", "http://api.example:8080/a", ""},
		{"https://api.example:8443/a", "http://api.example/a", ""},
		{"http://api.example:8080/a", "https://api.example/a", ""},
		{"https://api.example/a", "//evil.example/a", ""},
		{"https://api.example/a", "https://api.example.evil.example/a", ""},
		{"https://api.example/a", "ftp://api.example/a", ""},
		{"https://api.example/a", "http://%zz/", ""},
	}
	for _, tt := range tests {
		own, err := url.Parse(tt.own)
		if err != nil {
			t.Fatal(err)
		}
		g := &pager{Pagination: &Pagination{Kind: HeaderLink}, first: targetOf(own)}
		to, _, err := g.link(own, tt.link)
		switch {
		case tt.want == "" && err == nil:
			t.Errorf("%s from %s was followed to %s", tt.link, tt.own, to.url)
		case tt.want != "" && (err != nil || to.url.String() != tt.want):
			t.Errorf("%s from %s leads to %v, %v, want %s", tt.link, tt.own, to.url, err, tt.want)
		}
	}
}

func targetOf(u *url.URL) target { return target{url: u} }
