package notify

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// resolveAll makes every name resolve to an address for the rest of the test,
// which must not be parallel.
func resolveAll(t *testing.T, addr netip.Addr) {
	t.Helper()
	old := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = old })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go answerQuery(server, addr)
		return client, nil
	}}
}

// answerQuery answers one DNS query, framed as over TCP.
func answerQuery(conn net.Conn, addr netip.Addr) {
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
		reply[7] = 1
		reply = append(reply, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4)
		reply = append(reply, addr.AsSlice()...)
	}
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)) // the resolver may have left
}

// A name that leads to a cloud's metadata service, by mistake or by somebody who
// controls it, is not posted to.
func TestSendRefusesNamesOfMetadataServices(t *testing.T) {
	resolveAll(t, netip.MustParseAddr("169.254.169.254"))
	e := testEndpoint(t, "ops")
	e.URL = "http://hooks.example.test./secret-path"
	attempt, verdict := ownSender(t).Send(t.Context(), &e, testMessage)
	if verdict.Action != Retry || attempt.Status != 0 || !strings.Contains(attempt.Error, "169.254.169.254 (cloud metadata) is refused") {
		t.Errorf("Send gave %+v, %+v", attempt, verdict)
	}
}
