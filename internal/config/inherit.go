package config

import (
	"net/textproto"
	"reflect"

	"gopkg.in/yaml.v3"
)

// inherit merges defaults into every source, before anything is decoded: so
// each source is decoded and checked as what it is in the end. A source's own
// key wins. Mappings are merged key by key; lists, and what is tagged whole,
// are replaced. An explicit null in a source takes a default away.
func inherit(doc *document, keys keyring) {
	top := doc.top()
	base := &yaml.Node{Kind: yaml.MappingNode}
	if p, ok := top.key("defaults"); ok && p.node.Kind == yaml.MappingNode {
		base = p.node
		remember(p, doc.written)
	}
	sources, _ := top.key("sources")
	for i, source := range sources.items() {
		if source.node.Kind == yaml.MappingNode {
			merged := merge(source.node, base, reflect.TypeFor[Source](), keys)
			sources.node.Content[i] = merged
			if source.doc != doc {
				doc.written[merged] = place{source.doc, merged, source.path}
			}
		}
	}
}

// remember notes the places of all nodes below p.
func remember(p place, written map[*yaml.Node]place) {
	for _, e := range p.entries() {
		written[e.key.node], written[e.value.node] = e.key, e.value
		remember(e.value, written)
	}
	for _, item := range p.items() {
		written[item.node] = item
		remember(item, written)
	}
}

// merge returns own with what it lacks from base. Both are mappings of type t.
func merge(own, base *yaml.Node, t reflect.Type, keys keyring) *yaml.Node {
	merged := *own
	merged.Content = make([]*yaml.Node, 0, len(own.Content)+len(base.Content))
	taken := make(map[string]bool)
	for i := 0; i+1 < len(own.Content); i += 2 {
		key, value := own.Content[i], own.Content[i+1]
		taken[canonicalKey(key.Value, t)] = true
		below, mergeable := mergesInto(key.Value, t, keys)
		switch {
		case isNull(value) && value.Value != "" && below != nil:
			continue // an explicit null
		case mergeable && value.Kind == yaml.MappingNode:
			inherited := find(base, key.Value, t)
			if inherited == nil || inherited.Kind != yaml.MappingNode {
				inherited = &yaml.Node{Kind: yaml.MappingNode}
			}
			value = merge(value, inherited, below, keys)
		}
		merged.Content = append(merged.Content, key, value)
	}
	for i := 0; i+1 < len(base.Content); i += 2 {
		key, value := base.Content[i], base.Content[i+1]
		below, mergeable := mergesInto(key.Value, t, keys)
		if taken[canonicalKey(key.Value, t)] || below == nil || isOwn(key.Value, t) {
			continue
		}
		if mergeable && value.Kind == yaml.MappingNode {
			// What is missing in the result is missing in the source.
			empty := &yaml.Node{Kind: yaml.MappingNode, Line: own.Line, Column: own.Column}
			value = merge(empty, value, below, keys)
		}
		merged.Content = append(merged.Content, key, value)
	}
	return &merged
}

// mergesInto is the type of a key's value, nil if the key is not known, and
// whether two values of it are merged.
func mergesInto(key string, t reflect.Type, keys keyring) (reflect.Type, bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), false
	}
	f, ok := keys.field(t, key)
	if !ok {
		return nil, false
	}
	below := f.typ
	if below.Kind() == reflect.Pointer {
		below = below.Elem()
	}
	isMapping := below.Kind() == reflect.Map || below.Kind() == reflect.Struct && !isText(below)
	return below, isMapping && !f.whole
}

// canonicalKey is what makes two keys one: headers differ in more than case.
func canonicalKey(key string, t reflect.Type) string {
	if t == reflect.TypeFor[Headers]() {
		return textproto.CanonicalMIMEHeaderKey(key)
	}
	return key
}

// find is the value of a key, nil if there is none.
func find(mapping *yaml.Node, key string, t reflect.Type) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if canonicalKey(mapping.Content[i].Value, t) == canonicalKey(key, t) {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// isOwn says whether a key is one that each source has for itself.
func isOwn(key string, t reflect.Type) bool {
	return t == reflect.TypeFor[Source]() && (key == "name" || key == "formerly")
}
