package config

import (
	"net/textproto"
	"net/url"
	"reflect"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// Auth adds credentials to the requests of a source, or to the webhooks of an
// endpoint. One member is set, or none where they need no credentials.
type Auth struct {
	Bearer *Bearer
	Basic  *Basic
	APIKey *APIKey
	// ClientCredentials, RefreshToken and Login obtain a token.
	ClientCredentials *OAuth2ClientCredentials
	RefreshToken      *OAuth2RefreshToken
	Login             *Login
}

// IsZero says whether there are no credentials.
func (a Auth) IsZero() bool { return a == Auth{} }

// tokenURL is where a token is asked for, and its key; empty where none is.
func (a *Auth) tokenURL() (key string, u URL) {
	switch {
	case a.ClientCredentials != nil:
		return "token_url", a.ClientCredentials.TokenURL
	case a.RefreshToken != nil:
		return "token_url", a.RefreshToken.TokenURL
	case a.Login != nil:
		return "request.url", a.Login.Request.URL
	}
	return "", URL{}
}

// Bearer sends a token in the Authorization header.
type Bearer struct {
	Type  string `yaml:"type" required:"true" enum:"bearer" doc:"The kind of credentials."`
	Token Secret `yaml:"token" required:"true" doc:"The token." example:"${GITHUB_TOKEN}" aka:"value|key"`
}

// Basic sends a name and a password in the Authorization header.
type Basic struct {
	Type     string `yaml:"type" required:"true" enum:"basic" doc:"The kind of credentials."`
	Username Secret `yaml:"username" required:"true" doc:"The user name." example:"pollwire" aka:"user|name"`
	Password Secret `yaml:"password" doc:"The password; some APIs want none beside a key as the name." example:"${API_PASSWORD}" aka:"pass"`
}

// APIKey sends a key in a header or a parameter of the query.
type APIKey struct {
	Type  string `yaml:"type" required:"true" enum:"api_key" doc:"The kind of credentials."`
	Name  string `yaml:"name" required:"true" doc:"The name of the header or of the parameter." example:"X-Api-Key" aka:"header|param"`
	In    string `yaml:"in" required:"true" enum:"header|query" doc:"Where the key is sent." example:"header" aka:"location"`
	Value Secret `yaml:"value" required:"true" doc:"The key." example:"${API_KEY}" aka:"key|token"`
}

func (a *Auth) decode(d *decoder, at place, f field) {
	decodeKind(d, at, a, f, "{type: bearer, token: ...}")
}

func (a *Auth) schema(s schemer, _ field, _ shape) (*jsonschema.Schema, error) {
	return kindSchema(s, reflect.TypeFor[Auth]())
}

// carrier is the request that credentials are added to.
type carrier struct {
	headers Headers
	// headersKey is the key of headers, paramsKey that of params.
	headersKey, paramsKey string
	params                Params
	// url may hold parameters too, which may be left out where nobody minds that
	// credentials replace them.
	url URL
	// reserved are headers that credentials cannot take, with the reason.
	reserved map[string]string
}

func (v *validator) auth(at place, a *Auth, c carrier) {
	p, ok := v.written(at, "auth")
	if !ok {
		return
	}
	switch {
	case a.Bearer != nil:
		v.credential(p, "token", a.Bearer.Token)
		v.authHeader(p, c, "Authorization")
	case a.Basic != nil:
		v.credential(p, "username", a.Basic.Username)
		if user, ok := v.written(p, "username"); ok && strings.Contains(a.Basic.Username.Reveal(), ":") {
			v.add(user, "the user name of basic auth cannot hold a colon")
		}
		v.authHeader(p, c, "Authorization")
	case a.APIKey != nil:
		v.credential(p, "value", a.APIKey.Value)
		v.apiKeyName(p, a.APIKey, c)
	case a.ClientCredentials != nil:
		v.clientCredentials(p, a.ClientCredentials)
		v.authHeader(p, c, "Authorization")
	case a.RefreshToken != nil:
		v.refreshToken(p, a.RefreshToken)
		v.authHeader(p, c, "Authorization")
	case a.Login != nil:
		v.login(p, a.Login, c)
	}
}

// credential checks a secret that is sent in a header.
func (v *validator) credential(at place, key string, value Secret) {
	p, ok := v.written(at, key)
	switch {
	case !ok:
	case value.IsZero():
		v.add(p, "it is empty")
	default:
		v.headerText(p, value.Reveal())
	}
}

func (v *validator) apiKeyName(at place, key *APIKey, c carrier) {
	p, ok := v.written(at, "name")
	if !ok {
		return
	}
	if key.In == "header" {
		v.headerName(p, key.Name, c.reserved)
		v.authHeader(at, c, key.Name)
		return
	}
	u, err := url.Parse(c.url.Reveal())
	_, inParams := c.params[key.Name]
	switch {
	case key.Name == "":
		v.add(p, "it is empty")
	case inParams:
		v.add(p, "%s has %s too: keep one", c.paramsKey, p.quote(key.Name))
	case err == nil && u.Query().Has(key.Name):
		v.add(p, "the URL has the parameter %s too: keep one", p.quote(key.Name))
	}
}

// authHeader refuses a header that auth sends too.
func (v *validator) authHeader(at place, c carrier, name string) {
	for written := range c.headers {
		if textproto.CanonicalMIMEHeaderKey(written) == textproto.CanonicalMIMEHeaderKey(name) {
			v.add(at, "%s has %s too, which auth sends: keep one", c.headersKey, written)
		}
	}
}
