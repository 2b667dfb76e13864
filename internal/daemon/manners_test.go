package daemon_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/server"
)

const (
	mannersItems = 23
	mannersPage  = 5
)

// manners is an API that wants to be asked in every manner there is: under
// /AUTH/PAGING/ it asks for the credentials of one kind, and gives its list of
// 23 items in pages of 5, or whole. It refuses whatever it is not meant to be
// asked: other credentials, a page beyond the end, a token that was renewed.
type manners struct {
	*httptest.Server

	mu      sync.Mutex
	refresh string          // the one refresh token that is good now
	tokens  map[string]bool // access tokens that are good
	issued  int
}

func newManners(t *testing.T) *manners {
	t.Helper()
	m := &manners{refresh: "refresh-0", tokens: make(map[string]bool)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", m.token)
	mux.HandleFunc("POST /login", m.login)
	mux.HandleFunc("/{auth}/{paging}/items", m.items)
	m.Server = httptest.NewUnstartedServer(mux)
	t.Cleanup(m.Close)
	return m
}

func (m *manners) issue() string {
	m.issued++
	token := fmt.Sprintf("access-%d", m.issued)
	m.tokens[token] = true
	return token
}

// token is the token endpoint of RFC 6749, sections 4.4 and 6. It rotates
// refresh tokens and takes each of them once.
func (m *manners) token(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	w.Header().Set("Content-Type", "application/json")
	refuse := func(code string) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error":%q}`, code)
	}
	if id != "client" || secret != "client-secret" {
		refuse("invalid_client")
		return
	}
	switch r.FormValue("grant_type") {
	case "client_credentials":
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, m.issue())
	case "refresh_token":
		if r.FormValue("refresh_token") != m.refresh {
			refuse("invalid_grant")
			return
		}
		m.refresh = fmt.Sprintf("refresh-%d", m.issued+1)
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"token_type":"bearer","expires_in":"3600","refresh_token":%q}`, m.issue(), m.refresh)
	default:
		refuse("unsupported_grant_type")
	}
}

func (m *manners) login(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sent struct{ User, Password string }
	if err := json.NewDecoder(r.Body).Decode(&sent); err != nil || sent.User != "me" || sent.Password != "login-secret" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"data":{"jwt":%q}}`, m.issue())
}

func (m *manners) authorized(r *http.Request, kind string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch kind {
	case "none":
		return r.Header.Get("Authorization") == ""
	case "bearer":
		return bearer == "bearer-secret"
	case "basic":
		user, password, _ := r.BasicAuth()
		return user == "me" && password == "basic-secret"
	case "header":
		return r.Header.Get("X-Api-Key") == "header-secret"
	case "query":
		return slices.Equal(r.URL.Query()["key"], []string{"query-secret"})
	case "client", "refresh":
		return m.tokens[bearer]
	case "login":
		return m.tokens[strings.TrimPrefix(r.Header.Get("X-Session"), "jwt ")]
	case "mutual":
		return r.TLS != nil && len(r.TLS.PeerCertificates) == 1
	}
	return false
}

func (m *manners) items(w http.ResponseWriter, r *http.Request) {
	if !m.authorized(r, r.PathValue("auth")) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	p, ok := findPage(r)
	if !ok || p.from > mannersItems || p.from < 0 {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, "no such page: %s", r.URL.RawQuery)
		return
	}
	to := min(p.from+p.size, mannersItems)
	var list []string
	for i := p.from; i < to; i++ {
		list = append(list, fmt.Sprintf(`{"id":%d,"name":"item %d"}`, i+1, i+1))
	}
	answer := map[string]any{"items": json.RawMessage("[" + strings.Join(list, ",") + "]")}
	p.lead(w, answer, r, to)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// page is one page of the list, and how the next one is told.
type page struct {
	from, size int
	lead       func(w http.ResponseWriter, answer map[string]any, r *http.Request, to int)
}

func findPage(r *http.Request) (page, bool) {
	number := func(name string, fallback int) (int, bool) {
		text := r.URL.Query().Get(name)
		if text == "" {
			return fallback, true
		}
		n, err := strconv.Atoi(text)
		return n, err == nil
	}
	p := page{size: mannersPage, lead: func(http.ResponseWriter, map[string]any, *http.Request, int) {}}
	ok := true
	switch r.PathValue("paging") {
	case "none":
		p.size = mannersItems
	case "header_link":
		p.from, ok = number("at", 0)
		p.lead = func(w http.ResponseWriter, _ map[string]any, r *http.Request, to int) {
			w.Header().Add("Link", `<`+r.URL.Path+`>; rel="first"; title="rel=next, no"`)
			if to < mannersItems {
				w.Header().Add("Link", fmt.Sprintf(`<?at=%d>; rel="last next"`, to))
			}
		}
	case "json_link":
		p.from, ok = number("at", 0)
		p.lead = func(_ http.ResponseWriter, answer map[string]any, r *http.Request, to int) {
			answer["next"] = nil
			if to < mannersItems {
				answer["next"] = fmt.Sprintf("%s?at=%d", r.URL.Path, to)
			}
		}
	case "cursor":
		p.from, ok = number("cursor", 0)
		p.lead = func(_ http.ResponseWriter, answer map[string]any, _ *http.Request, to int) {
			answer["more"], answer["next"] = to < mannersItems, strconv.Itoa(to)
		}
	case "last_item":
		p.from, ok = number("starting_after", 0)
		p.lead = func(_ http.ResponseWriter, answer map[string]any, _ *http.Request, to int) {
			answer["more"] = to < mannersItems
		}
	case "page_number":
		p.from, ok = number("page", 1)
		p.from = (p.from - 1) * mannersPage
		p.lead = func(_ http.ResponseWriter, answer map[string]any, _ *http.Request, _ int) {
			answer["pages"] = (mannersItems + mannersPage - 1) / mannersPage
		}
	case "offset":
		p.from, ok = number("offset", 0)
		if ok {
			p.size, ok = number("limit", 1)
		}
		p.lead = func(_ http.ResponseWriter, answer map[string]any, _ *http.Request, _ int) {
			answer["total"] = mannersItems
		}
	default:
		ok = false
	}
	return p, ok
}

