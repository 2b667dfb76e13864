package httpclient

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// ProxyError says that a proxy refused to connect to a server.
type ProxyError struct {
	// Status is the code of its answer to CONNECT.
	Status int
}

// Error names the answer.
func (e *ProxyError) Error() string {
	text := fmt.Sprintf("proxy answered %d", e.Status)
	if name := http.StatusText(e.Status); name != "" {
		text += " " + name
	}
	if e.Status == http.StatusProxyAuthRequired {
		text += ": it wants another user and password in the url of the proxy"
	}
	return text
}

// connected is an http.Transport.OnProxyConnectResponse: without it, all that is
// said of a refusal is the proxy's own text.
func connected(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &ProxyError{Status: resp.StatusCode}
	}
	return nil
}

// dialProxyTLS returns an http.Transport.DialTLSContext for requests that all go
// through one proxy: it makes the connection to the proxy. The transport would
// show the proxy the certificate that is meant for the servers behind it, look for
// their name in the proxy's certificate, and skip its verification with theirs.
// Only the authorities that are trusted are the same.
func dialProxyTLS(dial dialFunc, behind *tls.Config, timeout time.Duration) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, fmt.Errorf("split address of proxy: %w", err)
		}
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
		if behind != nil {
			config.RootCAs = behind.RootCAs
		}
		secured := tls.Client(conn, config)
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("shake hands with proxy: %w", err)
		}
		return secured, nil
	}
}
