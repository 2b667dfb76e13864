package notify

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

var loopback = netip.MustParsePrefix("127.0.0.0/8")

// resolver answers queries for any name with one address after the other, and with
// the last one from then on. An invalid address means that there is no such name.
func resolver(addrs ...netip.Addr) *net.Resolver {
	var mu sync.Mutex
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go answerQuery(server, func() netip.Addr {
			mu.Lock()
			defer mu.Unlock()
			addr := addrs[0]
			if len(addrs) > 1 {
				addrs = addrs[1:]
			}
			return addr
		})
		return client, nil
	}}
}

// answerQuery answers one DNS query, framed as over TCP.
func answerQuery(conn net.Conn, next func() netip.Addr) {
	defer conn.Close()
	length := make([]byte, 2)
	if _, err := io.ReadFull(conn, length); err != nil {
		return
	}
	query := make([]byte, binary.BigEndian.Uint16(length))
	if _, err := io.ReadFull(conn, query); err != nil {
		return
	}
	const header = 12
	end := header
	for query[end] != 0 {
		end += 1 + int(query[end])
	}
	question := query[header : end+5] // the name's end, type and class
	reply := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
	if question[len(question)-3] == 1 { // type A
		if addr := next(); addr.IsValid() {
			reply[7] = 1
			reply = append(reply, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4)
			reply = append(reply, addr.AsSlice()...)
		} else {
			reply[3] |= 3 // no such name
		}
	}
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)) // the resolver may have left
}

// resolvingSender returns a sender whose names resolve to these addresses.
func resolvingSender(t *testing.T, addrs ...string) *Sender {
	t.Helper()
	list := make([]netip.Addr, len(addrs))
	for i, addr := range addrs {
		if addr != "" {
			list[i] = netip.MustParseAddr(addr)
		}
	}
	s := NewSender(SenderOptions{resolver: resolver(list...)})
	t.Cleanup(s.Close)
	return s
}

// byName gives the URL of a test's server the name of a host.
func byName(e *Endpoint, name string) {
	e.URL = strings.Replace(e.URL, "127.0.0.1", name, 1)
}

// A name that leads to a cloud's metadata service, by mistake or by somebody who
// controls it, is not posted to.
func TestSendRefusesNamesOfMetadataServices(t *testing.T) {
	t.Parallel()
	e := testEndpoint(t, "ops")
	e.URL, e.AllowKey = "http://hooks.example.test./secret-path", "allow_networks of endpoint ops"
	attempt, verdict := resolvingSender(t, "169.254.169.254").Send(t.Context(), &e, testMessage)
	want := `post to http://hooks.example.test.: address 169.254.169.254 (cloud metadata) is refused: ` +
		`to reach it from here, add "169.254.169.254/32" to allow_networks of endpoint ops`
	if verdict != (Verdict{Counts: true, Away: true}) || attempt.Status != 0 || attempt.Error != want {
		t.Errorf("Send gave %+v, %+v", attempt, verdict)
	}
}

func TestSendGuardsForeignURLs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		foreign bool
		allow   []netip.Prefix
		host    string
		class   string // of the refusal, empty where it is reached
	}{
		"own name":               {false, nil, "hooks.example.test.", ""},
		"own address":            {false, nil, "127.0.0.1", ""},
		"foreign name":           {true, nil, "hooks.example.test.", "loopback"},
		"foreign address":        {true, nil, "127.0.0.1", "loopback"},
		"foreign mapped address": {true, nil, "[::ffff:127.0.0.1]", "loopback"},
		"foreign name, open":     {true, []netip.Prefix{loopback}, "hooks.example.test.", ""},
		"foreign address, open":  {true, []netip.Prefix{loopback}, "127.0.0.1", ""},
		"foreign, other open":    {true, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "127.0.0.1", "loopback"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := receiverFor(t, func(http.ResponseWriter, *http.Request) {})
			e.Foreign, e.AllowNetworks, e.AllowKey = tc.foreign, tc.allow, "server.subscriptions.allow_networks"
			byName(&e, tc.host)
			attempt, verdict := resolvingSender(t, "127.0.0.1").Send(t.Context(), &e, testMessage)
			if reached := verdict.Action == Deliver; reached != (tc.class == "") {
				t.Fatalf("Send gave %+v, %+v", attempt, verdict)
			}
			check := e.CheckAddress(netip.MustParseAddr("127.0.0.1"))
			if (check == nil) != (tc.class == "") {
				t.Errorf("CheckAddress gives another verdict: %v", check)
			}
			if tc.class == "" {
				return
			}
			for _, want := range []string{"127.0.0.1 (" + tc.class + ") is refused", `"127.0.0.1/32" to server.subscriptions.allow_networks`} {
				if !strings.Contains(attempt.Error, want) || !strings.Contains(check.Error(), want) {
					t.Errorf("refused with %q and %q, want %q in both", attempt.Error, check, want)
				}
			}
		})
	}
}

