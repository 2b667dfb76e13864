package server_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/pollwire/pollwire/internal/server"
)

// numbers is what a scrape is answered with here.
var numbers = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	_, _ = io.WriteString(w, "pollwire_up 1\n")
})

// TestMetricsToken: /metrics is as closed as the API is, but may have a token of
// its own, which opens nothing else. With a token it may be asked by any name;
// without one, only by those of this server, else a page could rebind its own.
func TestMetricsToken(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		token, own string
		// open are tokens that open /metrics, by whatever name, shut those that do
		// not; api those that open the API.
		open, shut, api []string
		// elsewhere is the answer to a scrape of an unknown name that has no token.
		elsewhere int
	}{
		"neither":     {open: nil, shut: nil, api: []string{"", "x"}, elsewhere: 421},
		"one for all": {token: "all", open: []string{"all"}, shut: []string{"", "own", "al"}, api: []string{"all"}, elsewhere: 421},
		"its own":     {token: "all", own: "own", open: []string{"all", "own"}, shut: []string{"", "x"}, api: []string{"all"}, elsewhere: 421},
		"its own alone": {
			own: "own", open: []string{"own"}, shut: []string{"", "x"}, api: []string{"", "own", "x"}, elsewhere: 421,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := start(t, server.Options{Controller: &controller{}, Metrics: numbers, Token: tc.token, MetricsToken: tc.own}).Addr()
			try := func(path, token, host string) int {
				q := question{method: "GET", path: path, host: host}
				if token != "" {
					q.header = headers("Authorization", "Bearer "+token)
				}
				return ask(t, addr, q).status
			}
			for _, token := range tc.open {
				if a, b := try("/metrics", token, ""), try("/metrics", token, "pollwire.internal:8470"); a != 200 || b != 200 {
					t.Errorf("with %q /metrics answered %d, by another name %d", token, a, b)
				}
			}
			for _, token := range tc.shut {
				if a, b := try("/metrics", token, ""), try("/metrics", token, "evil.example"); a != 401 || b != 421 {
					t.Errorf("with %q /metrics answered %d, by another name %d", token, a, b)
				}
			}
			if tc.token+tc.own == "" && try("/metrics", "", "") != 200 {
				t.Error("a token is asked for where there is none")
			}
			if got := try("/metrics", "", "evil.example"); got != tc.elsewhere {
				t.Errorf("a page that rebinds its name was answered %d", got)
			}
			for _, token := range []string{"", "all", "own", "x"} {
				want := 401
				for _, good := range tc.api {
					if good == token || tc.token == "" {
						want = 200
					}
				}
				if got := try("/v1/events/1", token, ""); got != want {
					t.Errorf("with %q the API answered %d, want %d", token, got, want)
				}
			}
			if got := try("/v1/events/1", "own", "evil.example"); got != 421 {
				t.Errorf("the API by another name answered %d", got)
			}
		})
	}
}

// TestMetricsAnswer: only GET, never kept, and nothing where there are none.
func TestMetricsAnswer(t *testing.T) {
	t.Parallel()
	addr := start(t, server.Options{Metrics: numbers}).Addr()
	got := ask(t, addr, question{method: "GET", path: "/metrics"})
	if got.status != 200 || got.body != "pollwire_up 1\n" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("answered %d %q with %v", got.status, got.body, got.header)
	}
	if got := ask(t, addr, question{method: "POST", path: "/metrics"}); got.status != 405 {
		t.Errorf("POST was answered %d", got.status)
	}
	without := start(t, server.Options{}).Addr()
	if got := ask(t, without, question{method: "GET", path: "/metrics"}); got.status != 404 {
		t.Errorf("without metrics answered %d", got.status)
	}
}
