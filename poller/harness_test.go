package poller

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

func newFetcher(tb testing.TB, o FetcherOptions) *Fetcher {
	tb.Helper()
	o.Proxy = noProxy
	f := NewFetcher(o)
	tb.Cleanup(f.CloseIdle)
	return f
}

// newSource is a source with the defaults of the configuration.
func newSource(rawURL string) *Source {
	return &Source{
		Name: "shop",
		Request: Request{
			Method:             http.MethodGet,
			URL:                rawURL,
			Timeout:            5 * time.Second,
			MaxBodySize:        1 << 20,
			Conditional:        true,
			FollowRedirects:    true,
			SuccessStatusCodes: []int{http.StatusOK},
		},
		Retry: Retry{MaxAttempts: 3, WaitMin: time.Second, WaitMax: 30 * time.Second, MaxRetryAfter: time.Hour},
	}
}

func newServer(tb testing.TB, h http.HandlerFunc) *httptest.Server {
	tb.Helper()
	srv := httptest.NewServer(h)
	tb.Cleanup(srv.Close)
	return srv
}

// Fetch makes a poll of all its requests, without the waits of a scheduler.
func (f *Fetcher) Fetch(ctx context.Context, s *Source, state State) (*Observation, error) {
	v := f.Begin(s, state)
	defer v.Close()
	for {
		o, err := v.Next(ctx)
		if o != nil || err != nil {
			return o, err
		}
	}
}

// mustFail asserts that a fetch gave a *FetchError and nothing else.
func mustFail(tb testing.TB, o *Observation, err error) *FetchError {
	tb.Helper()
	fe, ok := errors.AsType[*FetchError](err)
	if !ok || o != nil {
		tb.Fatalf("Fetch = %+v, %v, want a FetchError", o, err)
	}
	return fe
}

func mustFetch(tb testing.TB, f *Fetcher, s *Source, state State) *Observation {
	tb.Helper()
	o, err := f.Fetch(tb.Context(), s, state)
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

func zip(tb testing.TB, body string) string {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(body)); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// rawServer answers each connection with the bytes that answer gives, and hangs
// up.
func rawServer(tb testing.TB, answer func() string) string {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			serveRaw(conn, answer())
		}
	}()
	tb.Cleanup(func() {
		ln.Close()
		<-done
	})
	return "http://" + ln.Addr().String() + "/"
}

func serveRaw(conn net.Conn, answer string) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
		return
	}
	_, _ = conn.Write([]byte(answer))
}

// withLength and withChunks write an answer by hand.
func withLength(body, header string) string {
	return "HTTP/1.1 200 OK\r\n" + header + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

func withChunks(body, header string) string {
	var b strings.Builder
	b.WriteString("HTTP/1.1 200 OK\r\n" + header + "Transfer-Encoding: chunked\r\n\r\n")
	for len(body) > 0 {
		piece := body[:min(7, len(body))]
		body = body[len(piece):]
		b.WriteString(strconv.FormatInt(int64(len(piece)), 16) + "\r\n" + piece + "\r\n")
	}
	b.WriteString("0\r\n\r\n")
	return b.String()
}

// fakeNetwork answers requests without a network.
type fakeNetwork func(*http.Request) (*http.Response, error)

func (f fakeNetwork) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// quiet is the log of servers whose complaints are what a test is about.
var quiet = log.New(io.Discard, "", 0)
