package server_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/server"
)

func TestHost(t *testing.T) {
	t.Parallel()
	public := &url.URL{Scheme: "https", Host: "Pollwire.example.com", Path: "/x"}
	addr := start(t, server.Options{Listen: "localhost:0", PublicURL: public}).Addr()
	for _, tc := range []struct {
		host string
		path string
		want int
	}{
		{"localhost", "/v1/events/1", 200},
		{"LOCALHOST:8470", "/v1/events/1", 200},
		{"localhost.:8470", "/v1/events/1", 200},
		{"127.0.0.1", "/v1/events/1", 200},
		{"127.9.9.9:1", "/v1/events/1", 200},
		{"[::1]:8470", "/v1/events/1", 200},
		{"[::1]", "/v1/events/1", 200},
		{"[::ffff:127.0.0.1]:8470", "/v1/events/1", 200},
		{"pollwire.example.com", "/v1/events/1", 200},
		{"pollwire.example.com:443", "/v1/events/1", 200},
		{"evil.example", "/v1/events/1", 421},
		{"evil.example:8470", "/v1/events/1", 421},
		{"localhost.evil.example", "/v1/events/1", 421},
		{"x.pollwire.example.com", "/v1/events/1", 421},
		{"127.0.0.1.evil.example", "/v1/events/1", 421},
		{"10.0.0.1", "/v1/events/1", 421},
		{"0.0.0.0", "/v1/events/1", 421},
		{"2130706433", "/v1/events/1", 421},
		{"evil.example", "/nothing", 421},
		{"evil.example", "/healthz/", 421},
		{"evil.example", "/healthz", 200},
		{"evil.example", "/readyz", 200},
		{"10.0.0.1", "/readyz", 200},
	} {
		if got := ask(t, addr, question{method: "GET", path: tc.path, host: tc.host}); got.status != tc.want {
			t.Errorf("Host: %s of %s answered %d, want %d", tc.host, tc.path, got.status, tc.want)
		}
	}
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	ctl := &controller{}
	public := &url.URL{Scheme: "https", Host: "pollwire.example.com"}
	addr := start(t, server.Options{Controller: ctl, PublicURL: public}).Addr()
	for _, tc := range []struct {
		name   string
		method string
		path   string
		header []string
		want   int
	}{
		{"no browser", "POST", "/v1/sources/a/accept", nil, 202},
		{"own page", "POST", "/v1/sources/a/accept", []string{"Origin", "http://" + addr}, 202},
		{"own page, by fetch metadata", "POST", "/v1/sources/a/accept", []string{"Sec-Fetch-Site", "same-origin"}, 202},
		{"typed by the user", "POST", "/v1/sources/a/accept", []string{"Sec-Fetch-Site", "none"}, 202},
		{"own page behind a proxy", "POST", "/v1/sources/a/accept", []string{"Origin", "https://pollwire.example.com", "Sec-Fetch-Site", "cross-site"}, 202},
		{"other scheme of the public URL", "POST", "/v1/sources/a/accept", []string{"Origin", "http://pollwire.example.com"}, 403},
		{"other port", "POST", "/v1/sources/a/accept", []string{"Origin", "http://127.0.0.1:1"}, 403},
		{"other site", "POST", "/v1/sources/a/accept", []string{"Origin", "https://evil.example"}, 403},
		{"sandboxed page", "POST", "/v1/sources/a/accept", []string{"Origin", "null"}, 403},
		{"cross-site", "POST", "/v1/sources/a/accept", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"same site, other host", "POST", "/v1/sources/a/accept", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"fetch metadata over origin", "POST", "/v1/sources/a/accept", []string{"Sec-Fetch-Site", "cross-site", "Origin", "http://" + addr}, 403},
		{"reading changes nothing", "GET", "/v1/events/1", []string{"Origin", "https://evil.example"}, 200},
		{"a link from elsewhere", "GET", "/v1/events/1", []string{"Sec-Fetch-Site", "cross-site"}, 200},
		{"preflight", "OPTIONS", "/v1/sources/a/accept", []string{"Origin", "https://evil.example"}, 405},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ask(t, addr, question{method: tc.method, path: tc.path, header: headers(tc.header...)})
			if got.status != tc.want {
				t.Errorf("answered %d, want %d: %s", got.status, tc.want, got.body)
			}
			if calls := ctl.taken(); tc.want >= 400 && len(calls) > 0 {
				t.Errorf("refused, yet called %v", calls)
			}
			if allowed := got.header.Get("Access-Control-Allow-Origin"); allowed != "" {
				t.Errorf("opened to %s", allowed)
			}
		})
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	ctl := &controller{}
	addr := start(t, server.Options{Controller: ctl, Token: "s3cret"}).Addr()
	routes := []question{
		{method: "POST", path: "/v1/sources/a/accept"},
		{method: "POST", path: "/v1/sources/a/poll"},
		{method: "POST", path: "/v1/sources/a/poll", body: `{"preview":true}`},
		{method: "POST", path: "/v1/endpoints/a/enable"},
		{method: "POST", path: "/v1/endpoints/a/disable"},
		{method: "GET", path: "/v1/events/a"},
		{method: "HEAD", path: "/v1/events/a"},
		{method: "GET", path: "/%76%31/events/a"},
		{method: "GET", path: "/v1/anything"},
	}
	for _, tc := range []struct {
		name, authorization string
		letIn               bool
	}{
		{"none", "", false},
		{"empty", "Bearer ", false},
		{"scheme alone", "Bearer", false},
		{"wrong", "Bearer s3creT", false},
		{"a beginning", "Bearer s3cre", false},
		{"too long", "Bearer s3cretx", false},
		{"two", "Bearer s3cret s3cret", false},
		{"other scheme", "Basic s3cret", false},
		{"no scheme", "s3cret", false},
		{"right", "Bearer s3cret", true},
		{"right, lower-case scheme", "bearer s3cret", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, q := range routes {
				q.header = headers("Authorization", tc.authorization)
				got := ask(t, addr, q)
				if (got.status != 401) != tc.letIn {
					t.Errorf("%s %s answered %d", q.method, q.path, got.status)
				}
				if challenge := got.header.Get("WWW-Authenticate"); (challenge == `Bearer realm="pollwire"`) == tc.letIn {
					t.Errorf("%s %s challenged with %q", q.method, q.path, challenge)
				}
			}
			if calls := ctl.taken(); (len(calls) > 0) != tc.letIn {
				t.Errorf("called %v", calls)
			}
		})
	}
	t.Run("as a password, to read", func(t *testing.T) {
		basic := func(password string) http.Header {
			return headers("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("anybody:"+password)))
		}
		for _, q := range routes {
			q.header = basic("s3cret")
			reads := q.method != http.MethodPost
			if got := ask(t, addr, q); (got.status != 401) != reads {
				t.Errorf("%s %s answered %d", q.method, q.path, got.status)
			}
			q.header = basic("s3creT")
			if got := ask(t, addr, q); got.status != 401 {
				t.Errorf("a wrong one: %s %s answered %d", q.method, q.path, got.status)
			}
		}
		for _, call := range ctl.taken() {
			if !strings.HasPrefix(call, "event ") {
				t.Errorf("called %s", call)
			}
		}
	})
	t.Run("probes need none", func(t *testing.T) {
		for _, path := range []string{"/healthz", "/readyz"} {
			if got := ask(t, addr, question{method: "GET", path: path}); got.status != 200 {
				t.Errorf("%s answered %d", path, got.status)
			}
		}
	})
}

// TestPathsThatOnlyLookCleanGetNoFurther catches a token check that looks at
// one form of the path while routing follows another.
func TestPathsThatOnlyLookCleanGetNoFurther(t *testing.T) {
	t.Parallel()
	ctl := &controller{}
	addr := start(t, server.Options{Controller: ctl, Token: "s3cret"}).Addr()
	for _, path := range []string{
		"//v1/sources/a/accept", "/./v1/sources/a/accept", "/x/../v1/sources/a/accept", "/V1/sources/a/accept",
		"/%2Fv1/sources/a/accept", "/v1%2Fsources/a/accept", "/v1//sources/a/accept", "/healthz/../v1/sources/a/accept",
		"/%2e/v1/sources/a/accept",
	} {
		got := ask(t, addr, question{method: "POST", path: path})
		if got.status < 300 {
			t.Errorf("%s answered %d", path, got.status)
		}
	}
	if diff := cmp.Diff([]string(nil), ctl.taken()); diff != "" {
		t.Errorf("calls without a token:\n%s", diff)
	}
}
