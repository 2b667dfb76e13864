package config

import (
	"net/http"
	"strings"
	"testing"
)

func TestGraphQLIsSentByPost(t *testing.T) {
	t.Parallel()
	const source = `{url: "https://api.example.com/graphql", graphql: {query: "{ a(b: \"<x>\") }", variables: {n: 1.50, s: "${NAME}", none: null}}}`
	for name, text := range map[string]string{
		"without a method": source,
		"with its method":  strings.Replace(source, "graphql\", ", "graphql\", method: POST, ", 1),
	} {
		c, err := Parse("test.yaml", []byte("sources:\n  - {name: a, schedule: \"@hourly\", request: "+text+"}\n"), lookupOf(map[string]string{"NAME": `"q"`}, nil))
		if err != nil {
			t.Fatal(err)
		}
		r := &c.Sources[0].Request
		const want = `{"query":"{ a(b: \"<x>\") }","variables":{"n":1.50,"s":"\"q\"","none":null}}`
		if got := string(r.GraphQL.Body()); r.Method != http.MethodPost || got != want {
			t.Errorf("%s: %s %s, want %s", name, r.Method, got, want)
		}
	}
	g := GraphQL{Query: NewSecret("{ a }")}
	if got := string(g.Body()); got != `{"query":"{ a }"}` {
		t.Errorf("without variables: %s", got)
	}
}
