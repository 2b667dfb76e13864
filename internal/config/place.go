package config

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// document is one YAML file, parsed.
type document struct {
	file string
	root *yaml.Node
	// text is the file as it was read.
	text []byte
	// written are the places of nodes that stand elsewhere than what they are
	// part of: those below defaults, which a source inherits, and the elements
	// that an included file adds to a list. So a mistake is shown where it was
	// written. All documents of a configuration share it.
	written map[*yaml.Node]place
}

// place is a node of a document together with the way to it.
type place struct {
	doc  *document
	node *yaml.Node
	path string
}

func (d *document) top() place {
	return place{doc: d, node: d.root}
}

// isPlainKey says whether a key needs no quotes in a path.
func isPlainKey(key string) bool {
	return key != "" && len(key) <= 80 && !strings.ContainsFunc(key, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}

// joinPath appends a key to a path.
func joinPath(path, key string) string {
	if !isPlainKey(key) {
		return path + "[" + quote(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// step goes on to a node below p.
func (p place) step(node *yaml.Node, path string) place {
	if written, ok := p.doc.written[node]; ok {
		return written
	}
	return place{doc: p.doc, node: node, path: path}
}

// key is the value of a key; false if it is not written, or p is no mapping.
func (p place) key(name string) (place, bool) {
	if p.node.Kind != yaml.MappingNode {
		return p, false
	}
	for i := 0; i+1 < len(p.node.Content); i += 2 {
		if p.node.Content[i].Value == name {
			return p.step(p.node.Content[i+1], joinPath(p.path, name)), true
		}
	}
	return p, false
}

// find follows keys, separated by dots. If one of them is not written it
// returns the last place on the way, and false.
func (p place) find(keys string) (place, bool) {
	for name := range strings.SplitSeq(keys, ".") {
		next, ok := p.key(name)
		if !ok {
			return p, false
		}
		p = next
	}
	return p, true
}

// items are the elements of a list; none if p is no list.
func (p place) items() []place {
	if p.node.Kind != yaml.SequenceNode {
		return nil
	}
	all := make([]place, len(p.node.Content))
	for i, node := range p.node.Content {
		all[i] = p.step(node, p.path+"["+strconv.Itoa(i)+"]")
	}
	return all
}

// entry is one key of a mapping.
type entry struct {
	name string
	// key is the place of the key itself, value that of what it holds.
	key, value place
}

// entries are the keys of a mapping in the order they are written; none if p
// is no mapping.
func (p place) entries() []entry {
	if p.node.Kind != yaml.MappingNode {
		return nil
	}
	all := make([]entry, 0, len(p.node.Content)/2)
	for i := 0; i+1 < len(p.node.Content); i += 2 {
		key, value := p.node.Content[i], p.node.Content[i+1]
		path := joinPath(p.path, key.Value)
		all = append(all, entry{key.Value, p.step(key, path), p.step(value, path)})
	}
	return all
}

// quote shows a value in a message. What came from the environment or a file
// may be a secret, so then the reference is shown in its place.
func (p place) quote(value string) string {
	if p.node.Kind == yaml.ScalarNode && hasReference(p.node.Value) {
		return "the value of " + strconv.Quote(p.node.Value)
	}
	return quote(value)
}

// quote shows a text, the beginning of it where it is long.
func quote(text string) string {
	const most = 80
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "..."
	}
	return strconv.Quote(text)
}

// describe says what kind of value a node is.
func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch node.ShortTag() {
	case "!!int":
		return "an integer"
	case "!!float":
		return "a number"
	case "!!bool":
		return "a boolean"
	case "!!null":
		return "nothing"
	case "!!timestamp":
		return "a date"
	default:
		return "a string"
	}
}

// isNull says whether a node has no value, or an explicit null.
func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}
