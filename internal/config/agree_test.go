package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"gopkg.in/yaml.v3"
)

// odd are values of every kind, right for some keys and wrong for most.
func odd() []string {
	return []string{
		"''", "x", "a b", "'1'", "0", "1", "-1", "5", "2.5", "1000000", "true", "false", "null", "~", "yes", "0x10", "1e3", ".inf", ".nan",
		"5s", "0s", "1d", "400d", "10MiB", "0B", "50%", "200%", "[]", "[1]", "[a]", "[a, a]", "[null]", "[[]]", "{}", "{a: b}", "{a: null}", "{a: [1, b]}",
		"'${PORT}'", "'${INTERVAL}'", "'${NOT_SET}'", "'${NOT_SET:-true}'", "'$${x}'", "2027-01-01", "2027-01-01T00:00:00Z", "10.0.0.0/8", "'::1'",
		"https://a.example.com/", "http://user@a.example.com", "'@every 5m'", "'* * * * *'", "Europe/Berlin", "GET", "newest", "text", "github", "ops",
		"[created]", "[deleted]", "{type: bearer, token: a}", "{type: bearer}", "{requests: 1, per: 1s}", "{key: id}",
		"[{value: " + goodSecret + "}]", "[" + goodSecret + "]", "[{value: '${OPS_SECRET}', until: 2030-01-01T00:00:00Z}, " + otherSecret + "]",
		"[201, 204]", "[100]", "[5s, 1d]", "[10.0.0.0/8, '::1']", "application/json", "shop.order", "'line\nbreak'", "\"a\\nb\"", "é", "'a\u2028b'",
	}
}

// oddShare is the share of the odd values that a key is given, one of so many;
// the next key is given the next ones. POLLWIRE_ODD=all gives all to all.
const oddShare = 24

// TestEveryKeyWithOddValues puts odd values into every key of the example.
// Whatever comes of it, each mistake has its place at the key or names it, and
// what is loaded fits the schema: an editor must not warn of what works.
func TestEveryKeyWithOddValues(t *testing.T) {
	t.Parallel()
	o := oddValues{schema: mustResolve(t), keys: make(keyring), lookup: fakeLookup(), tried: make(map[string]bool), every: oddShare}
	if os.Getenv("POLLWIRE_ODD") == "all" {
		o.every = 1
	}
	for _, example := range oneSourceExamples(t) {
		o.try(t, example)
	}
	if least := 800 / o.every; o.taken < least {
		t.Errorf("only %d values were taken, want at least %d", o.taken, least)
	}
}

// oddValues is what TestEveryKeyWithOddValues has tried.
type oddValues struct {
	schema *jsonschema.Resolved
	keys   keyring
	lookup Lookup
	tried  map[string]bool
	taken  int
	// every is the share of the values that each key is given.
	every int
}

func (o *oddValues) try(t *testing.T, example *yaml.Node) {
	t.Helper()
	for _, one := range structNodes(place{doc: &document{}, node: example}, reflect.TypeFor[Config](), o.keys) {
		for j := 1; j < len(one.node.Content); j += 2 {
			key := one.node.Content[j-1].Value
			if o.tried[one.typ.Name()+key] {
				continue // one source has it like the other
			}
			o.tried[one.typ.Name()+key] = true
			written := one.node.Content[j]
			for n, text := range odd() {
				if (len(o.tried)+n)%o.every > 0 {
					continue
				}
				one.node.Content[j] = valueNode(text, written)
				o.load(t, joinPath(one.path, key), text, example)
			}
			one.node.Content[j] = written
		}
	}
}

// load loads a document that has an odd text at path.
func (o *oddValues) load(t *testing.T, path, text string, root *yaml.Node) {
	t.Helper()
	doc := &document{file: "example", root: clone(root)} // loading merges defaults into it
	if _, err := parseDocument(doc, o.lookup, o.keys); err != nil {
		checkPlaces(t, path, text, err)
		return
	}
	o.taken++
	if err := o.schema.Validate(jsonOf(t, mustYAML(t, root))); err != nil {
		t.Errorf("%s: %s is loaded, but the schema says: %v", path, text, err)
	}
}

