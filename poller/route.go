package poller

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// Route is the way to the servers that a source names. Sources whose routes are
// equal share their connections. The zero Route is that of the [FetcherOptions].
//
// A redirect to another origin is followed without it, but for the authorities
// that are trusted, and not at all where it leads through a proxy.
type Route struct {
	// Proxy is the URL of a proxy for all requests, empty for none: http, https,
	// socks5 or socks5h, with user and password where it wants them.
	Proxy string
	// CAFile holds the certificates, in PEM, of the authorities that are trusted
	// in place of the system's.
	CAFile string
	// CAVersion tells apart what CAFile held at different times: with another one the
	// file is read again. It may be empty.
	CAVersion string
	// CertFile and KeyFile hold a client certificate and its key, in PEM. They are
	// read again when they change.
	CertFile, KeyFile string
	// ServerName is the name that the server's certificate must have, where that
	// is not the host of the URL.
	ServerName string
	// InsecureSkipVerify takes any certificate of the server.
	InsecureSkipVerify bool
}

// Format keeps the password of the proxy out of anything that is printed.
func (r Route) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, r.describe()) }

// LogValue keeps the password of the proxy out of logs.
func (r Route) LogValue() slog.Value { return slog.StringValue(r.describe()) }

// MarshalText keeps the password of the proxy out of dumps.
func (r Route) MarshalText() ([]byte, error) { return []byte(r.describe()), nil }

func (r Route) describe() string { return httpclient.Route(r).String() }

// secrets are the values of the route that give access.
func (r Route) secrets() []string { return httpclient.Route(r).Secrets() }
