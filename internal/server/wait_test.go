package server

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// quietLog is a log in which nothing happens.
type quietLog struct{ Controller }

func (quietLog) Events(ctx context.Context, q *EventQuery) (*EventPage, error) {
	timer := time.NewTimer(q.Wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-q.Stop:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return &EventPage{Events: []LoggedEvent{}, Next: "7"}, nil
}

// piped serves c over pipes, under the time of a bubble, and returns how to connect.
func piped(t *testing.T, c Controller) (s *Server, dial func() net.Conn) {
	t.Helper()
	s = New(Options{Logger: slog.New(slog.DiscardHandler), Controller: c})
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	s.serve(t.Context(), l, s.api())
	return s, func() net.Conn {
		client, far := net.Pipe()
		l.conns <- far
		return client
	}
}

func askOver(t *testing.T, conn net.Conn, path string) *http.Response {
	t.Helper()
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// TestWaitOutlastsTheReadTimeout: the server goes on reading while a request
// waits, and must not take the end of its patience for a client that went away.
func TestWaitOutlastsTheReadTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, dial := piped(t, quietLog{})
		conn := dial()
		begun := time.Now()
		for range 2 { // the connection serves on
			resp := askOver(t, conn, "/v1/events?wait=60")
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"next":"7"`) {
				t.Errorf("%s %s, %v", resp.Status, body, err)
			}
		}
		if took := time.Since(begun); took != 2*maxWait || maxWait <= readTimeout {
			t.Errorf("took %s", took)
		}
		_ = conn.Close()
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWaitEndsWithTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, dial := piped(t, quietLog{})
		conn := dial()
		begun := time.Now()
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			if resp := askOver(t, conn, "/v1/events?wait=60"); resp.StatusCode != http.StatusOK {
				t.Errorf("answered %s", resp.Status)
			}
			_ = conn.Close()
		}()
		synctest.Wait()
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		<-answered
		if took := time.Since(begun); took > time.Second {
			t.Errorf("stopped after %s", took)
		}
	})
}

// TestWaitEndsWithItsClient gives the place of who has gone to others.
func TestWaitEndsWithItsClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, dial := piped(t, quietLog{})
		conn := dial()
		if _, err := io.WriteString(conn, "GET /v1/events?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(s.readers) != 1 {
			t.Fatalf("%d readers", len(s.readers))
		}
		_ = conn.Close()
		synctest.Wait()
		if len(s.readers) != 0 {
			t.Errorf("%d readers", len(s.readers))
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWaitersAreBounded(t *testing.T) {
	t.Parallel()
	s := New(Options{Logger: slog.New(slog.DiscardHandler), Controller: quietLog{}})
	for range maxReaders {
		s.readers <- struct{}{}
	}
	for path, want := range map[string]int{"/v1/events?wait=1ms": 503, "/v1/events": 503, "/v1/events/stream": 503, "/healthz": 200} {
		rec := httptest.NewRecorder()
		s.api().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if rec.Code != want || (want == 503) != (rec.Header().Get("Retry-After") == "5") {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
}
