package config

import (
	"reflect"

	"gopkg.in/yaml.v3"
)

// DefaultEndpoint returns an endpoint of which nothing is written: each key has
// its default, and what is required is missing.
func DefaultEndpoint() Endpoint {
	var e Endpoint
	d := &decoder{
		report:  newReport(), // that something is missing, which is known
		keyring: make(keyring),
		expand:  newExpander(Lookup{}),
		bad:     make(map[*yaml.Node]bool),
		owner:   reflect.TypeFor[Endpoint](),
	}
	nothing := &document{root: &yaml.Node{Kind: yaml.MappingNode}, written: make(map[*yaml.Node]place)}
	d.mapping(nothing.top(), reflect.ValueOf(&e).Elem(), field{})
	return e
}
