package server

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// openAPIVersion is the version of the OpenAPI Specification that the document
// keeps to. Its schemas are JSON Schema, draft 2020-12.
const openAPIVersion = "3.1.1"

// apiVersion is that of the API, the one in its paths.
const apiVersion = "1"

const documentDescription = `What pollwire's daemon answers.

Requests under /v1 need the header "Authorization: Bearer" with server.token, where that is set; to read, the token may be the
password of Basic authentication, too. Over the unix socket they never do. What changes something is refused from pages of another origin, and so is every request with a Host
header that does not name the server.

Every error is a problem (RFC 9457). Answers may get further members; clients ignore what they do not know.`

// pathDocs say what the wildcards in paths stand for, by the path up to them.
var pathDocs = map[string]string{
	"/v1/sources/{name}":     "The name of a source.",
	"/v1/endpoints/{name}":   "The name of an endpoint, or the id of a subscription.",
	"/v1/deliveries/{id}":    "The id of a delivery.",
	"/v1/nodes/{id}":         "The id of a node, or its name.",
	"/v1/events/{id}":        "The id of an event: the webhook-id that receivers see.",
	"/v1/replay/{id}":        "The id of a replay.",
	"/v1/subscriptions/{id}": "The id of a subscription.",
	pokePath + "{source}":    "The name of a source that has a secret for pokes.",
}

// document is an OpenAPI document, as far as this one goes.
type document struct {
	OpenAPI    string                           `json:"openapi"`
	Info       map[string]any                   `json:"info"`
	Tags       []map[string]string              `json:"tags"`
	Paths      map[string]map[string]*operation `json:"paths"`
	Components components                       `json:"components"`
}

type components struct {
	Schemas         map[string]*jsonschema.Schema `json:"schemas"`
	Responses       map[string]*response          `json:"responses"`
	SecuritySchemes map[string]map[string]string  `json:"securitySchemes"`
}

type operation struct {
	OperationID string                `json:"operationId"`
	Tags        []string              `json:"tags"`
	Summary     string                `json:"summary"`
	Description string                `json:"description,omitempty"`
	Parameters  []openAPIParameter    `json:"parameters,omitempty"`
	RequestBody *requestBody          `json:"requestBody,omitempty"`
	Responses   map[string]*response  `json:"responses"`
	Security    []map[string][]string `json:"security,omitempty"`
}

type openAPIParameter struct {
	Name        string             `json:"name"`
	In          string             `json:"in"`
	Description string             `json:"description"`
	Required    bool               `json:"required,omitempty"`
	Schema      *jsonschema.Schema `json:"schema"`
}

type requestBody struct {
	Content map[string]mediaType `json:"content"`
}

type mediaType struct {
	Schema *jsonschema.Schema `json:"schema"`
}

type response struct {
	Ref         string               `json:"$ref,omitempty"`
	Description string               `json:"description,omitempty"`
	Content     map[string]mediaType `json:"content,omitempty"`
}

// newDocument describes routes.
func newDocument(routes []route) *document {
	d := &document{
		OpenAPI: openAPIVersion,
		Info: map[string]any{
			"title": "pollwire", "version": apiVersion, "description": documentDescription,
			"license": map[string]string{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		Paths: make(map[string]map[string]*operation),
		Components: components{
			Responses: map[string]*response{"Problem": {Description: "A problem: its status says which, and its detail why, and the way out."}},
			SecuritySchemes: map[string]map[string]string{
				"token":      {"type": "http", "scheme": "bearer", "description": "server.token of the configuration."},
				"password":   {"type": "http", "scheme": "basic", "description": "The same as the password, by any name, to read."},
				"poke":       {"type": "http", "scheme": "bearer", "description": "The secret of a source for pokes."},
				"pokeHeader": {"type": "apiKey", "in": "header", "name": pokeHeader, "description": "The same."},
				"pokeQuery":  {"type": "apiKey", "in": "query", "name": "secret", "description": "The same, for providers that take nothing but a URL."},
			},
		},
	}
	types := newTypeSchemas()
	tags := make(map[string]bool)
	for i := range routes {
		rt := &routes[i]
		if d.Paths[rt.path] == nil {
			d.Paths[rt.path] = make(map[string]*operation)
		}
		d.Paths[rt.path][strings.ToLower(rt.method)] = rt.operation(types)
		tags[rt.subject()] = true
	}
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		d.Tags = append(d.Tags, map[string]string{"name": tag})
	}
	d.Components.Responses["Problem"].Content = map[string]mediaType{problemType: {types.of(Problem{})}}
	d.Components.Schemas = types.components
	return d
}

// operation describes a route.
func (rt *route) operation(types *typeSchemas) *operation {
	summary, rest, _ := strings.Cut(rt.doc, ". ")
	op := &operation{
		OperationID: rt.id,
		Tags:        []string{rt.subject()},
		Summary:     strings.TrimSuffix(summary, "."),
		Description: rest,
		Responses:   map[string]*response{"default": {Ref: "#/components/responses/Problem"}},
		Security:    rt.security(),
	}
	for _, name := range rt.wildcards() {
		before, _, _ := strings.Cut(rt.path, "{"+name+"}")
		op.Parameters = append(op.Parameters, openAPIParameter{
			Name: name, In: "path", Required: true,
			Description: pathDocs[before+"{"+name+"}"], Schema: &jsonschema.Schema{Type: "string"},
		})
	}
	for _, p := range rt.query {
		op.Parameters = append(op.Parameters, openAPIParameter{Name: p.name, In: "query", Description: p.doc, Schema: p.schema})
	}
	if rt.body != nil {
		op.RequestBody = &requestBody{map[string]mediaType{"application/json": {types.ofRequest(rt.body)}}}
	}
	for _, a := range rt.answers {
		told := &response{Description: a.doc}
		if a.body != nil {
			told.Content = make(map[string]mediaType)
		}
		for _, media := range a.mediaTypes() {
			told.Content[media] = mediaType{types.of(a.body)}
		}
		op.Responses[strconv.Itoa(a.status)] = told
	}
	return op
}

// mediaTypes are those of an answer; none where it has no body.
func (a *answer) mediaTypes() []string {
	if a.body != nil && a.media == nil {
		return []string{"application/json"}
	}
	return a.media
}

// security says what a route needs. The empty alternative stands for servers
// without a token, and for the unix socket.
func (rt *route) security() []map[string][]string {
	switch {
	case (strings.HasPrefix(rt.path, "/v1/") || rt.path == metricsPath) && rt.method == http.MethodGet:
		return []map[string][]string{{"token": {}}, {"password": {}}, {}}
	case strings.HasPrefix(rt.path, "/v1/"):
		return []map[string][]string{{"token": {}}, {}}
	case strings.HasPrefix(rt.path, pokePath):
		return []map[string][]string{{"poke": {}}, {"pokeHeader": {}}, {"pokeQuery": {}}}
	default:
		return nil
	}
}

// openAPI answers with the document of all routes.
func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, newDocument(s.routes()))
}

// mustJSON encodes what cannot fail to be encoded.
func mustJSON(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic("server: " + err.Error())
	}
	return text
}
