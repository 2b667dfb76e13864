package manual

import (
	"iter"
	"strings"

	"gopkg.in/yaml.v3"
)

// get is the value of a key; nil where the node is no mapping, or has no such key.
func get(mapping *yaml.Node, key string) *yaml.Node {
	for name, value := range entries(mapping) {
		if name == key {
			return value
		}
	}
	return nil
}

// entries are the keys and values of a mapping, in order; none of nil.
func entries(mapping *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		if mapping == nil || mapping.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			if !yield(mapping.Content[i].Value, mapping.Content[i+1]) {
				return
			}
		}
	}
}

// elements are the elements of a sequence; none of nil.
func elements(sequence *yaml.Node) []*yaml.Node {
	if sequence == nil || sequence.Kind != yaml.SequenceNode {
		return nil
	}
	return sequence.Content
}

// strs are the elements of a sequence of scalars.
func strs(sequence *yaml.Node) []string {
	var texts []string
	for _, element := range elements(sequence) {
		texts = append(texts, element.Value)
	}
	return texts
}

// inline is a value as it is written in a line of YAML, without needless quotes.
func inline(node *yaml.Node) string {
	text, err := yaml.Marshal(flow(node))
	if err != nil { // What was parsed can be printed.
		return node.Value
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

func flow(node *yaml.Node) *yaml.Node {
	plain := *node
	plain.Style = 0
	if node.Kind != yaml.ScalarNode {
		plain.Style = yaml.FlowStyle
	}
	plain.Content = nil
	for _, child := range node.Content {
		plain.Content = append(plain.Content, flow(child))
	}
	return &plain
}

// fingerprint tells mappings apart, whatever the key that they stand under.
func fingerprint(nodes []*yaml.Node) string {
	var all strings.Builder
	for _, node := range nodes {
		for key := range entries(get(node, "properties")) {
			all.WriteString(key + " ")
		}
		all.WriteString(inline(get(node, "properties")))
	}
	return all.String()
}
