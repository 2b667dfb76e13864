package config

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// OAuth2ClientCredentials sends a token that is granted to pollwire itself.
type OAuth2ClientCredentials struct {
	Type         string   `yaml:"type" required:"true" enum:"oauth2_client_credentials" doc:"The kind of credentials."`
	TokenURL     URL      `yaml:"token_url" required:"true" example:"https://login.example.com/oauth2/token" doc:"Where tokens are asked for. Sources and endpoints with the same credentials share one token." aka:"url|access_token_url|token_endpoint"`
	ClientID     Secret   `yaml:"client_id" required:"true" example:"pollwire" doc:"The client's name at the server." aka:"id"`
	ClientSecret Secret   `yaml:"client_secret" required:"true" example:"${CLIENT_SECRET}" doc:"The client's secret. It is sent by HTTP Basic, or in the body where the server wants that." aka:"secret"`
	Scopes       []string `yaml:"scopes" example:"[orders.read]" doc:"What the token is for." aka:"scope"`
	Params       Params   `yaml:"params" example:"{audience: \"https://api.example.com/\"}" doc:"Further parameters of the token request." aka:"parameters|endpoint_params"`
}

// OAuth2RefreshToken sends a token that is granted for a refresh token.
type OAuth2RefreshToken struct {
	Type         string   `yaml:"type" required:"true" enum:"oauth2_refresh_token" doc:"The kind of credentials. It needs storage.encryption_key."`
	TokenURL     URL      `yaml:"token_url" required:"true" example:"https://login.example.com/oauth2/token" doc:"Where tokens are asked for. Sources and endpoints with the same refresh token share one token." aka:"url|access_token_url|token_endpoint"`
	ClientID     Secret   `yaml:"client_id" required:"true" example:"pollwire" doc:"The client's name at the server." aka:"id"`
	ClientSecret Secret   `yaml:"client_secret" example:"${CLIENT_SECRET}" doc:"The client's secret; a public client has none." aka:"secret"`
	RefreshToken Secret   `yaml:"refresh_token" required:"true" example:"${REFRESH_TOKEN}" doc:"The first refresh token. Where the server replaces it, the new one is kept, encrypted, until another is written here." aka:"token"`
	Scopes       []string `yaml:"scopes" example:"[orders.read]" doc:"What the token is for; without any, all that was granted." aka:"scope"`
}

// formSetByPollwire are parameters of a token request that it has anyway.
func formSetByPollwire() []string {
	return []string{"grant_type", "client_id", "client_secret", "scope", "refresh_token"}
}

func (v *validator) clientCredentials(at place, a *OAuth2ClientCredentials) {
	v.tokenURL(at, a.TokenURL)
	v.notEmpty(at, "client_id", a.ClientID)
	v.notEmpty(at, "client_secret", a.ClientSecret)
	v.scopes(at, a.Scopes)
	p, ok := v.written(at, "params")
	if !ok {
		return
	}
	for _, e := range p.entries() {
		if slices.Contains(formSetByPollwire(), e.name) {
			v.add(e.key, "the parameter %s is set anyway: use the key of auth for it, or remove it", e.name)
		}
	}
}

func (v *validator) refreshToken(at place, a *OAuth2RefreshToken) {
	v.tokenURL(at, a.TokenURL)
	v.notEmpty(at, "client_id", a.ClientID)
	v.notEmpty(at, "refresh_token", a.RefreshToken)
	v.scopes(at, a.Scopes)
	if p, ok := v.written(at, "client_secret"); ok && a.ClientSecret.IsZero() {
		v.add(p, "it is empty; a public client has no such key")
	}
	if !v.hasEncryptionKey {
		v.add(at, "oauth2_refresh_token needs storage.encryption_key, under which new refresh tokens are kept; make one with: openssl rand -base64 32")
	}
	if a.RefreshToken.IsZero() {
		return
	}
	first, taken := v.refreshTokens[a.RefreshToken]
	if !taken {
		v.refreshTokens[a.RefreshToken] = grantOf{at, a}
		return
	}
	// Two users of one refresh token would revoke each other's.
	same := first.auth.TokenURL == a.TokenURL && first.auth.ClientID == a.ClientID &&
		first.auth.ClientSecret == a.ClientSecret && slices.Equal(first.auth.Scopes, a.Scopes)
	if !same {
		v.add(at, "its refresh_token is that of %s too, with another token_url, client or scopes: those that share it must share all of it",
			first.place.seenFrom(at))
	}
}

// grantOf is where a refresh token was met first.
type grantOf struct {
	place place
	auth  *OAuth2RefreshToken
}

// tokenURL checks where tokens are asked for.
func (v *validator) tokenURL(at place, written URL) {
	if p, ok := v.written(at, "token_url"); ok {
		v.insteadOfUser = "client_id and client_secret have keys of their own"
		v.address(p, written)
	}
}

func (v *validator) notEmpty(at place, key string, value Secret) {
	p, ok := v.written(at, key)
	switch {
	case !ok:
	case value.IsZero():
		v.add(p, "it is empty")
	case hasControl(value.Reveal()):
		v.add(p, "it holds a line break or another control character")
	}
}

func (v *validator) scopes(at place, scopes []string) {
	p, ok := v.written(at, "scopes")
	if !ok || p.node.Kind != yaml.SequenceNode {
		return
	}
	v.each(p, scopes, func(p place, scope string) {
		if scope == "" || strings.ContainsAny(scope, " \t\"\\") || hasControl(scope) {
			v.add(p, "%s is no scope: write each as an element of its own, without spaces and quotes", p.quote(scope))
		}
	})
}
