package httpclient

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLSFiles is TLS as a configuration gives it. Its zero value means the
// defaults of crypto/tls.
type TLSFiles struct {
	// CAFile holds the certificates, in PEM, of the authorities that are trusted
	// in place of the system's.
	CAFile string
	// CertFile and KeyFile hold the client's certificate, with those that lead to
	// its authority, and its private key, in PEM.
	CertFile, KeyFile string
	// ServerName is the name that the server's certificate must have, where that
	// is not the host of the URL.
	ServerName string
	// InsecureSkipVerify takes any certificate.
	InsecureSkipVerify bool
}

// Config reads the files. The certificate is read again when a handshake finds
// its files changed, so that it can be renewed while connections are made. Errors
// name the configuration key and the file.
func (f TLSFiles) Config() (*tls.Config, error) {
	c := &tls.Config{
		MinVersion: tls.VersionTLS12,
		ServerName: f.ServerName,
		// The operator asked for it, and is warned.
		InsecureSkipVerify: f.InsecureSkipVerify, //nolint:gosec // see above
	}
	if f.CAFile != "" {
		pem, err := os.ReadFile(f.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read tls.ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read tls.ca_file: %s holds no certificate in PEM", f.CAFile)
		}
	}
	if f.CertFile == "" && f.KeyFile == "" {
		return c, nil
	}
	if f.CertFile == "" || f.KeyFile == "" {
		return nil, errors.New("tls.cert_file and tls.key_file belong together: set both")
	}
	id := &identity{certFile: f.CertFile, keyFile: f.KeyFile}
	if err := id.load(); err != nil {
		return nil, fmt.Errorf("read tls.cert_file %s and tls.key_file %s: %w", f.CertFile, f.KeyFile, err)
	}
	c.GetClientCertificate = id.certificate
	return c, nil
}

// public returns what of a configuration of TLS may be used towards a server
// that somebody else chose: which authorities are trusted, and no more.
func public(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.Certificates, c.GetClientCertificate = nil, nil
	c.ServerName = ""
	c.InsecureSkipVerify = false
	return c
}
