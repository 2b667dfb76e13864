package poller

import (
	"strings"
	"sync/atomic"
	"testing"
)

// Wherever an answer is cut, it is no observation; only the whole one is.
func TestFetchCutAtEveryByte(t *testing.T) {
	t.Parallel()
	const body = `{"orders":[{"id":1,"state":"open"},{"id":2,"state":"paid"}]}`
	const json = "Content-Type: application/json\r\n"
	const coded = json + "Content-Encoding: gzip\r\n"
	zipped := zip(t, body)
	tests := []struct{ name, answer string }{
		{"content length", withLength(body, json)},
		{"chunked", withChunks(body, json)},
		{"content length, gzip", withLength(zipped, coded)},
		{"chunked, gzip", withChunks(zipped, coded)},
		{"until close, json", "HTTP/1.0 200 OK\r\n" + json + "\r\n" + body},
		{"until close, gzip", "HTTP/1.1 200 OK\r\nConnection: close\r\n" + coded + "\r\n" + zipped},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var length atomic.Int64
			url := rawServer(t, func() string { return tt.answer[:length.Load()] })
			f := newFetcher(t, FetcherOptions{})
			s := newSource(url)
			for n := range len(tt.answer) {
				length.Store(int64(n))
				o, err := f.Fetch(t.Context(), s, State{})
				fe := mustFail(t, o, err)
				// Cut by the network, so another attempt may succeed; where no
				// network error shows it, the answer as it stands is refused.
				if !fe.Retryable && !strings.HasPrefix(tt.name, "until close") {
					t.Errorf("cut after %d bytes: %v is not retryable", n, fe)
				}
			}
			length.Store(int64(len(tt.answer)))
			o := mustFetch(t, f, s, State{})
			defer o.Release()
			if string(o.Body) != body {
				t.Errorf("whole answer: %q", o.Body)
			}
		})
	}
}

// A body that ends with the connection is taken where it shows itself that it
// is whole, or where it is the known one.
func TestFetchUntilClose(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body string
		ok   bool
	}{
		{`{"a":1}`, true},
		{" [1,2]\n", true},
		{`"text"`, true},
		{`12`, false},
		{`true`, false},
		{`{"a":1`, false},
		{`{"a":1}{`, false},
		{"id;name\n1;x\n", false},
		{"plain words", false},
	}
	for _, tt := range tests {
		url := rawServer(t, func() string { return "HTTP/1.0 200 OK\r\n\r\n" + tt.body })
		o, err := newFetcher(t, FetcherOptions{}).Fetch(t.Context(), newSource(url), State{})
		if tt.ok {
			if err != nil || string(o.Body) != tt.body {
				t.Errorf("%q: %+v, %v", tt.body, o, err)
			}
			continue
		}
		if fe := mustFail(t, o, err); fe.Retryable || !strings.Contains(fe.Error(), "ends with its connection") {
			t.Errorf("%q: %v", tt.body, fe)
		}
	}
}

func TestFetchMalformedAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, answer string }{
		{"nothing", ""},
		{"no http", "SSH-2.0-OpenSSH_9.2\r\n"},
		{"no code", "HTTP/1.1 OK\r\n\r\n"},
		{"code of letters", "HTTP/1.1 2xx OK\r\nContent-Length: 1\r\n\r\nx"},
		{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx"},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"},
		{"broken header", "HTTP/1.1 200 OK\r\nno colon here\r\n\r\nx"},
		{"broken chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx"},
		{"long chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx"},
		{"not gzip", withLength("<html>", "Content-Encoding: gzip\r\n")},
		{"switching protocols", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url := rawServer(t, func() string { return tt.answer })
			o, err := newFetcher(t, FetcherOptions{}).Fetch(t.Context(), newSource(url), State{})
			_ = mustFail(t, o, err)
		})
	}
}

func TestFetchBomb(t *testing.T) {
	t.Parallel()
	bomb := withLength(zip(t, strings.Repeat("\x00", 8<<20)), "Content-Encoding: gzip\r\n")
	url := rawServer(t, func() string { return bomb })
	o, err := newFetcher(t, FetcherOptions{}).Fetch(t.Context(), newSource(url), State{})
	if fe := mustFail(t, o, err); fe.Retryable || !strings.Contains(fe.Error(), "1048576 bytes") {
		t.Errorf("bomb: %v", fe)
	}
}
