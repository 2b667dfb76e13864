package config

import (
	"strings"
)

// Login sends a token that an API gives in the answer to a request of its own.
type Login struct {
	Type          string       `yaml:"type" required:"true" enum:"login" doc:"The kind of credentials."`
	Request       LoginRequest `yaml:"request" required:"true" example:"{url: \"https://api.example.com/login\", json: {user: pollwire, password: \"${PASSWORD}\"}}" doc:"What is asked for the token. Its timeout, proxy_url and tls are those of the request, or of the endpoint, that needs the token; it follows no redirect."`
	TokenPath     string       `yaml:"token_path" default:"access_token" doc:"The gjson path of the token in the answer, which is JSON." aka:"token|path"`
	ExpiresInPath string       `yaml:"expires_in_path" default:"expires_in" doc:"The gjson path of the token's lifetime in seconds, or of its end as a Unix time or in RFC 3339." aka:"expires_path|expires_at_path"`
	ExpiresIn     Duration     `yaml:"expires_in" default:"0s" min:"0s" max:"3650d" doc:"The lifetime of a token whose answer tells none; 0s keeps it until the API answers 401." aka:"lifetime|ttl|expires|expires_at"`
	Header        Secret       `yaml:"header" default:"\"Authorization: Bearer {token}\"" doc:"The header that carries the token, which {token} stands for." aka:"headers"`
}

// LoginRequest is a request whose answer holds a token.
type LoginRequest struct {
	URL     URL     `yaml:"url" required:"true" example:"https://api.example.com/login" doc:"The address, http or https." aka:"uri|endpoint|address|href"`
	Method  string  `yaml:"method" default:"POST" enum:"GET|POST|PUT|PATCH" doc:"The method." aka:"verb"`
	Params  Params  `yaml:"params" doc:"Parameters that are added to the query, escaped." example:"{tenant: shop}" aka:"query|query_params|parameters"`
	Headers Headers `yaml:"headers" doc:"Headers of this request." example:"{Accept: application/json}" aka:"header"`
	Body    Secret  `yaml:"body" doc:"The body, sent as it is." aka:"data|payload"`
	JSON    JSON    `yaml:"json" whole:"true" doc:"The body as YAML, sent as JSON."`
}

// tokenPlace is what the token stands for in a header.
const tokenPlace = "{token}"

// HeaderParts are the name and the value of the header that carries the token.
// A validated Login has both.
func (l *Login) HeaderParts() (name, value string) {
	name, value, _ = strings.Cut(l.Header.Reveal(), ":")
	return strings.TrimSpace(name), strings.TrimSpace(value)
}

func (v *validator) login(at place, l *Login, c carrier) {
	if p, ok := v.written(at, "request"); ok {
		v.loginRequest(p, &l.Request)
	}
	v.writtenGJSON(at, "token_path", l.TokenPath)
	v.writtenGJSON(at, "expires_in_path", l.ExpiresInPath)
	p, ok := v.written(at, "header")
	name, value := l.HeaderParts()
	switch {
	case !ok:
	case !strings.Contains(l.Header.Reveal(), ":"):
		v.add(p, "want a name, a colon and a value, such as \"Authorization: Bearer {token}\"")
		return
	case !strings.Contains(value, tokenPlace):
		v.add(p, "it lacks {token}, which the token is put in place of, such as \"X-Session: {token}\"")
	default:
		v.headerName(p, name, c.reserved)
		v.headerText(p, value)
	}
	v.authHeader(at, c, name)
}

func (v *validator) loginRequest(at place, r *LoginRequest) {
	if p, ok := v.written(at, "url"); ok {
		v.insteadOfUser = "put it in headers: {Authorization: ...}, or where the API wants it"
		if u := v.address(p, r.URL); u != nil {
			v.repeatedParams(p, u, r.Params)
		}
	}
	if p, ok := v.written(at, "headers"); ok {
		v.headers(p, r.Headers, setByPollwire)
	}
	v.body(at, r.Method, r.Body, r.JSON)
}
