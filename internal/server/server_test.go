package server_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pollwire/pollwire/internal/server"
)

func quiet(listen string) *server.Server {
	return server.New(server.Options{Listen: listen, Controller: &controller{}, Logger: slog.New(slog.DiscardHandler)})
}

func TestStartAndStopInAnyOrder(t *testing.T) {
	t.Parallel()
	t.Run("twice", func(t *testing.T) {
		t.Parallel()
		s := quiet("127.0.0.1:0")
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context()); err == nil {
			t.Error("started twice")
		}
		for range 2 {
			if err := s.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if conn, err := net.Dial("tcp", s.Addr()); err == nil {
			t.Error("still listens")
			_ = conn.Close()
		}
	})
	t.Run("stop first", func(t *testing.T) {
		t.Parallel()
		s := quiet("127.0.0.1:0")
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.Start(t.Context()); err == nil {
			t.Error("started after it was stopped")
		}
	})
	t.Run("address taken", func(t *testing.T) {
		t.Parallel()
		s := quiet(start(t, server.Options{}).Addr())
		if err := s.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "listen on 127.0.0.1:") {
			t.Errorf("error %v", err)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("all at once", func(t *testing.T) {
		t.Parallel()
		for range 20 {
			s := quiet("127.0.0.1:0")
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() { _ = s.Start(t.Context()) })
				all.Go(func() { _ = s.Stop(t.Context()) })
			}
			all.Wait()
			if err := s.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestBeyondLoopbackATokenIsNeeded(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{":0", "0.0.0.0:0", "[::]:0"} {
		s := quiet(listen)
		if err := s.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "set server.token") {
			t.Errorf("%s: error %v", listen, err)
		}
		if s.Addr() != "" {
			t.Errorf("%s: listens on %s", listen, s.Addr())
		}
	}
}

func TestStopWaitsForRequests(t *testing.T) {
	t.Parallel()
	entered, goOn := make(chan struct{}), make(chan struct{})
	s := start(t, server.Options{Controller: &controller{during: func(context.Context) {
		close(entered)
		<-goOn
	}}})
	answers := make(chan reply, 1)
	go func() {
		answers <- ask(t, s.Addr(), question{method: "POST", path: "/v1/sources/a/accept"})
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(t.Context()) }()
	select {
	case err := <-stopped:
		t.Fatalf("stopped with a request under way: %v", err)
	default:
	}
	close(goOn)
	if got := <-answers; got.status != 202 {
		t.Errorf("answered %d", got.status)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestStopCutsOffWhatOutlivesItsDeadline(t *testing.T) {
	t.Parallel()
	entered, left := make(chan struct{}), make(chan struct{})
	s := quietWith(&controller{during: func(ctx context.Context) {
		close(entered)
		<-ctx.Done()
		close(left)
	}})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "POST /v1/sources/a/accept HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the deadline's", err)
	}
	select {
	case <-left:
	default:
		t.Error("Stop returned with a handler running")
	}
}

func quietWith(c server.Controller) *server.Server {
	return server.New(server.Options{Listen: "127.0.0.1:0", Controller: c, Logger: slog.New(slog.DiscardHandler)})
}

// TestPanicIsToldAndLogged drives the server over one connection: after a
// panic it still serves.
func TestPanicIsToldAndLogged(t *testing.T) {
	t.Parallel()
	var logged strings.Builder
	s := start(t, server.Options{
		Controller: &controller{during: func(context.Context) { panic("boom") }},
		Logger:     slog.New(slog.NewTextHandler(&logged, nil)),
	})
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	answers := bufio.NewReader(conn)
	for _, tc := range []struct {
		request string
		want    int
	}{
		{"POST /v1/sources/a/accept HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 500},
		{"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 200},
	} {
		if _, err := io.WriteString(conn, tc.request); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.Body.Close() != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != tc.want || strings.Contains(string(body), "boom") {
			t.Errorf("%s answered %s %s", tc.request, resp.Status, body)
		}
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"handler panicked", "panic=boom", "/v1/sources/a/accept", "server_test.go"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("the log lacks %q: %s", want, logged.String())
		}
	}
}

func TestLargeHeaderIsRefused(t *testing.T) {
	t.Parallel()
	addr := start(t, server.Options{}).Addr()
	got := ask(t, addr, question{method: "GET", path: "/healthz", header: headers("X-Large", strings.Repeat("x", 64<<10))})
	if got.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %d", got.status)
	}
}
