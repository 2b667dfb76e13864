package diff

import (
	"errors"
	"strings"
	"testing"
)

// TestXMLBounds: what a document can make of a prefix or a namespace that it
// declares once is bounded, so that it cannot take all memory or time.
func TestXMLBounds(t *testing.T) {
	t.Parallel()
	prefix := strings.Repeat("p", 100_000)
	declared := `<r xmlns:q="u"><x xmlns:` + prefix + `="u">`
	var names strings.Builder
	for i := range 1000 {
		names.WriteString("<q:a" + strings.Repeat("b", i) + "/>")
	}
	for name, test := range map[string]struct{ body, want string }{
		"prefix in many names":  {declared + names.String() + "</x></r>", "its names take too much memory"},
		"prefix in many places": {declared + strings.Repeat("<b><q:a/></b>", 1000) + "</x></r>", "it takes more than 16777216 bytes"},
		"long namespace":        {`<r xmlns:q="` + strings.Repeat("u", maxSpace+1) + `"/>`, "the name of a namespace is longer than 4096 bytes"},
	} {
		_, err := Compare(nil, []byte(test.body), mustCompile(t, Options{Format: XML}))
		if !errors.Is(err, ErrInvalidXML) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %.200v", name, err)
		}
	}
}
