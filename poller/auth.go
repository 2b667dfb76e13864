package poller

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

// secretHolder is what an Auth may implement beyond its contract: the values
// that must be masked wherever they turn up. Each Auth of this package does.
type secretHolder interface {
	Secrets() []string
}

// constantAuth marks an Auth that gives every request the same credentials, so
// that they can be added once for each source.
type constantAuth interface {
	constant()
}

// Bearer sends a token as "Authorization: Bearer …" (RFC 6750).
type Bearer struct{ Token string }

// Authorize implements [Auth].
func (b Bearer) Authorize(_ context.Context, req *http.Request) error {
	if b.Token == "" {
		return errors.New("bearer token is empty")
	}
	req.Header.Set("Authorization", "Bearer "+b.Token)
	return nil
}

// Secrets returns the values that must never be shown.
func (b Bearer) Secrets() []string { return []string{b.Token} }

// Format keeps the token out of anything that is printed.
func (Bearer) Format(w fmt.State, _ rune) { hide(w, "bearer") }

// LogValue keeps the token out of logs.
func (Bearer) LogValue() slog.Value { return slog.StringValue("bearer " + hidden) }

// MarshalText keeps the token out of dumps.
func (Bearer) MarshalText() ([]byte, error) { return []byte("bearer " + hidden), nil }

func (Bearer) constant() {}

// Basic sends a user name and a password (RFC 7617).
type Basic struct{ Username, Password string }

// Authorize implements [Auth].
func (b Basic) Authorize(_ context.Context, req *http.Request) error {
	if strings.Contains(b.Username, ":") {
		return errors.New("username of basic auth contains a colon")
	}
	req.SetBasicAuth(b.Username, b.Password)
	return nil
}

// Secrets returns the values that must never be shown.
func (b Basic) Secrets() []string { return []string{b.Password, b.Username + ":" + b.Password} }

// Format keeps the password out of anything that is printed.
func (Basic) Format(w fmt.State, _ rune) { hide(w, "basic") }

// LogValue keeps the password out of logs.
func (Basic) LogValue() slog.Value { return slog.StringValue("basic " + hidden) }

// MarshalText keeps the password out of dumps.
func (Basic) MarshalText() ([]byte, error) { return []byte("basic " + hidden), nil }

func (Basic) constant() {}

// Place is where an API key goes.
type Place string

// The places.
const (
	InHeader Place = "header"
	InQuery  Place = "query"
)

// APIKey sends a key in a header, or as a parameter of the query.
type APIKey struct {
	// Name is the name of the header or of the parameter.
	Name  string
	Value string
	// In is InHeader where empty.
	In Place
}

// Authorize implements [Auth]. A parameter or header of that name that the
// request already has is replaced.
func (k APIKey) Authorize(_ context.Context, req *http.Request) error {
	switch {
	case k.Name == "" || k.Value == "":
		return errors.New("api key has no name or no value")
	case k.In == InQuery:
		// The URL may be shared with other requests of the source.
		u := *req.URL
		u.RawQuery = setParam(u.RawQuery, k.Name, k.Value)
		req.URL = &u
	case k.In == InHeader || k.In == "":
		req.Header.Set(k.Name, k.Value)
	default:
		return fmt.Errorf("api key cannot go into %q", string(k.In))
	}
	return nil
}

// Secrets returns the values that must never be shown.
func (k APIKey) Secrets() []string { return []string{k.Value} }

// Format keeps the key out of anything that is printed.
func (APIKey) Format(w fmt.State, _ rune) { hide(w, "api key") }

// LogValue keeps the key out of logs.
func (APIKey) LogValue() slog.Value { return slog.StringValue("api key " + hidden) }

// MarshalText keeps the key out of dumps.
func (APIKey) MarshalText() ([]byte, error) { return []byte("api key " + hidden), nil }

func (APIKey) constant() {}

const hidden = "<secret>"

func hide(w fmt.State, kind string) { _, _ = io.WriteString(w, kind+" "+hidden) }

// setParam replaces one parameter of a query and leaves the others exactly as
// they are written, in their order.
func setParam(query, name, value string) string {
	kept := dropParams(query, func(n, _ string) bool { return n == name })
	pair := url.QueryEscape(name) + "=" + url.QueryEscape(value)
	if kept == "" {
		return pair
	}
	return kept + "&" + pair
}

// dropParams removes the parameters for which drop holds. What cannot be
// unescaped is given to drop as it is written.
func dropParams(query string, drop func(name, value string) bool) string {
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if n, err := url.QueryUnescape(name); err == nil {
			name = n
		}
		if v, err := url.QueryUnescape(value); err == nil {
			value = v
		}
		if pair != "" && !drop(name, value) {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}

var (
	_ Auth = Bearer{}
	_ Auth = Basic{}
	_ Auth = APIKey{}
)
