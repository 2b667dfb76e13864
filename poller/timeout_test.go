package poller

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFetchTimesOut(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, sent, want string }{
		{"silence", "", "timed out after 5s waiting for the answer (request.timeout)"},
		{"slow header", "HTTP/1.1 200 OK\r\nContent-", "timed out after 5s waiting for the answer (request.timeout)"},
		{"slow body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", "timed out after 5s reading the body (request.timeout)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFetcher(t, FetcherOptions{Dial: pipeTo(func(conn net.Conn) {
					_, _ = io.WriteString(conn, tt.sent)
					_, _ = io.Copy(io.Discard, conn)
				})})
				start := time.Now()
				o, err := f.Fetch(t.Context(), newSource("http://slow.example/"), State{})
				fe := mustFail(t, o, err)
				if time.Since(start) != 5*time.Second || !errors.Is(fe, ErrTimeout) || !fe.Retryable {
					t.Errorf("after %v: %v, retryable %t", time.Since(start), fe, fe.Retryable)
				}
				if !strings.HasSuffix(fe.Error(), tt.want) {
					t.Errorf("error %q, want …%q", fe, tt.want)
				}
			})
		})
	}
}

// pipeTo is a network on which every connection is served by serve, after the
// request's header was read.
func pipeTo(serve func(net.Conn)) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			if _, err := theirs.Read(make([]byte, 4096)); err == nil {
				serve(theirs)
			}
		}()
		return ours, nil
	}
}

// The body of an endless answer costs no more than its limit, and a body that
// trickles no more than the timeout.
func TestFetchTrickleAndFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		trickle := newFetcher(t, FetcherOptions{Dial: pipeTo(func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				_, _ = io.Copy(io.Discard, conn)
			}()
			for {
				select {
				case <-gone:
					return
				case <-time.After(time.Second):
					_, _ = io.WriteString(conn, "x")
				}
			}
		})})
		o, err := trickle.Fetch(t.Context(), newSource("http://slow.example/"), State{})
		if fe := mustFail(t, o, err); !errors.Is(fe, ErrTimeout) {
			t.Errorf("trickle: %v", fe)
		}
	})
	flood := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		piece := make([]byte, 32<<10)
		for {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
	o, err := newFetcher(t, FetcherOptions{}).Fetch(t.Context(), newSource(flood.URL), State{})
	if fe := mustFail(t, o, err); fe.Retryable || !strings.Contains(fe.Error(), "request.max_body_size") {
		t.Errorf("flood: %v", fe)
	}
}

// A stop is not the source's failure, and is told apart from a timeout.
func TestFetchStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFetcher(t, FetcherOptions{Dial: pipeTo(func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })})
		cause := errors.New("shutting down")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(2*time.Second, func() { cancel(cause) })
		o, err := f.Fetch(ctx, newSource("http://slow.example/"), State{})
		fe := mustFail(t, o, err)
		if !errors.Is(fe, cause) || !errors.Is(fe, context.Canceled) || errors.Is(fe, ErrTimeout) || fe.Retryable {
			t.Errorf("stop: %v, retryable %t", fe, fe.Retryable)
		}
	})
}
