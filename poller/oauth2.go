package poller

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// OAuth2ClientCredentials sends a token that is granted to the client itself
// (RFC 6749, section 4.4). Sources with equal ones share the token.
type OAuth2ClientCredentials struct {
	// TokenURL is asked for the token.
	TokenURL               string
	ClientID, ClientSecret string
	Scopes                 []string
	// Params are further parameters of the token request, such as audience.
	Params url.Values
}

// Authorize implements [Auth]: it is the Fetcher that obtains the token.
func (OAuth2ClientCredentials) Authorize(context.Context, *http.Request) error { return errNoFetcher }

// Secrets returns the values that must never be shown.
func (c OAuth2ClientCredentials) Secrets() []string {
	return append(clientSecrets(c.ClientID, c.ClientSecret, c.TokenURL), formSecrets(c.Params)...)
}

// Format keeps the secret out of anything that is printed.
func (OAuth2ClientCredentials) Format(w fmt.State, _ rune) { hide(w, "oauth2 client credentials") }

// LogValue keeps the secret out of logs.
func (OAuth2ClientCredentials) LogValue() slog.Value {
	return slog.StringValue("oauth2 client credentials " + hidden)
}

// MarshalText keeps the secret out of dumps.
func (OAuth2ClientCredentials) MarshalText() ([]byte, error) {
	return []byte("oauth2 client credentials " + hidden), nil
}

func (c OAuth2ClientCredentials) identity() string {
	return identify("client_credentials", c.TokenURL, c.ClientID, c.ClientSecret, c.Scopes, c.Params.Encode())
}

func (OAuth2ClientCredentials) firstRefresh() string { return "" }

func (OAuth2ClientCredentials) header(token string) (name, value string) {
	return "Authorization", "Bearer " + token
}

func (c OAuth2ClientCredentials) asker() asker {
	form := url.Values{}
	for name, values := range c.Params {
		form[name] = values
	}
	form.Set("grant_type", "client_credentials")
	setScope(form, c.Scopes)
	return &tokenEndpoint{url: c.TokenURL, id: c.ClientID, secret: c.ClientSecret, form: form}
}

// OAuth2RefreshToken sends a token that is granted for a refresh token (RFC
// 6749, section 6). Where the server gives another refresh token with it, that
// is saved before either is used, and serves from then on. Sources with the same
// refresh token share all of it.
type OAuth2RefreshToken struct {
	// TokenURL is asked for the token.
	TokenURL string
	ClientID string
	// ClientSecret is empty for a public client.
	ClientSecret string
	// RefreshToken is the first one.
	RefreshToken string
	// Scopes narrow what was granted; without any, all of it is asked for.
	Scopes []string
}

// Authorize implements [Auth]: it is the Fetcher that obtains the token.
func (OAuth2RefreshToken) Authorize(context.Context, *http.Request) error { return errNoFetcher }

// Secrets returns the values that must never be shown.
func (r OAuth2RefreshToken) Secrets() []string {
	return append(clientSecrets(r.ClientID, r.ClientSecret, r.TokenURL), r.RefreshToken)
}

// Format keeps the tokens out of anything that is printed.
func (OAuth2RefreshToken) Format(w fmt.State, _ rune) { hide(w, "oauth2 refresh token") }

// LogValue keeps the tokens out of logs.
func (OAuth2RefreshToken) LogValue() slog.Value {
	return slog.StringValue("oauth2 refresh token " + hidden)
}

// MarshalText keeps the tokens out of dumps.
func (OAuth2RefreshToken) MarshalText() ([]byte, error) {
	return []byte("oauth2 refresh token " + hidden), nil
}

func (r OAuth2RefreshToken) identity() string {
	return identify("refresh_token", r.TokenURL, r.ClientID, r.RefreshToken)
}

func (r OAuth2RefreshToken) firstRefresh() string { return r.RefreshToken }

func (OAuth2RefreshToken) header(token string) (name, value string) {
	return "Authorization", "Bearer " + token
}

func (r OAuth2RefreshToken) asker() asker {
	form := url.Values{"grant_type": {"refresh_token"}}
	setScope(form, r.Scopes)
	return &tokenEndpoint{url: r.TokenURL, id: r.ClientID, secret: r.ClientSecret, form: form}
}

func setScope(form url.Values, scopes []string) {
	if len(scopes) > 0 {
		form.Set("scope", strings.Join(scopes, " "))
	}
}

