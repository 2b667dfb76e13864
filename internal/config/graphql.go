package config

import (
	"bytes"
	"net/http"

	"gopkg.in/yaml.v3"
)

// GraphQL is a query of an API in GraphQL.
type GraphQL struct {
	Query     Secret `yaml:"query" required:"true" example:"\"{ viewer { login } }\"" doc:"The query." aka:"document|body"`
	Variables JSON   `yaml:"variables" whole:"true" doc:"The values of its variables, a mapping. Pagination reaches one as variables.cursor." aka:"vars|params|parameters"`
}

// Body is the body of the request, in JSON.
func (g *GraphQL) Body() []byte {
	var b bytes.Buffer
	b.WriteString(`{"query":`)
	writeJSONString(&b, g.Query.Reveal())
	if variables := g.Variables.Reveal(); variables != "" {
		b.WriteString(`,"variables":`)
		b.WriteString(variables)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// graphql checks a query, at p in the request at at, and sets its method.
func (v *validator) graphql(at, p place, r *Request) {
	if !r.Body.IsZero() || !r.JSON.IsZero() {
		v.add(p, "there is another body too: keep one of graphql, json and body")
	}
	method, written := v.written(at, "method")
	switch {
	case written && r.Method != http.MethodPost:
		v.add(method, "a GraphQL query is sent by POST: remove the method")
	default:
		r.Method = http.MethodPost
	}
	if query, ok := v.written(p, "query"); ok && r.GraphQL.Query.IsZero() {
		v.add(query, "the query is empty; write one such as \"{ viewer { login } }\"")
	}
	if variables, ok := v.written(p, "variables"); ok && variables.node.Kind != yaml.MappingNode {
		v.add(variables, "want a mapping, the variables by name, got %s", describe(variables.node))
	}
}