// certificate writes a self-signed certificate and its key into a folder.
func certificate(t *testing.T, dir string) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "pollwire"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile = writePEM(t, dir, "client.pem", "CERTIFICATE", raw)
	keyFile = writePEM(t, dir, "client.key", "PRIVATE KEY", private)
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(leaf)
	return certFile, keyFile, pool
}

func writePEM(t *testing.T, dir, name, kind string, raw []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestEveryMannerOfAsking holds each kind of credentials against each kind of
// pagination, the way an operator writes them: the first look tells every item
// of the list, once.
func TestEveryMannerOfAsking(t *testing.T) {
	t.Parallel()
	auths := []struct{ kind, keys string }{
		{"none", ""},
		{"bearer", "auth: {type: bearer, token: bearer-secret}"},
		{"basic", "auth: {type: basic, username: me, password: basic-secret}"},
		{"header", "auth: {type: api_key, name: X-Api-Key, in: header, value: header-secret}"},
		{"query", "auth: {type: api_key, name: key, in: query, value: query-secret}"},
		{"client", `auth: {type: oauth2_client_credentials, token_url: "URL/token", client_id: client, client_secret: client-secret}`},
		{"refresh", `auth: {type: oauth2_refresh_token, token_url: "URL/token", client_id: client, client_secret: client-secret, refresh_token: refresh-0}`},
		{"login", `auth: {type: login, request: {url: "URL/login", method: POST, json: {user: me, password: login-secret}}, token_path: data.jwt, header: "X-Session: jwt {token}"}`},
		{"mutual", ""},
	}
	pagings := []struct{ kind, keys string }{
		{"none", ""},
		{"header_link", "pagination: {type: header_link, max_pages: 10}"},
		{"json_link", "pagination: {type: json_link, next_url_path: next, max_pages: 10}"},
		{"cursor", "pagination: {type: cursor, cursor_path: next, cursor_param: cursor, has_more_path: more, max_pages: 10}"},
		{"last_item", "pagination: {type: cursor, cursor_from: last_item, cursor_path: id, cursor_param: starting_after, has_more_path: more, max_pages: 10}"},
		{"page_number", "pagination: {type: page_number, page_param: page, base_page: 1, total_path: pages, max_pages: 10}"},
		{"offset", "pagination: {type: offset, offset_param: offset, limit_param: limit, limit: 5, total_path: total, max_pages: 10}"},
	}
	dir := daemon.MustMigrate(t)
	certFile, keyFile, pool := certificate(t, dir)
	m := newManners(t)
	m.TLS = &tls.Config{ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool, MinVersion: tls.VersionTLS12}
	m.StartTLS()
	caFile := writePEM(t, dir, "ca.pem", "CERTIFICATE", m.Certificate().Raw)
	var yaml strings.Builder
	yaml.WriteString("defaults: {schedule: \"@yearly\", enabled: false, items: {path: items, key: id}, detect: {first_poll: emit}, retry: {max_attempts: 1}}\n")
	yaml.WriteString("sources:\n")
	for _, auth := range auths {
		certificates := ""
		if auth.kind == "mutual" {
			certificates = fmt.Sprintf(", cert_file: %q, key_file: %q", certFile, keyFile)
		}
		for _, paging := range pagings {
			fmt.Fprintf(&yaml, "  - name: %s-%s\n    request: {url: \"%s/%[1]s/%[2]s/items\", tls: {ca_file: %[4]q%[5]s}}\n    %[6]s\n    %[7]s\n",
				auth.kind, paging.kind, m.URL, caFile, certificates, strings.ReplaceAll(auth.keys, "URL", m.URL), paging.keys)
		}
	}
	d := restartDaemon(t, dir, "server: {listen: \"127.0.0.1:0\"}\n"+
		"endpoints: [{name: you, url: \"http://127.0.0.1:1\", secrets: [whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3]}]\n"+yaml.String())
	for _, auth := range auths {
		for _, paging := range pagings {
			name := auth.kind + "-" + paging.kind
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				preview, err := d.client.Preview(t.Context(), name)
				if err != nil {
					t.Fatal(err)
				}
				wantAllItems(t, preview)
			})
		}
	}
	t.Cleanup(func() {
		// One token for all that share the credentials: seven sources each.
		if m.issued != 3 {
			t.Errorf("%d tokens were issued for three credentials", m.issued)
		}
	})
}

// wantAllItems holds a first look to tell each item once.
func wantAllItems(t *testing.T, preview *server.Preview) {
	t.Helper()
	if preview.Outcome != server.Baseline {
		t.Fatalf("%s %d: %s", preview.Outcome, preview.Status, preview.Reason)
	}
	var told []string
	for _, webhook := range preview.Webhooks {
		var body struct{ Subject string }
		if err := json.Unmarshal(webhook.Body, &body); err != nil {
			t.Fatal(err)
		}
		told = append(told, body.Subject)
	}
	var want []string
	for i := range mannersItems {
		want = append(want, strconv.Itoa(i+1))
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %v, not %v", told, want)
	}
}