// Whatever a name resolved to when somebody looked, what counts is the address
// that is dialled.
func TestSendIsNotRebound(t *testing.T) {
	t.Parallel()
	e := receiverFor(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	e.Foreign, e.AllowNetworks = true, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	byName(&e, "rebinding.example.test.")
	s := resolvingSender(t, "127.0.0.1", "127.0.0.2", "169.254.169.254", "::ffff:127.0.0.1")
	for i, want := range []string{"", "127.0.0.2 (loopback)", "169.254.169.254 (cloud metadata)"} {
		attempt, verdict := s.Send(t.Context(), &e, testMessage)
		if (verdict.Action == Deliver) != (want == "") || !strings.Contains(attempt.Error, want) {
			t.Errorf("attempt %d gave %+v, %+v; want %q", i, attempt, verdict, want)
		}
	}
}

// Connections are shared only where the same addresses may be reached.
func TestSendSharesNoConnectionAcrossGuards(t *testing.T) {
	t.Parallel()
	open := receiverFor(t, func(http.ResponseWriter, *http.Request) {})
	byName(&open, "hooks.example.test.")
	open.Foreign, open.AllowNetworks = true, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	closed := open
	closed.Name, closed.AllowNetworks = "closed", nil
	s := resolvingSender(t, "127.0.0.1")
	for _, tc := range []struct {
		endpoint *Endpoint
		want     Action
	}{{&open, Deliver}, {&closed, Retry}, {&open, Deliver}} {
		if attempt, verdict := s.Send(t.Context(), tc.endpoint, testMessage); verdict.Action != tc.want {
			t.Errorf("%s: Send gave %+v, %+v", tc.endpoint.Name, attempt, verdict)
		}
	}
}

func TestCheckAddress(t *testing.T) {
	t.Parallel()
	metadata := netip.MustParseAddr("169.254.169.254")
	for name, tc := range map[string]struct {
		url     string
		foreign bool
		allow   string
		refused bool
	}{
		"own name":        {"http://metadata.example.com/", false, "", true},
		"own name, open":  {"http://metadata.example.com/", false, "169.254.169.254/32", false},
		"own address":     {"http://169.254.169.254/", false, "", false},
		"foreign address": {"http://169.254.169.254/", true, "", true},
		"foreign, all":    {"http://169.254.169.254/", true, "0.0.0.0/0", true},
		"unreadable":      {"http://h/\x7f", false, "", true},
	} {
		e := Endpoint{URL: tc.url, Foreign: tc.foreign}
		if tc.allow != "" {
			e.AllowNetworks = []netip.Prefix{netip.MustParsePrefix(tc.allow)}
		}
		if err := e.CheckAddress(metadata); (err != nil) != tc.refused {
			t.Errorf("%s: CheckAddress gave %v, want refused: %t", name, err, tc.refused)
		}
	}
}

// A receiver whose name is not there yet is reached once it is.
func TestSendReachesANameOnceItResolves(t *testing.T) {
	t.Parallel()
	e := receiverFor(t, func(http.ResponseWriter, *http.Request) {})
	byName(&e, "late.example.test.")
	s := resolvingSender(t, "", "127.0.0.1")
	attempt, verdict := s.Send(t.Context(), &e, testMessage)
	if verdict != (Verdict{Counts: true, Away: true}) || !strings.Contains(attempt.Error, "no such host") {
		t.Errorf("Send gave %+v, %+v", attempt, verdict)
	}
	if attempt, verdict = s.Send(t.Context(), &e, testMessage); verdict.Action != Deliver {
		t.Errorf("Send gave %+v, %+v", attempt, verdict)
	}
}
