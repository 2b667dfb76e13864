package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/server"
)

// TestServerGoesOnWithOtherOptions: token and host of those who may ask.
func TestServerGoesOnWithOtherOptions(t *testing.T) {
	t.Parallel()
	s := start(t, server.Options{Token: "first"})
	status := func(token, host string) int {
		return ask(t, s.Addr(), question{method: "GET", path: "/v1/endpoints", host: host, header: http.Header{"Authorization": {"Bearer " + token}}}).status
	}
	if got := status("first", ""); got != http.StatusOK {
		t.Fatalf("status %d", got)
	}
	public := &url.URL{Scheme: "https", Host: "pollwire.example.com"}
	changes := server.Changes{Token: "second", PublicURL: public}
	if err := s.Check(changes); err != nil {
		t.Fatal(err)
	}
	s.Change(changes)
	for _, test := range []struct {
		token, host string
		want        int
	}{
		{"first", "", http.StatusUnauthorized},
		{"second", "", http.StatusOK},
		{"second", "pollwire.example.com", http.StatusOK},
		{"second", "other.example.com", http.StatusMisdirectedRequest},
	} {
		if got := status(test.token, test.host); got != test.want {
			t.Errorf("%+v: status %d", test, got)
		}
	}
	if err := s.Check(server.Changes{}); err != nil {
		t.Errorf("no token on loopback: %v", err)
	}
	s.Change(server.Changes{})
	if got := status("", ""); got != http.StatusOK {
		t.Errorf("without a token: %d", got)
	}
}

// TestServerStaysBehindItsToken where others can reach it.
func TestServerStaysBehindItsToken(t *testing.T) {
	t.Parallel()
	s := start(t, server.Options{Listen: "0.0.0.0:0", Token: "first"})
	if err := s.Check(server.Changes{}); err == nil || !strings.Contains(err.Error(), "server.token is gone") {
		t.Errorf("error %v", err)
	}
	if err := s.Check(server.Changes{Token: "second"}); err != nil {
		t.Error(err)
	}
}