// clientSecrets are the forms in which a client's secret is sent, and what of
// the token's URL may be one.
func clientSecrets(id, secret, tokenURL string) []string {
	var secrets []string
	if secret != "" {
		secrets = append(secrets, secret, url.QueryEscape(id)+":"+url.QueryEscape(secret))
	}
	if u, err := url.Parse(tokenURL); err == nil {
		secrets = append(append(secrets, httpclient.UserinfoSecrets(u)...), httpclient.QuerySecrets(u)...)
	}
	return secrets
}

// formSecrets are the values of a form whose names say that they are secret.
func formSecrets(form url.Values) []string {
	var secrets []string
	for name, values := range form {
		if httpclient.IsSecretName(name) {
			secrets = append(secrets, values...)
		}
	}
	return secrets
}

// tokenEndpoint is a server that grants tokens (RFC 6749, section 3.2).
//
// It is asked here and not by a library for OAuth 2, since none would leave
// timeouts, the bound of the body, the proxy and the masking of errors to the
// client that everything else is sent with; and one that tries the other way of
// authentication after any failure would send a refresh token twice, which
// revokes it at servers that rotate.
type tokenEndpoint struct {
	url, id, secret string
	form            url.Values
	// inBody sends id and secret in the body, where the server wants that.
	inBody bool
	// settled says that the server has taken inBody as it is, or refused both.
	settled bool
}

// ask implements asker. The client authenticates by HTTP Basic, which every
// server must know, or by parameters in the body (RFC 6749, section 2.3.1):
// where the server refuses the one, the other is tried, once.
func (e *tokenEndpoint) ask(ctx context.Context, c *tokenClient, refresh string) (tokenAnswer, error) {
	answer, code, err := e.attempt(ctx, c, refresh)
	if err == nil || e.secret == "" || !refusesClient(code) {
		e.settled = e.settled || err == nil
		return answer, err
	}
	e.inBody = !e.inBody // what the next request tries, be it now or later
	if e.settled {
		return tokenAnswer{}, err
	}
	e.settled = true
	answer, _, err = e.attempt(ctx, c, refresh)
	return answer, err
}

// clientRefused stands for a refusal that gives no code of RFC 6749.
const clientRefused = "-"

// refusesClient reports whether a code may mean that the server looked for the
// client's secret elsewhere. Others mean that it was found.
func refusesClient(code string) bool {
	return code == "invalid_client" || code == "invalid_request" || code == clientRefused
}

func (e *tokenEndpoint) attempt(ctx context.Context, c *tokenClient, refresh string) (answer tokenAnswer, code string, err error) {
	req, err := e.request(ctx, refresh)
	if err != nil {
		return tokenAnswer{}, "", err
	}
	reply, err := c.send(req)
	if err != nil {
		return tokenAnswer{}, "", err
	}
	p := parseToken(reply.body)
	switch {
	case reply.status/100 != 2 || p.code != "":
		return tokenAnswer{}, refusalCode(reply.status, p.code), refused(c, reply, p)
	case p.wrong != "":
		return tokenAnswer{}, "", c.final(req.URL, fmt.Sprintf("answered %d, but %s", reply.status, p.wrong))
	}
	return p.tokenAnswer, "", nil
}

// refusalCode is the code of a refusal, clientRefused where the status alone
// may mean the client.
func refusalCode(status int, code string) string {
	if code == "" && (status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden) {
		return clientRefused
	}
	return code
}

func refused(c *tokenClient, reply *tokenReply, p parsedToken) *tokenError {
	why := p.code
	if p.description != "" {
		why += ": " + p.description
	}
	failure := c.refusal(reply, why)
	failure.refusedGrant = p.code == "invalid_grant"
	if p.code == "server_error" || p.code == "temporarily_unavailable" {
		failure.retryable = true
	}
	return failure
}

func (e *tokenEndpoint) request(ctx context.Context, refresh string) (*http.Request, error) {
	form := make(url.Values, len(e.form)+3)
	for name, values := range e.form {
		form[name] = values
	}
	if refresh != "" {
		form.Set("refresh_token", refresh)
	}
	if e.inBody || e.secret == "" {
		form.Set("client_id", e.id)
		if e.secret != "" {
			form.Set("client_secret", e.secret)
		}
	}
	body := form.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, strings.NewReader(body))
	if err != nil {
		// The parser's error quotes what may be a secret.
		return nil, &tokenError{err: fmt.Errorf("create request: %w", errRequest)}
	}
	user := req.URL.User
	req.URL.User = nil
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "gzip")
	switch {
	case !e.inBody && e.secret != "":
		req.SetBasicAuth(url.QueryEscape(e.id), url.QueryEscape(e.secret))
	case user != nil:
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	return req, nil
}

var (
	_ grant = OAuth2ClientCredentials{}
	_ grant = OAuth2RefreshToken{}
	_ asker = (*tokenEndpoint)(nil)
)
