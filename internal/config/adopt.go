package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// adopted are the keys that an included file may hold. What it lists under them
// comes after what the main file lists.
func adopted() []string { return []string{"rate_limits", "sources", "endpoints"} }

// adopter puts what included files hold into the lists of the main one. Each
// element keeps its place, so that a mistake is shown where it was written.
type adopter struct {
	*decoder
	main  *document
	lists map[string][]place
}

// adopt puts what files hold into the main document.
func (d *decoder) adopt(main *document, files []*document) {
	include, ok := main.top().key("include")
	if !ok {
		return
	}
	a := &adopter{decoder: d, main: main, lists: make(map[string][]place)}
	for _, file := range files {
		a.file(file.top())
	}
	for _, key := range adopted() {
		a.extend(key, include)
	}
}

func (a *adopter) file(top place) {
	switch {
	case a.bad[top.node]:
	case len(top.node.Content) == 0:
		a.add(top, "the file holds nothing: %s", wantedInFile)
	case isSourceAlone(top):
		a.lists["sources"] = append(a.lists["sources"], a.alone(top))
	default:
		for _, e := range top.entries() {
			if slices.Contains(adopted(), e.name) {
				a.list(e)
			} else if isKey(e.key.node) {
				a.refuse(e)
			}
		}
	}
}

// wantedInFile says what an included file holds.
const wantedInFile = "it lists sources, endpoints or rate_limits, or is one source with name, schedule and request"

// isSourceAlone says whether a file is one source and lists nothing.
func isSourceAlone(top place) bool {
	has := func(keys ...string) bool {
		return slices.ContainsFunc(keys, func(key string) bool {
			_, ok := top.key(key)
			return ok
		})
	}
	return !has(adopted()...) && has("name", "schedule", "request") && !has("url", "secrets", "requests", "per")
}

// isKey says whether a node can be a key. The others are refused already.
func isKey(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() != "!!merge" && !isNull(node)
}

// alone is a source that is a whole file, without what is none of its keys but
// one of the main file's.
func (a *adopter) alone(top place) place {
	source := *top.node
	source.Content = nil
	for _, e := range top.entries() {
		_, known := a.field(reflect.TypeFor[Source](), e.name)
		if _, ofMain := a.field(reflect.TypeFor[Config](), e.name); ofMain && !known {
			a.refuse(e)
			continue
		}
		source.Content = append(source.Content, e.key.node, e.value.node)
	}
	return place{doc: top.doc, node: &source}
}

func (a *adopter) list(e entry) {
	switch {
	case a.bad[e.value.node]:
	case isNull(e.value.node):
		a.fail(e.value, noValue)
	case e.value.node.Kind != yaml.SequenceNode:
		a.fail(e.value, noList, describe(e.value.node))
	default:
		a.lists[e.name] = append(a.lists[e.name], e.value.items()...)
	}
}

// refuse says where a key belongs that an included file cannot have.
func (a *adopter) refuse(e entry) {
	_, ofMain := a.field(reflect.TypeFor[Config](), e.name)
	_, ofSource := a.field(reflect.TypeFor[Source](), e.name)
	switch meant, _ := a.meantKey(reflect.TypeFor[Config](), e.name); {
	case e.name == "include":
		a.add(e.key, "an included file includes no others: name them in include of %s", a.main.file)
	case ofMain:
		a.add(e.key, "%s belongs into the main file, %s; an included file may list sources, endpoints and rate_limits", e.name, a.main.file)
	case ofSource:
		a.add(e.key, "%s is a key of a source, and this file is none: it belongs into an element of sources", e.name)
	case meant != "":
		a.add(e.key, "unknown key %s; did you mean %q?", quote(e.name), meant)
	default:
		a.add(e.key, "unknown key %s in an included file; %s", quote(e.name), wantedInFile)
	}
}

// extend appends what was found to a list of the main document. Where nobody
// has a source, that is so however the list is missing.
func (a *adopter) extend(key string, include place) {
	found := a.lists[key]
	nodes := make([]*yaml.Node, len(found))
	for i, p := range found {
		nodes[i] = p.node
		a.main.written[p.node] = p
	}
	root := a.main.root
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != key {
			continue
		}
		if old := root.Content[i+1]; old.Kind == yaml.SequenceNode && !a.bad[old] {
			list := *old
			list.Content = slices.Concat(old.Content, nodes)
			root.Content[i+1] = &list
		}
		return
	}
	if len(found) == 0 && key != "sources" {
		return
	}
	at := include.node
	root.Content = append(root.Content,
		&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key, Line: at.Line, Column: at.Column},
		&yaml.Node{Kind: yaml.SequenceNode, Content: nodes, Line: at.Line, Column: at.Column})
}

// origin is where an element of a list is written; file is empty for the main one.
type origin struct{ file, path string }

// origins are those of the elements of the lists that included files add to.
func origins(main *document) map[string][]origin {
	all := make(map[string][]origin)
	for _, key := range adopted() {
		list, _ := main.top().key(key)
		for _, p := range list.items() {
			o := origin{path: p.path}
			if p.doc != main {
				o.file = p.doc.file
			}
			all[key] = append(all[key], o)
		}
	}
	return all
}

// at is the place of an element, or of what is below it, such as
// sources[2].request.url; with the file where it is an included one.
func (o origin) at(below string) string {
	path := strings.Trim(o.path+"."+below, ".")
	if o.file == "" {
		return path
	}
	return strings.TrimSuffix(o.file+": "+path, ": ")
}

// origin is where an element of a list is written.
func (c *Config) origin(list string, i int) origin {
	if known := c.origins[list]; i < len(known) {
		return known[i]
	}
	return origin{path: fmt.Sprintf("%s[%d]", list, i)}
}

// seenFrom names a place in a message at another one.
func (p place) seenFrom(other place) string {
	if p.doc == other.doc {
		return fmt.Sprintf("%s on line %d", p.path, p.node.Line)
	}
	return fmt.Sprintf("%s in %s:%d:%d", cmp.Or(p.path, "the source"), p.doc.file, p.node.Line, p.node.Column)
}
