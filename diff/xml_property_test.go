package diff

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// randomElement is what a document is written from.
type randomElement struct {
	name       int
	attributes []string
	parts      []any // string or *randomElement
}

var randomNames = []string{"a", "b", "p:c", "dc:d"}

func drawElement(t *rapid.T, depth int) *randomElement {
	e := &randomElement{name: rapid.IntRange(0, len(randomNames)-1).Draw(t, "name")}
	for range rapid.IntRange(0, 2).Draw(t, "attributes") {
		e.attributes = append(e.attributes, rapid.StringMatching(`[ -~äß]{0,4}`).Draw(t, "value"))
	}
	if depth == 0 {
		return e
	}
	for range rapid.IntRange(0, 3).Draw(t, "parts") {
		if rapid.Bool().Draw(t, "element") {
			e.parts = append(e.parts, drawElement(t, depth-1))
		} else if last := len(e.parts) - 1; last < 0 || isElementPart(e.parts[last]) {
			e.parts = append(e.parts, rapid.StringMatching(`[!-~äß]([ -~]{0,4}[!-~])?`).Draw(t, "text"))
		}
	}
	return e
}

func isElementPart(part any) bool {
	_, ok := part.(*randomElement)
	return ok
}

// hand is how somebody writes XML.
type hand struct {
	backwards, layout, cdata, comments, rename, closed bool
}

func (h hand) write(e *randomElement, root bool) string {
	var b strings.Builder
	name := randomNames[e.name]
	dc := "dc"
	if h.rename {
		dc = "x"
		name = strings.Replace(name, "dc:", "x:", 1)
	}
	b.WriteString("<" + name)
	if root {
		fmt.Fprintf(&b, ` xmlns:%s="http://purl.org/dc/elements/1.1/" xmlns:p="urn:p"`, dc)
	}
	for i := range e.attributes {
		if h.backwards {
			i = len(e.attributes) - 1 - i
		}
		value := strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&#34;").Replace(e.attributes[i])
		fmt.Fprintf(&b, ` k%d="%s"`, i, value)
	}
	if len(e.parts) == 0 && h.closed {
		return b.String() + "/>"
	}
	b.WriteString(">")
	for _, part := range e.parts {
		if h.layout {
			b.WriteString("\n\t")
		}
		if child, ok := part.(*randomElement); ok {
			b.WriteString(h.write(child, false))
			continue
		}
		b.WriteString(h.text(part.(string)))
	}
	if h.layout {
		b.WriteString("\n")
	}
	return b.String() + "</" + name + ">"
}

func (h hand) text(text string) string {
	if h.cdata {
		return "<![CDATA[" + strings.ReplaceAll(text, "]]>", "]]]]><![CDATA[>") + "]]>"
	}
	text = strings.NewReplacer("&", "&#x26;", "<", "&lt;", "]]>", "]]&gt;").Replace(text)
	if h.comments {
		return "<!-- - -->" + text + "<?x?>"
	}
	return text
}

// TestXMLMeansTheSameByAnyHand: layout, the order of attributes, CDATA, comments
// and the prefixes of well-known namespaces make no difference.
func TestXMLMeansTheSameByAnyHand(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := drawElement(t, 3)
		plain := hand{}.write(e, true)
		want, err := xmlDocument([]byte(plain), false, nil)
		if err != nil {
			t.Fatalf("%v: %s", err, plain)
		}
		other := hand{
			rapid.Bool().Draw(t, "backwards"), rapid.Bool().Draw(t, "layout"), rapid.Bool().Draw(t, "cdata"),
			rapid.Bool().Draw(t, "comments"), rapid.Bool().Draw(t, "rename"), rapid.Bool().Draw(t, "closed"),
		}.write(e, true)
		got, err := xmlDocument([]byte(other), false, nil)
		if err != nil {
			t.Fatalf("%v: %s", err, other)
		}
		x, y := mustHash(t, want), mustHash(t, got)
		if x != y {
			t.Errorf("%s\nis   %s\n%s\nis   %s", plain, want, other, got)
		}
		result, err := Compare([]byte(plain), []byte(other), mustRules(t, Options{Format: XML}))
		if err != nil || len(result.Changes) > 0 {
			t.Errorf("%d changes (%v)", len(result.Changes), err)
		}
	})
}

func mustHash(t *rapid.T, value []byte) string {
	t.Helper()
	sum, err := Hash(value)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func mustRules(t *rapid.T, o Options) *Rules {
	t.Helper()
	r, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestXMLGrowsWithinBounds: neither many names nor many prefixes nor deep
// elements make time or memory out of proportion to what was sent.
func TestXMLGrowsWithinBounds(t *testing.T) {
	t.Parallel()
	var names, prefixes, mixed strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&names, "<n%d/>", i)
		fmt.Fprintf(&prefixes, "<a xmlns:p%d='urn:%d'><p%d:b/></a>", i, i, i)
		mixed.WriteString("x<b/>")
	}
	for name, body := range map[string]string{
		"names":    "<r>" + names.String() + "</r>",
		"prefixes": "<r>" + prefixes.String() + "</r>",
		"mixed":    "<r>" + mixed.String() + "</r>",
		"deep":     strings.Repeat("<a>", 9_999) + strings.Repeat("x", 1<<20) + strings.Repeat("</a>", 9_999),
		"small":    "<r>" + strings.Repeat("<a/>", 200_000) + "</r>",
	} {
		got, err := xmlDocument([]byte(body), false, nil)
		if err != nil || len(got) > 4*len(body) {
			t.Errorf("%s: %d bytes became %d (%v)", name, len(body), len(got), err)
		}
	}
}
