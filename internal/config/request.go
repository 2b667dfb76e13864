package config

import (
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"gopkg.in/yaml.v3"
)

// Request is how a source is asked.
type Request struct {
	URL                URL      `yaml:"url" required:"true" example:"https://api.example.com/orders" doc:"The address, http or https." aka:"uri|endpoint|address|href"`
	Method             string   `yaml:"method" default:"GET" enum:"GET|POST|PUT|PATCH|DELETE|OPTIONS" doc:"The method; POST where there is graphql." aka:"verb"`
	Params             Params   `yaml:"params" doc:"Parameters that are added to the query, escaped. A list repeats its parameter." example:"{per_page: 100}" aka:"query|query_params|parameters"`
	Headers            Headers  `yaml:"headers" doc:"Headers. They never go to another host, not even by a redirect." example:"{Accept: application/json}" aka:"header"`
	Body               Secret   `yaml:"body" doc:"The body, sent as it is." aka:"data|payload"`
	JSON               JSON     `yaml:"json" whole:"true" doc:"The body as YAML, sent as JSON."`
	GraphQL            *GraphQL `yaml:"graphql" whole:"true" doc:"A GraphQL query. It is sent by POST, and an answer with errors is none." aka:"gql"`
	Timeout            Duration `yaml:"timeout" default:"10s" min:"1ms" max:"1h" doc:"The time for one attempt, from dialling to the last byte."`
	MaxBodySize        Size     `yaml:"max_body_size" default:"10MiB" min:"1B" max:"1GiB" doc:"The largest answer that is read, after decompression." aka:"max_size|max_body"`
	Conditional        bool     `yaml:"conditional" default:"true" doc:"Asks only for what changed, by ETag and Last-Modified."`
	FollowRedirects    bool     `yaml:"follow_redirects" default:"true" doc:"Follows up to ten redirects. Headers and credentials never go to another host." aka:"redirects"`
	SuccessStatusCodes []int    `yaml:"success_status_codes" default:"[200]" min:"200" max:"599" doc:"The status codes whose answer is looked at; 304 is always understood." aka:"status|status_codes|success_codes|expected_status"`
	ProxyURL           ProxyURL `yaml:"proxy_url" example:"http://proxy.example.com:3128" doc:"The proxy of all requests: http, https, socks5 or socks5h, with user:password@ where it wants them; it resolves the host. Without one HTTP_PROXY, HTTPS_PROXY and NO_PROXY hold. A redirect to another host is not followed through a proxy." aka:"proxy|http_proxy"`
	TLS                TLS      `yaml:"tls" doc:"How the server is verified, and the client certificate that it is shown. Neither the certificate nor insecure_skip_verify goes along to another host." aka:"ssl"`
}

// Headers are headers of a request by name. Values may hold secrets.
type Headers map[string]Secret

// Header returns the headers as net/http takes them.
func (h Headers) Header() http.Header {
	header := make(http.Header, len(h))
	for name, value := range h {
		header.Set(name, value.Reveal())
	}
	return header
}

// Params are parameters of a query by name. Values may hold secrets.
type Params map[string]Param

// Values returns the parameters as net/url takes them.
func (p Params) Values() url.Values {
	values := make(url.Values, len(p))
	for name, param := range p {
		for _, value := range param {
			values.Add(name, value.Reveal())
		}
	}
	return values
}

// Param are the values of one parameter.
type Param []Secret

func (p *Param) decode(d *decoder, at place, f field) {
	items := []place{at}
	if at.node.Kind == yaml.SequenceNode {
		items = at.items()
	}
	*p = make(Param, len(items))
	for i, item := range items {
		decodeInto(d, item, &(*p)[i], f)
	}
}

// schema of a parameter: a value, or a list of them.
func (p *Param) schema(_ schemer, _ field, _ shape) (*jsonschema.Schema, error) {
	one := []string{"string", "number", "boolean"}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Types: one},
		{Type: "array", Items: &jsonschema.Schema{Types: slices.Clone(one)}},
	}}, nil
}

