package config

import (
	"net/textproto"
	"reflect"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"gopkg.in/yaml.v3"
)

// Auth adds credentials to the requests of a source. One member is set, or
// none where a source needs no credentials.
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

// authKind is one shape of auth.
type authKind struct {
	name string
	typ  reflect.Type
}

// authKinds are the shapes of auth, by the value of type.
func authKinds() []authKind {
	return []authKind{
		{"bearer", reflect.TypeFor[Bearer]()},
		{"basic", reflect.TypeFor[Basic]()},
		{"api_key", reflect.TypeFor[APIKey]()},
		{"oauth2_client_credentials", reflect.TypeFor[OAuth2ClientCredentials]()},
		{"oauth2_refresh_token", reflect.TypeFor[OAuth2RefreshToken]()},
		{"login", reflect.TypeFor[Login]()},
	}
}

func (a *Auth) decode(d *decoder, at place, f field) {
	if at.node.Kind != yaml.MappingNode {
		d.fail(at, "want a mapping such as {type: bearer, token: ...}, got %s", describe(at.node))
		return
	}
	kinds := authKinds()
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = kind.name
	}
	p, ok := at.key("type")
	if !ok {
		d.fail(at, "the key \"type\" is missing: want %s", orList(names))
		return
	}
	var name string
	decodeInto(d, p, &name, field{enum: names})
	// What kind it is decides what is required, wherever auth stands.
	whole := field{typ: f.typ}
	switch name {
	case "bearer":
		decodeInto(d, at, &a.Bearer, whole)
	case "basic":
		decodeInto(d, at, &a.Basic, whole)
	case "api_key":
		decodeInto(d, at, &a.APIKey, whole)
	case "oauth2_client_credentials":
		decodeInto(d, at, &a.ClientCredentials, whole)
	case "oauth2_refresh_token":
		decodeInto(d, at, &a.RefreshToken, whole)
	case "login":
		decodeInto(d, at, &a.Login, whole)
	}
}

// schema of auth: one shape for each type.
func (a *Auth) schema(s schemer, _ field, _ shape) (*jsonschema.Schema, error) {
	var all []*jsonschema.Schema
	for _, kind := range authKinds() {
		one, err := s.structure(kind.typ, shape{})
		if err != nil {
			return nil, err
		}
		one.Properties["type"] = &jsonschema.Schema{Const: jsonschema.Ptr[any](kind.name)}
		all = append(all, one)
	}
	return &jsonschema.Schema{AnyOf: all}, nil
}

func (v *validator) auth(at place, s *Source) {
	p, ok := v.written(at, "auth")
	if !ok {
		return
	}
	switch a := s.Auth; {
	case a.Bearer != nil:
		v.credential(p, "token", a.Bearer.Token)
		v.authHeader(p, s, "Authorization")
	case a.Basic != nil:
		v.credential(p, "username", a.Basic.Username)
		if user, ok := v.written(p, "username"); ok && strings.Contains(a.Basic.Username.Reveal(), ":") {
			v.add(user, "the user name of basic auth cannot hold a colon")
		}
		v.authHeader(p, s, "Authorization")
	case a.APIKey != nil:
		v.credential(p, "value", a.APIKey.Value)
		v.apiKeyName(p, s)
	case a.ClientCredentials != nil:
		v.clientCredentials(p, a.ClientCredentials)
		v.authHeader(p, s, "Authorization")
	case a.RefreshToken != nil:
		v.refreshToken(p, a.RefreshToken)
		v.authHeader(p, s, "Authorization")
	case a.Login != nil:
		v.login(p, s)
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

func (v *validator) apiKeyName(at place, s *Source) {
	p, ok := v.written(at, "name")
	if !ok {
		return
	}
	key := s.Auth.APIKey
	if key.In == "header" {
		v.headerName(p, key.Name, nil)
		v.authHeader(at, s, key.Name)
		return
	}
	if key.Name == "" {
		v.add(p, "it is empty")
	} else if _, ok := s.Request.Params[key.Name]; ok {
		v.add(p, "request.params has %s too: keep one", p.quote(key.Name))
	}
}

// authHeader refuses a header that auth sends too.
func (v *validator) authHeader(at place, s *Source, name string) {
	for written := range s.Request.Headers {
		if textproto.CanonicalMIMEHeaderKey(written) == textproto.CanonicalMIMEHeaderKey(name) {
			v.add(at, "request.headers has %s too, which auth sends: keep one", written)
		}
	}
}
