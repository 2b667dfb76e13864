package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// question is one request to a server.
type question struct {
	method, path, body string
	// host is sent as the Host header; empty for the address.
	host   string
	header http.Header
}

// reply is what came back, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends q to the server at addr on a connection of its own.
func ask(tb testing.TB, addr string, q question) reply {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), q.method, "http://"+addr+q.path, strings.NewReader(q.body))
	if err != nil {
		tb.Fatalf("create request: %v", err)
	}
	if q.header != nil {
		req.Header = q.header.Clone()
	}
	if q.body != "" && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Host = q.host
	req.Close = true
	got := send(tb, http.DefaultTransport, req)
	judge(tb, q, got)
	return got
}

func send(tb testing.TB, rt http.RoundTripper, req *http.Request) reply {
	tb.Helper()
	resp, err := rt.RoundTrip(req)
	if err != nil {
		tb.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatalf("read answer: %v", err)
	}
	if err := resp.Body.Close(); err != nil {
		tb.Fatalf("close answer: %v", err)
	}
	return reply{resp.StatusCode, resp.Header, string(body)}
}

// headers makes a header of names and values by turns.
func headers(pairs ...string) http.Header {
	h := make(http.Header)
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}
