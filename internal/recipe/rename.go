package recipe

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// stems are what names can begin with.
var stems = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// Rename returns the recipe under another name, which its sources, endpoints and
// rate limits begin with then, so that it can be had twice.
func (r *Recipe) Rename(name string) (*Recipe, error) {
	prefix := ""
	if r.IsEndpoint() {
		prefix = endpointPrefix
	}
	old, stem := strings.TrimPrefix(r.Name, prefix), strings.TrimPrefix(name, prefix)
	if !stems.MatchString(stem) {
		return nil, fmt.Errorf("%q cannot be the name: use up to 40 small letters, digits and -", name)
	}
	root, err := document(r.Text)
	if err != nil {
		return nil, err
	}
	var edits []edit
	for _, node := range named(root) {
		rest, ok := strings.CutPrefix(node.Value, old)
		at, found := find(r.Text, node)
		if ok && found && (rest == "" || rest[0] == '-') {
			edits = append(edits, edit{at, old, stem})
		}
	}
	return parse(prefix+stem, apply(r.Text, edits))
}

// Sources are the names of the sources that the recipe has.
func (r *Recipe) Sources() ([]string, error) { return r.names("sources") }

// Endpoints are the names of the endpoints that the recipe has.
func (r *Recipe) Endpoints() ([]string, error) { return r.names("endpoints") }

// names are those of the elements of a list.
func (r *Recipe) names(list string) ([]string, error) {
	root, err := document(r.Text)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, element := range elements(root, list) {
		if name := get(element, "name"); name != nil {
			all = append(all, name.Value)
		}
	}
	return all, nil
}

// named are the scalars that are names of something in the file, where it is
// declared and where it is meant.
func named(root *yaml.Node) []*yaml.Node {
	var all []*yaml.Node
	for _, list := range []string{"rate_limits", "sources", "endpoints"} {
		for _, element := range elements(root, list) {
			all = append(all, get(element, "name"), get(element, "rate_limit"), get(element, "formerly"))
			if notify := get(element, "notify"); notify != nil {
				all = append(all, notify.Content...)
			}
		}
	}
	return slices.DeleteFunc(all, func(n *yaml.Node) bool { return n == nil || n.Kind != yaml.ScalarNode })
}

// elements are those of a list at the top.
func elements(root *yaml.Node, list string) []*yaml.Node {
	if found := get(root, list); found != nil {
		return found.Content
	}
	return nil
}

// get is the value of a key, nil where there is none.
func get(mapping *yaml.Node, key string) *yaml.Node {
	if mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}
