package poller

import (
	"net/http"
	"strings"
	"testing"
)

func TestValidators(t *testing.T) {
	t.Parallel()
	const (
		noon       = "Sun, 01 Mar 2026 12:00:00 GMT"
		justAfter  = "Sun, 01 Mar 2026 12:00:01 GMT"
		wellBeyond = "Sun, 01 Mar 2026 12:00:02 GMT"
	)
	tests := []struct {
		name                 string
		etag, modified, date string
		old                  State
		wantETag, wantDate   string
	}{
		{name: "none"},
		{name: "strong", etag: `"a"`, wantETag: `"a"`},
		{name: "weak stays weak", etag: `W/"a"`, wantETag: `W/"a"`},
		{name: "unquoted", etag: "abc", wantETag: "abc"},
		{name: "same as before", etag: `"a"`, old: State{ETag: `"a"`}, wantETag: `"a"`},
		{name: "gone", old: State{ETag: `"a"`, LastModified: noon}},
		{name: "control characters could never be sent", etag: "\"a\x01\""},
		{name: "too long to keep", etag: strings.Repeat("x", maxValidator+1)},
		{name: "settled", modified: noon, date: wellBeyond, wantDate: noon},
		{name: "may change within its second", modified: noon, date: noon},
		{name: "clocks differ by a second", modified: noon, date: justAfter},
		{name: "no date to compare with", modified: noon},
		{name: "date is no date", modified: noon, date: "today"},
		{name: "modified is no date", modified: "yesterday", date: noon},
		{name: "modified later than sent", modified: wellBeyond, date: noon},
		{name: "known to be settled", modified: noon, old: State{LastModified: noon}, wantDate: noon},
	}
	for _, tt := range tests {
		h := http.Header{}
		for name, v := range map[string]string{"Etag": tt.etag, "Last-Modified": tt.modified, "Date": tt.date} {
			if v != "" {
				h.Set(name, v)
			}
		}
		etag, modified := validators(h, tt.old)
		if etag != tt.wantETag || modified != tt.wantDate {
			t.Errorf("%s: validators = %q, %q, want %q, %q", tt.name, etag, modified, tt.wantETag, tt.wantDate)
		}
	}
}
