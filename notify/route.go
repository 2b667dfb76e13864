package notify

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// Route is the way to a receiver. Endpoints whose routes are equal share their
// connections. The zero Route is that of the [Sender]. An endpoint that is
// Foreign is shown no certificate, is always verified and reached by no proxy.
type Route struct {
	// Proxy is the URL of a proxy, empty for none: http, https, socks5 or socks5h,
	// with user and password where it wants them.
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
	// ServerName is the name that the receiver's certificate must have, where that
	// is not the host of the URL.
	ServerName string
	// InsecureSkipVerify takes any certificate of the receiver.
	InsecureSkipVerify bool
}

// Format keeps the password of the proxy out of anything that is printed.
func (r Route) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, httpclient.Route(r).String()) }

// LogValue keeps the password of the proxy out of logs.
func (r Route) LogValue() slog.Value { return slog.StringValue(httpclient.Route(r).String()) }

// MarshalText keeps the password of the proxy out of dumps.
func (r Route) MarshalText() ([]byte, error) { return []byte(httpclient.Route(r).String()), nil }
