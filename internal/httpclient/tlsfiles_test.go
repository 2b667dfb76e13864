package httpclient

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mustPair writes a certificate that signed itself, and its key.
func mustPair(tb testing.TB, dir, name string) (certFile, keyFile string) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
	}, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}}, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	mustWrite(tb, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	mustWrite(tb, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	return certFile, keyFile
}

func mustWrite(tb testing.TB, path string, data []byte) {
	tb.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
}

func mustRead(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestTLSFilesRefuse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := mustPair(t, dir, "one")
	_, otherKey := mustPair(t, dir, "two")
	empty := filepath.Join(dir, "empty")
	mustWrite(t, empty, nil)
	for _, tt := range []struct {
		files TLSFiles
		want  []string
	}{
		{TLSFiles{CAFile: filepath.Join(dir, "none")}, []string{"tls.ca_file", "none"}},
		{TLSFiles{CAFile: empty}, []string{"tls.ca_file", empty, "no certificate"}},
		{TLSFiles{CertFile: cert}, []string{"tls.key_file", "set both"}},
		{TLSFiles{KeyFile: key}, []string{"tls.cert_file", "set both"}},
		{TLSFiles{CertFile: cert, KeyFile: otherKey}, []string{cert, otherKey, "does not match"}},
		{TLSFiles{CertFile: cert, KeyFile: empty}, []string{empty, "find any PEM"}},
	} {
		_, err := tt.files.Config()
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: error %v, want %q in it", tt.files, err, want)
			}
		}
	}
}

// A client certificate that was renewed is used from the next handshake on, and
// one of which only half was written not before it is whole.
func TestIdentityIsReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := mustPair(t, dir, "one")
	newCert, newKey := mustPair(t, dir, "two")
	config, err := TLSFiles{CertFile: cert, KeyFile: key}.Config()
	if err != nil {
		t.Fatal(err)
	}
	shown := func() string {
		t.Helper()
		c, err := config.GetClientCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf.Subject.CommonName
	}
	age := func(path string) {
		t.Helper()
		if err := os.Chtimes(path, time.Time{}, time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if got := shown(); got != "one" {
		t.Errorf("shows %q first", got)
	}
	mustWrite(t, cert, mustRead(t, newCert))
	age(cert)
	if got := shown(); got != "one" {
		t.Errorf("shows %q while the key is still the old one", got)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if got := shown(); got != "one" {
		t.Errorf("shows %q while the key is missing", got)
	}
	mustWrite(t, key, mustRead(t, newKey))
	if got := shown(); got != "two" {
		t.Errorf("shows %q after both were renewed", got)
	}
}

// Towards a server that somebody else chose, only trust is left.
func TestPublicKeepsTrustOnly(t *testing.T) {
	t.Parallel()
	cert, key := mustPair(t, t.TempDir(), "one")
	config, err := TLSFiles{CAFile: cert, CertFile: cert, KeyFile: key, ServerName: "name", InsecureSkipVerify: true}.Config()
	if err != nil {
		t.Fatal(err)
	}
	config.Certificates = make([]tls.Certificate, 1)
	left := public(config)
	if left.GetClientCertificate != nil || left.Certificates != nil || left.ServerName != "" || left.InsecureSkipVerify {
		t.Errorf("left is %+v", left)
	}
	if left.RootCAs != config.RootCAs || config.GetClientCertificate == nil || !config.InsecureSkipVerify {
		t.Error("trust was lost, or the original changed")
	}
	if c := newGuardedTransport(Options{TLS: config, Proxy: noProxy}).TLSClientConfig; c.GetClientCertificate != nil || c.InsecureSkipVerify {
		t.Error("guarded requests are shown the client certificate, or are not verified")
	}
}
