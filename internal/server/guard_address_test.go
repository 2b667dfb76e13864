package server

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestHostMayBeTheAddressThatWasReached is a server that listens on every
// address of its machine, and is asked by one of them.
func TestHostMayBeTheAddressThatWasReached(t *testing.T) {
	t.Parallel()
	g := newGuard(Options{Listen: ":8470", Token: "s3cret"})
	for _, tc := range []struct {
		host    string
		reached net.Addr
		want    bool
	}{
		{"192.0.2.7:8470", &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8470}, true},
		{"192.0.2.8:8470", &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8470}, false},
		{"[2001:db8::7]:8470", &net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 8470}, true},
		{"[fe80::7]", &net.TCPAddr{IP: net.ParseIP("fe80::7"), Zone: "eth0", Port: 8470}, true},
		{"192.0.2.7", &net.UnixAddr{Name: "/s", Net: "unix"}, false},
		{"name.example", &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8470}, false},
		{"", &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8470}, false},
	} {
		ctx := context.WithValue(t.Context(), http.LocalAddrContextKey, tc.reached)
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/events/1", http.NoBody)
		r.Host = tc.host
		if got := g.knowsHost(r); got != tc.want {
			t.Errorf("Host: %s at %v: %v, want %v", tc.host, tc.reached, got, tc.want)
		}
	}
}
