package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/poller"
)

// TestFormatsThatFlip: by its content type an answer may not become another
// thing by itself; the error says what to do if that is meant.
func TestFormatsThatFlip(t *testing.T) {
	t.Parallel()
	const page, thing = "<h1>Maintenance</h1>", `{"v":1}`
	r := newRig(t, document())
	r.mustPoll(thing)
	for contentType, want := range map[string]string{
		"text/plain": "the answer is text (text/plain), but was json before; if that is meant, set format: text",
		"text/html":  "content type text/html: the answer is a web page, such as an error page or a login page; if a page is what you watch, set format: text",
	} {
		if err := r.pollAs(contentType, page); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	r.wantStory(r.mustPoll(`{"v":2}`), "updated ")

	r.source.Format = diff.Text // as the error says
	r.restart()
	if err := r.pollAs("text/html", page); err != nil {
		t.Fatal(err)
	}
	r.wantStory(r.news(), "source.rebaselined")
	r.source.Format = "" // it is what it was now
	r.restart()
	if err := r.pollAs("text/plain", page+"!"); err != nil {
		t.Fatal(err)
	}
	r.wantStory(r.news(), "updated ")
	err := r.poll(thing)
	want := "the answer is json (application/json), but was text before; if that is meant, set format: json"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestPageInXHTML: an error page that is XML and is sent as such is none of the
// documents that an API sends.
func TestPageInXHTML(t *testing.T) {
	t.Parallel()
	r := newRig(t, document())
	if err := r.pollAs("text/xml", "<status><db>up</db></status>"); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{
		"<html><body>down</body></html>", "\uFEFF <?xml version=\"1.0\"?>\n<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\"/>", "<HTML\n/>",
	} {
		if err := r.pollAs("application/xml", page); !errors.Is(err, errPage) {
			t.Errorf("%s: %v", page, err)
		}
	}
	if err := r.pollAs("text/xml", "<status><html>down</html></status>"); err != nil {
		t.Fatal(err)
	}
	r.wantStory(r.news(), "updated ")
	for _, other := range []string{"<html5/>", "<h/>", "<?xml version=\"1.0\"", "<html"} {
		if err := r.pollAs("text/xml", other); errors.Is(err, errPage) {
			t.Errorf("%s: %v", other, err)
		}
	}
}

// TestFormatByContentType: the type is believed where it says JSON; else the
// body decides, and only objects and arrays count as JSON then, since 1.10 in a
// text is another version than 1.1.
func TestFormatByContentType(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		contentType, body string
		want              diff.Format
	}{
		{"application/json", `1.10`, diff.JSON},
		{"application/json", `not json`, diff.JSON},
		{"application/vnd.github+json", `{}`, diff.JSON},
		{"text/json", `{}`, diff.JSON},
		{"text/plain", `{"a":1}`, diff.JSON},
		{"", `[1]`, diff.JSON},
		{"application/octet-stream", " \n[1]", diff.JSON},
		{"text/plain", `1.10`, diff.Text},
		{"text/plain", `"quoted"`, diff.Text},
		{"", `true`, diff.Text},
		{"text/plain", `{"a":1`, diff.Text},
		{"application/x-ndjson", "{}\n{}", diff.NDJSON},
		{"application/jsonl", "{}", diff.NDJSON},
		{"application/json-seq", "\x1E{}\n", diff.NDJSON},
		{"text/plain", "{}\n{}", diff.Text},
		{"application/xml", "<a/>", diff.XML},
		{"text/xml", "not XML", diff.XML},
		{"text/xml", `{"a":1}`, diff.JSON},
		{"application/rss+xml", "", diff.XML},
		{"image/svg+xml", "<svg/>", diff.XML},
		{"text/plain", "<?xml version='1.0'?><a/>", diff.XML},
		{"", "\uFEFF\n<rss version='2.0'/>", diff.XML},
		{"application/octet-stream", "<feed>", diff.XML},
		{"", "<?xml-stylesheet?>", diff.Text},
		{"", "<feedback>", diff.Text},
		{"", "<rss", diff.Text},
		{"text/plain", "<a/>", diff.Text},
		{"text/csv", "id\n1\n", diff.Text},
		{"", "", diff.Text},
	} {
		s := document()
		o := poller.Observation{ContentType: test.contentType, Body: []byte(test.body)}
		if got, err := s.format(&o); got != test.want || err != nil {
			t.Errorf("%s %q: %s, %v, want %s", test.contentType, test.body, got, err, test.want)
		}
	}
}

// TestFormatOfAList: a list is JSON, or another form where the type or the configuration
// says so; the body of a text cannot tell that it is one.
func TestFormatOfAList(t *testing.T) {
	t.Parallel()
	const rows = "id,v\n1,a\n"
	for _, test := range []struct {
		format            diff.Format
		contentType, body string
		want              diff.Format
	}{
		{"", "application/json", `[]`, diff.JSON},
		{"", "text/csv", rows, diff.CSV},
		{"", "text/csv", "", diff.CSV},
		{"", "text/csv", `[{"id":1}]`, diff.JSON},
		{"", "application/json", rows, diff.JSON},
		{diff.CSV, "text/plain", rows, diff.CSV},
		{diff.CSV, "application/json", `[{"id":1}]`, diff.CSV},
		{diff.JSON, "text/csv", rows, diff.JSON},
		{"", "application/atom+xml", `<feed/>`, diff.XML},
		{"", "application/x-ndjson", `{"id":1}`, diff.NDJSON},
		{diff.XML, "text/plain", `<os/>`, diff.XML},
		{diff.NDJSON, "application/json", `{"id":1}`, diff.NDJSON},
	} {
		s := list()
		s.Format = test.format
		o := poller.Observation{ContentType: test.contentType, Body: []byte(test.body)}
		if got, err := s.format(&o); got != test.want || err != nil {
			t.Errorf("format %q, %s %q: %s, %v, want %s", test.format, test.contentType, test.body, got, err, test.want)
		}
	}
	for contentType, prefix := range map[string]string{"": "content type missing: ", "text/plain": "content type text/plain: "} {
		s := list()
		_, err := s.format(&poller.Observation{ContentType: contentType, Body: []byte(rows)})
		if !errors.Is(err, errListOfText) || !strings.HasPrefix(err.Error(), prefix) {
			t.Errorf("error %v", err)
		}
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	r := newRig(t, document())
	var chain []payload
	for _, text := range []string{"version 1.1\n", "version 1.10\n", "", "back\n", "back\xff\n", "back\xfe\n"} {
		if err := r.pollAs("text/plain", text); err != nil {
			t.Fatal(err)
		}
		for _, e := range r.news() {
			chain = append(chain, dataOf(e))
		}
	}
	want := []struct{ before, after, patch string }{
		{`"version 1.1\n"`, `"version 1.10\n"`, "--- before\n+++ after\n@@ -1 +1 @@\n-version 1.1\n+version 1.10\n"},
		{`"version 1.10\n"`, `""`, "--- before\n+++ after\n@@ -1 +0,0 @@\n-version 1.10\n"},
		{`""`, `"back\n"`, "--- before\n+++ after\n@@ -0,0 +1 @@\n+back\n"},
		{`"back\n"`, "\"back\uFFFD\\n\"", "--- before\n+++ after\n@@ -1 +1 @@\n-back\n+back\uFFFD\n"},
		{"\"back\uFFFD\\n\"", "\"back\uFFFD\\n\"", ""}, // other bytes that are no UTF-8
	}
	if len(chain) != len(want) {
		t.Fatalf("%d changes, want %d", len(chain), len(want))
	}
	for i, c := range chain {
		var patch string
		if err := json.Unmarshal(c.Patch, &patch); err != nil {
			t.Errorf("patch %s of a text: %v", c.Patch, err)
		}
		got := fmt.Sprintf("%s -> %s\n%s", c.Before, c.After, patch)
		if d := cmp.Diff(fmt.Sprintf("%s -> %s\n%s", want[i].before, want[i].after, want[i].patch), got); d != "" || c.Change != "updated" {
			t.Errorf("%d: %s (-want +got):\n%s", i, c.Change, d)
		}
		if i > 0 && c.PreviousHash != chain[i-1].Hash {
			t.Errorf("%d: the hashes do not chain", i)
		}
	}
}
