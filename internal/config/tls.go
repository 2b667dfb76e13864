package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
)

// TLS says how servers are verified, and how pollwire shows who it is.
type TLS struct {
	CAFile             string `yaml:"ca_file" example:"/etc/pollwire/company-ca.pem" doc:"A file with the certificates (PEM) of the authorities that are trusted in place of the system's." aka:"ca|ca_cert|cacert|ca_certificate"`
	CertFile           string `yaml:"cert_file" example:"/etc/pollwire/client.pem" doc:"A file with the client certificate (PEM), for servers that want one. It is read again when it changes." aka:"cert|client_cert|certificate"`
	KeyFile            string `yaml:"key_file" example:"/etc/pollwire/client.key" doc:"A file with the private key (PEM, not encrypted) of cert_file." aka:"key|client_key|private_key"`
	ServerName         string `yaml:"server_name" example:"api.internal.example.com" doc:"The name that the server's certificate must have, where it is not the host of the URL." aka:"sni|hostname"`
	InsecureSkipVerify bool   `yaml:"insecure_skip_verify" default:"false" doc:"Takes any certificate of the server: whoever is on the way can read and change everything." aka:"insecure|skip_verify"`
}

// tls checks the files too: a certificate that is missing or does not belong to
// its key would be noticed at the first poll only.
func (v *validator) tls(at place, t *TLS) {
	if p, ok := v.written(at, "ca_file"); ok && t.CAFile != "" {
		if data, ok := v.readFile(p, t.CAFile); ok {
			v.authorities(p, t.CAFile, data)
		}
	}
	if p, ok := v.written(at, "server_name"); ok && strings.ContainsAny(t.ServerName, ":/ ") {
		v.add(p, "%s: want a host alone, such as api.example.com", p.quote(t.ServerName))
	}
	certPlace, hasCert := v.written(at, "cert_file")
	keyPlace, hasKey := v.written(at, "key_file")
	hasCert, hasKey = hasCert && t.CertFile != "", hasKey && t.KeyFile != ""
	switch {
	case hasCert && !hasKey:
		v.add(certPlace, "key_file is missing: a certificate is of use with its private key only")
	case hasKey && !hasCert:
		v.add(keyPlace, "cert_file is missing: a private key is of use with its certificate only")
	case hasCert:
		v.keyPair(certPlace, keyPlace, t)
	}
}

// readFile reads a file that a value names.
func (v *validator) readFile(p place, path string) ([]byte, bool) {
	if strings.Contains(path, "-----BEGIN") {
		v.add(p, "want the path of a file, not what it holds")
		return nil, false
	}
	data, err := v.file(path)
	if err != nil {
		v.add(p, "read %s: %s", p.quote(path), reason(err))
	}
	return data, err == nil
}

func (v *validator) authorities(p place, path string, data []byte) {
	switch {
	case !x509.NewCertPool().AppendCertsFromPEM(data):
		v.add(p, "the file %s holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", p.quote(path))
	case hasBlock(data, "PRIVATE KEY"):
		v.add(p, "the file %s holds a private key too: name one with certificates only", p.quote(path))
	}
}

// keyPair checks that a certificate and its key can be used together.
func (v *validator) keyPair(certPlace, keyPlace place, t *TLS) {
	cert, hasCert := v.readFile(certPlace, t.CertFile)
	key, hasKey := v.readFile(keyPlace, t.KeyFile)
	if !hasCert || !hasKey {
		return
	}
	switch {
	case !hasBlock(cert, "CERTIFICATE"):
		v.add(certPlace, "the file %s holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", certPlace.quote(t.CertFile))
		return
	case isEncrypted(key):
		v.add(keyPlace, "the private key in %s is encrypted; write it decrypted into a file that only pollwire can read: openssl pkey -in encrypted.key -out client.key", keyPlace.quote(t.KeyFile))
		return
	case !hasBlock(key, "PRIVATE KEY"):
		v.add(keyPlace, "the file %s holds no private key in PEM (-----BEGIN PRIVATE KEY-----)", keyPlace.quote(t.KeyFile))
		return
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		// The errors of crypto/tls quote nothing of the key.
		v.add(keyPlace, "the private key in %s does not fit the certificate in %s: %s", keyPlace.quote(t.KeyFile), certPlace.quote(t.CertFile), strings.TrimPrefix(err.Error(), "tls: "))
	}
}

// hasBlock says whether there is a PEM block whose type ends so.
func hasBlock(data []byte, kind string) bool {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return false
		}
		if strings.HasSuffix(block.Type, kind) {
			return true
		}
	}
}

func isEncrypted(key []byte) bool {
	for {
		var block *pem.Block
		if block, key = pem.Decode(key); block == nil {
			return false
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return true
		}
	}
}
