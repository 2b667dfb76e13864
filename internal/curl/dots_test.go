package curl

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestDotsOfAPath: curl takes them out of a path before it asks, and a source does
// not: they are not in its address.
func TestDotsOfAPath(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"https://a.example/a/../b":              "https://a.example/b",
		"https://a.example/a/./b/.":             "https://a.example/a/b/",
		"https://a.example/../../a/..":          "https://a.example/",
		"https://a.example/a//../b":             "https://a.example/a/b",
		"https://a.example/a/...?x=../y":        "https://a.example/a/...",
		"https://a.example/$ID/../b":            "https://a.example/b",
		"--path-as-is https://a.example/a/../b": "https://a.example/a/../b",
	} {
		if got, err := Parse("curl "+args, nil); err != nil || got.URL != want {
			t.Errorf("%s: %+v, %v, want %s", args, got, err, want)
		} else if len(got.Passed) > 0 {
			t.Errorf("%s: left out: %q", args, got.Passed)
		}
	}
}

// TestAsksForThePathThatCurlDoes draws paths.
func TestAsksForThePathThatCurlDoes(t *testing.T) {
	t.Parallel()
	needCurl(t)
	rec := newRecorder(t)
	rapid.Check(t, func(t *rapid.T) {
		path := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b.c", ".", "..", "...", ".d"}), 1, 7).Draw(t, "segments"), "/")
		line := "curl -s -o /dev/null "
		if rapid.Bool().Draw(t, "as it is") {
			line += "--path-as-is "
		}
		sameAsCurl(t, rec, line+quoteWord(rec.URL+"/"+path))
	})
}
