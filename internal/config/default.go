package config

import (
	"reflect"

	"gopkg.in/yaml.v3"
)

// DefaultEndpoint returns an endpoint of which nothing is written: each key has
// its default, and what is required is missing.
func DefaultEndpoint() Endpoint {
	var e Endpoint
	d := newDecoder(Lookup{}, make(keyring)) // what it reports is that something is missing, which is known
	d.owner = reflect.TypeFor[Endpoint]()
	nothing := &document{root: &yaml.Node{Kind: yaml.MappingNode}, written: make(map[*yaml.Node]place)}
	d.mapping(nothing.top(), reflect.ValueOf(&e).Elem(), field{})
	return e
}
