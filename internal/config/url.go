package config

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
)

// URL is the address of a source or an endpoint. Its path and query often are
// or hold a secret, so that, however it is printed, logged or marshalled, only
// scheme and host are shown; Reveal gives all of it.
type URL struct {
	text Secret
}

// NewURL hides the path and the query of a URL.
func NewURL(text string) URL { return URL{NewSecret(text)} }

// Reveal returns the whole URL.
func (u URL) Reveal() string { return u.text.Reveal() }

// IsZero says whether the URL is empty.
func (u URL) IsZero() bool { return u.text.IsZero() }

// String returns the scheme and the host, and /... for what follows.
func (u URL) String() string {
	if u.IsZero() {
		return ""
	}
	parsed, err := url.Parse(u.Reveal())
	if err != nil || parsed.Host == "" {
		return hidden
	}
	short := parsed.Scheme + "://" + parsed.Host
	if parsed.Path == "" && parsed.RawQuery == "" {
		return short
	}
	return short + "/..."
}

// GoString returns what String does.
func (u URL) GoString() string { return u.String() }

// Format writes what String returns, for every verb.
func (u URL) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// MarshalText returns what String does.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// MarshalYAML returns what String does.
func (u URL) MarshalYAML() (any, error) { return u.String(), nil }

// LogValue returns what String does.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.String()) }

func (URL) pattern() string { return `^https?://` }