// setByPollwire are headers that a request has anyway, with the reason.
var setByPollwire = map[string]string{
	"Host":              "the host comes from the URL",
	"Content-Length":    "the length is counted",
	"Transfer-Encoding": "the length is counted",
	"Connection":        "connections are kept open",
}

func (v *validator) request(at place, s *Source) {
	p, ok := v.written(at, "request")
	if !ok {
		return
	}
	r := &s.Request
	if p, ok := v.written(p, "url"); ok {
		v.insteadOfUser = "put it in auth: {type: basic, username: ..., password: ...}"
		if u := v.address(p, r.URL); u != nil {
			v.repeatedParams(p, u, r.Params)
		}
	}
	if p, ok := v.written(p, "headers"); ok {
		v.headers(p, r.Headers, setByPollwire)
	}
	if p, ok := v.written(p, "success_status_codes"); ok && len(r.SuccessStatusCodes) == 0 {
		v.add(p, "name at least one code, such as [200]")
	}
	if p, ok := v.written(p, "proxy_url"); ok {
		v.proxyURL(p, r.ProxyURL)
	}
	if p, ok := v.written(p, "tls"); ok {
		v.tls(p, &r.TLS)
	}
	if query, ok := v.written(p, "graphql"); ok {
		v.graphql(p, query, r)
		return
	}
	v.body(p, r.Method, r.Body, r.JSON)
}

// repeatedParams refuses parameters that stand in the URL and in params.
func (v *validator) repeatedParams(at place, u *url.URL, params Params) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		v.add(at, "the query of the URL cannot be read: a %% or ; in it needs escaping, or use params")
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if query.Has(name) {
			v.add(at, "the parameter %q is in the URL and in params: keep one", name)
		}
	}
}

func (v *validator) body(at place, method string, text Secret, asJSON JSON) {
	body, hasBody := v.written(at, "body")
	hasBody = hasBody && !text.IsZero()
	json, hasJSON := v.written(at, "json")
	hasJSON = hasJSON && !asJSON.IsZero()
	if hasBody && hasJSON {
		v.add(json, "there is a body too: keep one of body and json")
	}
	if method != http.MethodGet {
		return
	}
	for _, p := range []struct {
		place
		written bool
	}{{body, hasBody}, {json, hasJSON}} {
		if p.written {
			v.add(p.place, "a GET has no body: set method: POST, or use params")
		}
	}
}

// headers checks names and values; reserved are those that pollwire sets.
func (v *validator) headers(at place, headers Headers, reserved map[string]string) {
	first := make(map[string]string)
	for _, e := range at.entries() {
		v.headerName(e.key, e.name, reserved)
		canonical := textproto.CanonicalMIMEHeaderKey(e.name)
		if other, ok := first[canonical]; ok && other != e.name {
			v.add(e.key, "the header is here already as %q: keep one", other)
		}
		first[canonical] = e.name
		if !v.bad[e.value.node] {
			v.headerText(e.value, headers[e.name].Reveal())
		}
	}
}

func (v *validator) headerName(at place, name string, reserved map[string]string) {
	if name == "" || strings.Trim(name, tokenCharacters) != "" {
		v.add(at, "%q cannot be the name of a header: use letters, digits and -", name)
		return
	}
	canonical := textproto.CanonicalMIMEHeaderKey(name)
	if why, ok := reserved[canonical]; ok {
		v.add(at, "%s cannot be set: %s", canonical, why)
	}
}

// tokenCharacters are those of RFC 9110, section 5.6.2.
const tokenCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-!#$%&'*+.^`|~"

// headerText refuses what would end or break a header line. It may be a secret.
func (v *validator) headerText(at place, text string) {
	if hasControl(text) {
		v.add(at, "it holds a line break or another control character, which a header cannot carry")
	}
}

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
