// Package httpclienttest has what tests of outbound HTTPS need: an authority of
// their own, and servers that it vouches for. Nothing but tests imports it.
package httpclienttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority is a certificate authority of a test's own.
type Authority struct {
	// File holds its certificate, in PEM.
	File string

	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

// NewAuthority makes an authority that nobody trusts yet.
func NewAuthority(tb testing.TB) *Authority {
	tb.Helper()
	a := &Authority{pool: x509.NewCertPool(), File: filepath.Join(tb.TempDir(), "ca.pem")}
	a.cert, a.key = a.sign(tb, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	a.pool.AddCert(a.cert)
	mustWritePEM(tb, a.File, "CERTIFICATE", a.cert.Raw)
	return a
}

// sign makes a key and its certificate; the first one signs itself.
func (a *Authority) sign(tb testing.TB, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	parent, parentKey := a.cert, a.key
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return cert, key
}

// Issue writes a certificate for a name and for 127.0.0.1, of a server or of a
// client, that ends at a time, and its key, both in PEM.
func (a *Authority) Issue(tb testing.TB, name string, end time.Time) (certFile, keyFile string) {
	tb.Helper()
	cert, key := a.sign(tb, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: end,
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	mustWritePEM(tb, certFile, "CERTIFICATE", cert.Raw)
	mustWritePEM(tb, keyFile, "PRIVATE KEY", pkcs8)
	return certFile, keyFile
}

// Serve starts a server whose certificate is for a name and for 127.0.0.1, and
// ends at a time. It asks for client certificates of the authority, and logs
// nothing of connections that fail.
func (a *Authority) Serve(tb testing.TB, name string, end time.Time, clients tls.ClientAuthType, h http.Handler) *httptest.Server {
	tb.Helper()
	certFile, keyFile := a.Issue(tb, name, end)
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		tb.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientAuth: clients, ClientCAs: a.pool}
	srv.StartTLS()
	tb.Cleanup(srv.Close)
	return srv
}

func mustWritePEM(tb testing.TB, path, kind string, der []byte) {
	tb.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		tb.Fatal(err)
	}
}
