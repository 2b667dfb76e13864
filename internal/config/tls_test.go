package config

import (
	"fmt"
	"strings"
	"testing"
)

// What works but is unwise is said by check.
func TestInsecureSkipVerifyWarns(t *testing.T) {
	t.Parallel()
	c := mustParse(t, strings.Replace(minimal, "orders}", "orders, tls: {insecure_skip_verify: true}}", 1))
	warnings := c.Warnings(reference())
	if len(warnings) != 1 || warnings[0].Path != "sources[0].request.tls.insecure_skip_verify" || !strings.Contains(warnings[0].Message, "ca_file") {
		t.Errorf("warnings %v", warnings)
	}
}

// A proxy's password is not shown, however the configuration is printed.
func TestProxyURLHidesItself(t *testing.T) {
	t.Parallel()
	c := mustParse(t, strings.Replace(minimal, "orders}", `orders, proxy_url: "socks5h://joe:topsecret@proxy.example.com:1080"}`, 1))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, c); strings.Contains(text, "topsecret") || !strings.Contains(text, "socks5h://proxy.example.com:1080") {
			t.Errorf("%s gives %s", verb, text)
		}
	}
}

// An empty proxy_url takes away that of defaults, and files that a reference
// names are not shown when they cannot be read.
func TestProxyURLOfDefaults(t *testing.T) {
	t.Parallel()
	c := mustParse(t, "defaults: {request: {proxy_url: http://proxy.example.com}}\n"+strings.Replace(minimal, "orders}", `orders, proxy_url: ""}`, 1))
	if !c.Sources[0].Request.ProxyURL.IsZero() {
		t.Errorf("the proxy is %s", c.Sources[0].Request.ProxyURL)
	}
	_, err := Parse("test.yaml", []byte(strings.Replace(minimal, "orders}", `orders, tls: {ca_file: "${GITHUB_TOKEN}"}}`, 1)), fakeLookup())
	if err == nil || strings.Contains(err.Error(), "topsecret") || !strings.Contains(err.Error(), "${GITHUB_TOKEN}") {
		t.Errorf("error %v", err)
	}
}

// Credentials that leave this machine readable are warned of, to whom ever they go.
func TestPlainTokenURLWarns(t *testing.T) {
	t.Parallel()
	for auth, path := range map[string]string{
		"{type: oauth2_client_credentials, token_url: http://l.example.com/token, client_id: a, client_secret: b}":      "sources[0].auth.token_url",
		"{type: login, request: {url: http://l.example.com/login}}":                                                     "sources[0].auth.request.url",
		"{type: oauth2_client_credentials, token_url: http://127.0.0.1:8080/token, client_id: a, client_secret: b}":     "",
		"{type: oauth2_client_credentials, token_url: https://login.example.com/token, client_id: a, client_secret: b}": "",
	} {
		warnings := mustParse(t, strings.Replace(minimal, "schedule:", "auth: "+auth+"\n    schedule:", 1)).Warnings(reference())
		if path == "" && len(warnings) != 0 || path != "" && (len(warnings) != 1 || warnings[0].Path != path) {
			t.Errorf("%s: warnings %v, want one of %q", auth, warnings, path)
		}
	}
}
