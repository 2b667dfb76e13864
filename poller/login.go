package poller

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// Login sends a token that an API gives in the answer to a request of its own.
// Sources with the same request share the token.
type Login struct {
	// Method is POST where empty.
	Method string
	URL    string
	Header http.Header
	Body   []byte
	// TokenPath is the gjson path of the token in the answer, which is JSON; it
	// is access_token where empty.
	TokenPath string
	// ExpiresPath is the gjson path of its lifetime in seconds, or of its end as
	// a Unix time or in RFC 3339; expires_in where empty.
	ExpiresPath string
	// Lifetime is that of a token whose answer says nothing of it; 0 keeps the
	// token until it is refused.
	Lifetime time.Duration
	// Name and Value are the header that carries the token, which stands for
	// {token} in Value; "Authorization" and "Bearer {token}" where empty.
	Name, Value string
}

// tokenPlace is what the token stands for in a header.
const tokenPlace = "{token}"

// Authorize implements [Auth]: it is the Fetcher that obtains the token.
func (Login) Authorize(context.Context, *http.Request) error { return errNoFetcher }

// Secrets returns the values that must never be shown.
func (l Login) Secrets() []string {
	secrets := clientSecrets("", "", l.URL)
	for name, values := range l.Header {
		for _, v := range values {
			secrets = append(secrets, httpclient.HeaderSecrets(name, v)...)
		}
	}
	if len(l.Body) > 0 {
		secrets = append(secrets, string(l.Body))
		secrets = append(secrets, bodySecrets(l.Body)...)
	}
	return secrets
}

// Format keeps the credentials out of anything that is printed.
func (Login) Format(w fmt.State, _ rune) { hide(w, "login") }

// LogValue keeps the credentials out of logs.
func (Login) LogValue() slog.Value { return slog.StringValue("login " + hidden) }

// MarshalText keeps the credentials out of dumps.
func (Login) MarshalText() ([]byte, error) { return []byte("login " + hidden), nil }

func (l Login) identity() string {
	return identify("login", l.Method, l.URL, l.Header, l.Body, l.TokenPath, l.ExpiresPath, l.Lifetime)
}

func (Login) firstRefresh() string { return "" }

func (l Login) header(token string) (name, value string) {
	return cmp.Or(l.Name, "Authorization"), strings.ReplaceAll(cmp.Or(l.Value, "Bearer "+tokenPlace), tokenPlace, token)
}

func (l Login) asker() asker { return l }

// ask implements asker.
func (l Login) ask(ctx context.Context, c *tokenClient, _ string) (tokenAnswer, error) {
	req, err := l.request(ctx)
	if err != nil {
		return tokenAnswer{}, err
	}
	reply, err := c.send(req)
	if err != nil {
		return tokenAnswer{}, err
	}
	if reply.status/100 != 2 {
		return tokenAnswer{}, c.refusal(reply, "")
	}
	answer, wrong := l.parse(reply.body, time.Now())
	if wrong != "" {
		return tokenAnswer{}, c.final(req.URL, fmt.Sprintf("answered %d, but %s", reply.status, wrong))
	}
	return answer, nil
}

// parse reads the token from an answer; wrong says in words why there is none.
func (l Login) parse(body []byte, now time.Time) (answer tokenAnswer, wrong string) {
	if !gjson.ValidBytes(body) {
		return answer, "it is no JSON"
	}
	path := cmp.Or(l.TokenPath, "access_token")
	found := gjson.GetBytes(body, path)
	switch found.Type {
	case gjson.String:
		answer.access = found.Str
	case gjson.Number:
		answer.access = found.Raw
	default:
		return tokenAnswer{}, fmt.Sprintf("it holds no token at %s (token_path)", path)
	}
	if wrong = usableToken(answer.access); wrong != "" {
		return tokenAnswer{}, wrong
	}
	answer.lifetime = cmp.Or(lifetimeOf(gjson.GetBytes(body, cmp.Or(l.ExpiresPath, "expires_in")), now), l.Lifetime)
	return answer, ""
}

func (l Login) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, cmp.Or(l.Method, http.MethodPost), l.URL, bytes.NewReader(l.Body))
	if err != nil {
		return nil, &tokenError{err: fmt.Errorf("create request: %w", errRequest)}
	}
	for name, values := range l.Header {
		if slices.ContainsFunc(values, func(v string) bool { return !validHeaderValue(v) }) {
			return nil, &tokenError{err: fmt.Errorf("header %s has a value with control characters: %w", name, errRequest)}
		}
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	if req.Header.Get("Accept-Encoding") == "" {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	return req, nil
}

// bodySecrets are the values of a JSON object or a form whose names say that
// they are secret.
func bodySecrets(body []byte) []string {
	if !gjson.ValidBytes(body) {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil
		}
		return formSecrets(form)
	}
	var secrets []string
	var walk func(name string, value gjson.Result)
	walk = func(name string, value gjson.Result) {
		switch {
		case value.IsObject() || value.IsArray():
			value.ForEach(func(key, below gjson.Result) bool {
				walk(cmp.Or(key.String(), name), below)
				return true
			})
		case value.Type == gjson.String && httpclient.IsSecretName(name):
			secrets = append(secrets, value.Str)
		}
	}
	walk("", gjson.ParseBytes(body))
	return secrets
}

var (
	_ grant = Login{}
	_ asker = Login{}
)
