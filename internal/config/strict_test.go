package config

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const examplePath = "../../config.example.yaml"

// structNode is a mapping of the example, with the struct type it decodes into.
type structNode struct {
	path string
	node *yaml.Node
	typ  reflect.Type
}

// structNodes finds every mapping of a document that decodes into a struct.
func structNodes(p place, t reflect.Type, keys keyring) []structNode {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var found []structNode
	switch {
	case t == reflect.TypeFor[LimitRef]():
		t = reflect.TypeFor[Rate]()
	case t == reflect.TypeFor[Auth]():
		kind, _ := p.key("type")
		for _, k := range kindsOf(reflect.TypeFor[Auth]()) {
			if k.name == kind.node.Value {
				t = k.typ
			}
		}
	case t == reflect.TypeFor[Pagination]():
		kind, _ := p.key("type")
		for _, k := range kindsOf(reflect.TypeFor[Pagination]()) {
			if k.name == kind.node.Value {
				t = k.typ
			}
		}
	case t.Kind() == reflect.Slice:
		for _, item := range p.items() {
			found = append(found, structNodes(item, t.Elem(), keys)...)
		}
	}
	if p.node.Kind != yaml.MappingNode || t.Kind() != reflect.Struct || len(keys.fields(t)) == 0 {
		return found
	}
	found = append(found, structNode{p.path, p.node, t})
	for _, f := range keys.fields(t) {
		if below, ok := p.key(f.key); ok {
			found = append(found, structNodes(below, f.typ, keys)...)
		}
	}
	return found
}

// structTypes finds every struct type that a configuration can hold.
func structTypes(t reflect.Type, keys keyring, found map[reflect.Type]bool) {
	switch t {
	case reflect.TypeFor[LimitRef]():
		t = reflect.TypeFor[Rate]()
	case reflect.TypeFor[Auth]():
		for _, kind := range kindsOf(reflect.TypeFor[Auth]()) {
			structTypes(kind.typ, keys, found)
		}
	case reflect.TypeFor[Pagination]():
		for _, kind := range kindsOf(reflect.TypeFor[Pagination]()) {
			structTypes(kind.typ, keys, found)
		}
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		structTypes(t.Elem(), keys, found)
	case reflect.Struct:
		for _, f := range keys.fields(t) {
			found[t] = true
			structTypes(f.typ, keys, found)
		}
	}
}

func mustDocument(tb testing.TB, file string, data []byte) *document {
	tb.Helper()
	doc, err := readDocument(file, data, "")
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}

// TestUnknownKeysAtEveryLevel puts a key that does not exist into each mapping
// of the example in turn. The example has all struct types.
func TestUnknownKeysAtEveryLevel(t *testing.T) {
	t.Parallel()
	data := mustRead(t, examplePath)
	keys := make(keyring)
	all := structNodes(mustDocument(t, "example", data).top(), reflect.TypeFor[Config](), keys)
	missing := make(map[reflect.Type]bool)
	structTypes(reflect.TypeFor[Config](), keys, missing)
	for i, one := range all {
		delete(missing, one.typ)
		doc := mustDocument(t, "example", data)
		node := structNodes(doc.top(), reflect.TypeFor[Config](), keys)[i].node
		node.Content = append(node.Content,
			&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "qqqqqqqqqq", Line: 999, Column: 9},
			&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "x", Line: 999, Column: 12})
		_, err := parseDocument(doc, fakeLookup(), keys)
		var errs Errors
		if !errors.As(err, &errs) || len(errs) != 1 {
			t.Errorf("%s: got %v, want one mistake", one.path, err)
			continue
		}
		got := errs[0]
		if got.Path != joinPath(one.path, "qqqqqqqqqq") || got.Line != 999 || got.Column != 9 ||
			!strings.HasPrefix(got.Message, `unknown key "qqqqqqqqqq"; the keys here are `+keys.fields(one.typ)[0].key) {
			t.Errorf("%s: got %v", one.path, got)
		}
	}
	if len(missing) > 0 {
		t.Errorf("not tried: %v", missing)
	}
}

// TestMisspeltKeys leaves a letter out of every key that exists.
func TestMisspeltKeys(t *testing.T) {
	t.Parallel()
	keys := make(keyring)
	types := make(map[reflect.Type]bool)
	structTypes(reflect.TypeFor[Config](), keys, types)
	for typ := range types {
		for _, f := range keys.fields(typ) {
			if len(f.key) < 6 {
				continue
			}
			typo := f.key[:3] + f.key[4:]
			d := &decoder{keyring: keys, owner: typ}
			if got, _ := d.meantKey(typ, typo); got != f.key {
				t.Errorf("%s: %s is taken for %q, want %q", typ, typo, got, f.key)
			}
		}
	}
}

// TestOtherWords holds what people write in place of a key to be no key itself.
func TestOtherWords(t *testing.T) {
	t.Parallel()
	keys := make(keyring)
	types := make(map[reflect.Type]bool)
	structTypes(reflect.TypeFor[Config](), keys, types)
	for typ := range types {
		meant := make(map[string]string)
		for _, f := range keys.fields(typ) {
			for _, word := range f.aka {
				if _, exists := keys.field(typ, word); exists {
					t.Errorf("%s: %s is a key of its own", typ, word)
				}
				if other, taken := meant[word]; taken {
					t.Errorf("%s: %s stands for %s and for %s", typ, word, other, f.key)
				}
				meant[word] = f.key
			}
		}
	}
}
