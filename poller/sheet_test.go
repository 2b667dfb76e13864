package poller

import (
	"errors"
	"testing"

	"github.com/pollwire/pollwire/diff"
)

// TestSheetOfEachFormat: items are counted, and the last one is found, in
// whatever a page is written, told by the configuration or by its type.
func TestSheetOfEachFormat(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		format            diff.Format
		contentType, path string
		body              string
		count             int
		last              string
	}{
		{"", "application/json", "data", `{"data":[{"id":1},{"id":2}]}`, 2, `{"id":2}`},
		{"", "", "", `[{"id":1}]`, 1, `{"id":1}`},
		{"", "text/csv", "", "id\n1\n2\n", 2, ""},
		{"", "application/x-ndjson", "", "{\"id\":1}\n{\"id\":2}\n", 2, `{"id":2}`},
		{diff.NDJSON, "text/plain", "", "{\"id\":1}\n", 1, `{"id":1}`},
		{"", "application/xml", "r.i", `<r><i id="1"/><i id="2"/></r>`, 2, `{"@id":"2"}`},
		{"", "", "r.i", `<?xml version="1.0"?><r><i id="1"/></r>`, 1, `{"@id":"1"}`},
		{diff.XML, "text/plain", "r.i", `<r></r>`, 0, ""},
	} {
		sh, err := newSheet(&Observation{ContentType: test.contentType, Body: []byte(test.body)}, &Source{Format: test.format, Items: test.path})
		if err != nil || sh.count != test.count || sh.last().Raw != test.last {
			t.Errorf("%s: %d items, last %s: %v", test.body, sh.count, sh.last().Raw, err)
		}
	}
	for contentType, body := range map[string]string{
		"application/xml": "<r>", "application/x-ndjson": "{\n", "application/json": "[", "text/html": "<html></html>", "": "sorry",
	} {
		if _, err := newSheet(&Observation{ContentType: contentType, Body: []byte(body)}, &Source{Items: "r.i"}); !errors.Is(err, errNoList) {
			t.Errorf("%s %s: error %v", contentType, body, err)
		}
	}
}
