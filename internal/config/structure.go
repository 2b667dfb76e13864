package config

import "gopkg.in/yaml.v3"

// structure notes what is wrong with a document whatever it means:
// repeated keys, keys that are no plain text, and the parts of YAML that a
// configuration does without. Anchors are among them: they hide where a value
// comes from, and can make a small file huge.
func (d *decoder) structure(at place) {
	node := at.node
	switch {
	case node.Kind == yaml.AliasNode:
		d.fail(at, "references (*name) are not supported: what sources share goes into defaults; a value that begins with * needs quotes")
		return
	case node.Anchor != "":
		d.add(at, "anchors (&name) are not supported: what sources share goes into defaults; a value that begins with & needs quotes")
	case node.Style&yaml.TaggedStyle != 0:
		d.fail(at, "tags (!name) are not supported; a value that begins with ! needs quotes")
	}
	for _, item := range at.items() {
		d.structure(item)
	}
	first := make(map[string]int)
	for _, e := range at.entries() {
		switch line, repeated := first[e.name]; {
		case e.key.node.Kind != yaml.ScalarNode:
			d.fail(place{at.doc, e.key.node, at.path}, "%s cannot be a key; a value with { or [ at its beginning needs quotes", describe(e.key.node))
			d.bad[node] = true
		case e.key.node.ShortTag() == "!!merge":
			d.add(place{at.doc, e.key.node, at.path}, "merge keys (<<) are not supported: what sources share goes into defaults")
			continue
		case isNull(e.key.node):
			d.add(place{at.doc, e.key.node, at.path}, "a key is empty; null as a key needs quotes")
		case repeated:
			d.add(e.key, "the key %q is already on line %d: keep one", e.name, line)
		default:
			first[e.name] = e.key.node.Line
		}
		d.structure(e.value)
	}
}
