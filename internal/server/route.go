package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// route is one row of the API: what is asked for, who answers it, and what a
// client must know of both. The mux and the OpenAPI document are made of the same
// rows, so that neither knows a route that the other does not.
type route struct {
	// method and path are a pattern of http.ServeMux; each {wildcard} is a segment.
	method, path string
	// id names the operation in clients that are made from the document.
	id string
	// doc says what it does. The first sentence is its summary.
	doc string
	// query are the parameters that it reads of the query.
	query []parameter
	// body is a value of the type that the body is decoded into; nil where a body
	// is an empty object or none.
	body any
	// answers are those that are no problem; every route may answer with one.
	answers []answer
	handler http.HandlerFunc
}

// answer is what a route may answer with.
type answer struct {
	status int
	doc    string
	// body is a value of the type that is encoded; nil where there is none.
	body any
	// media are its media types; application/json where there are none.
	media []string
}

// parameter is one parameter of a query.
type parameter struct {
	name, doc string
	schema    *jsonschema.Schema
}

func textParameter(name, doc string) parameter {
	return parameter{name, doc, &jsonschema.Schema{Type: "string"}}
}

// wordParameter is one that params.oneOf reads.
func wordParameter(name, doc string, words ...string) parameter {
	return parameter{name, doc, &jsonschema.Schema{Type: "string", Enum: anyOf(words)}}
}

// numberParameter is one that params.number reads; otherwise is 0 where it has no
// default.
func numberParameter(name, doc string, otherwise, most int) parameter {
	s := &jsonschema.Schema{Type: "integer", Minimum: jsonschema.Ptr(1.0), Maximum: jsonschema.Ptr(float64(most))}
	if otherwise > 0 {
		s.Default = mustJSON(otherwise)
	}
	return parameter{name, doc, s}
}

// durationParameter is one that params.duration reads.
func durationParameter(name, doc string) parameter {
	return parameter{name, doc, &jsonschema.Schema{Type: "string", Pattern: `^[0-9]+$|^([0-9.]+(ms|s|m))+$`, Examples: []any{"30", "30s"}}}
}

// routes are all rows of the API. A new one stands in the list of its subject,
// and nothing else is to be done for it.
func (s *Server) routes() []route {
	return slices.Concat(
		s.daemonRoutes(),
		s.sourceRoutes(),
		s.endpointRoutes(),
		s.deliveryRoutes(),
		s.eventRoutes(),
		s.subscriptionRoutes(),
	)
}

// subject is the tag of a route: what its path is about.
func (rt *route) subject() string {
	if path, versioned := strings.CutPrefix(rt.path, "/v1/"); versioned {
		subject, _, _ := strings.Cut(path, "/")
		return subject
	}
	if strings.HasPrefix(rt.path, pokePath) {
		return "sources"
	}
	return "daemon"
}

// wildcards are the names in the path, in their order.
func (rt *route) wildcards() []string {
	var names []string
	for segment := range strings.SplitSeq(rt.path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

func anyOf[T any](values []T) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
	}
	return all
}