// oneSourceExamples are the example with each of its sources alone: to load all
// of them for every value takes most of a minute.
func oneSourceExamples(tb testing.TB) []*yaml.Node {
	tb.Helper()
	example := mustDocument(tb, "example", mustRead(tb, examplePath)).top()
	sources, _ := example.key("sources")
	all := sources.node.Content
	examples := make([]*yaml.Node, len(all))
	for i, source := range all {
		sources.node.Content = []*yaml.Node{source}
		examples[i] = clone(example.node)
	}
	return examples
}

// clone copies a node and all below it.
func clone(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, below := range n.Content {
		c.Content[i] = clone(below)
	}
	return &c
}

func mustYAML(tb testing.TB, n *yaml.Node) []byte {
	tb.Helper()
	text, err := yaml.Marshal(n)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// valueNode is a value with the position of another.
func valueNode(text string, at *yaml.Node) *yaml.Node {
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		panic(text + ": " + err.Error())
	}
	value := n.Content[0]
	value.Line, value.Column = at.Line, at.Column
	return value
}

// checkPlaces holds mistakes to the key that was changed, or to one that goes
// with it.
func checkPlaces(t *testing.T, path, text string, err error) {
	t.Helper()
	var errs Errors
	if !errors.As(err, &errs) {
		t.Errorf("%s: %s gives %T", path, text, err)
		return
	}
	last := path[strings.LastIndexByte(path, '.')+1:]
	element, _, _ := strings.Cut(path, ".")
	for _, e := range errs {
		near := strings.HasPrefix(e.Path, path) || strings.HasPrefix(path, e.Path) || strings.HasPrefix(e.Path, element+".") ||
			slices.Contains([]string{"name", "rate_limits", "endpoints", "defaults", "request", "headers", "timezone"}, last) || strings.Contains(e.Message, last)
		if !near || e.Line == 0 || e.Message == "" {
			t.Errorf("%s: %s gives %v", path, text, e)
		}
	}
}

// TestReferenceFitsEveryScalar holds the schema and the loader to take a
// reference for every scalar.
func TestReferenceFitsEveryScalar(t *testing.T) {
	t.Parallel()
	schema, keys, lookup := mustResolve(t), make(keyring), fakeLookup()
	for n, example := range oneSourceExamples(t) {
		for _, one := range structNodes(place{doc: &document{}, node: example}, reflect.TypeFor[Config](), keys) {
			if n > 0 && !strings.HasPrefix(one.path, "sources") {
				continue // the first example had it
			}
			for j := 1; j < len(one.node.Content); j += 2 {
				path := joinPath(one.path, one.node.Content[j-1].Value)
				old := one.node.Content[j]
				if old.Kind != yaml.ScalarNode || hasReference(old.Value) || strings.HasSuffix(path, ".type") {
					continue
				}
				one.node.Content[j] = valueNode("'${NOT_SET:-"+old.Value+"}'", old)
				if _, err := parseDocument(&document{file: "example", root: clone(example)}, lookup, keys); err != nil {
					t.Errorf("%s takes no reference: %v", path, err)
				}
				if err := schema.Validate(jsonOf(t, mustYAML(t, example))); err != nil {
					t.Errorf("%s: the schema takes no reference: %v", path, err)
				}
				one.node.Content[j] = old
			}
		}
	}
}

func TestManyMistakesAreAllTold(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("sources:\n")
	for i := range 500 {
		fmt.Fprintf(&b, "  - {name: s%d, schedule: x%d, request: {url: \"https://a.example.com\", timeout: %d}}\n", i, i, i+1)
	}
	_, err := Parse("c.yaml", []byte(b.String()), Lookup{})
	var errs Errors
	if !errors.As(err, &errs) || len(errs) != 1000 {
		t.Errorf("%d mistakes are told, want 1000", len(errs))
	}
}
