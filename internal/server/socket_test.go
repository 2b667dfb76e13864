package server_test

import (
	"context"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/server"
)

// overSocket is a transport that reaches the socket whatever the URL says.
func overSocket(tb testing.TB, path string) *http.Transport {
	tb.Helper()
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	tb.Cleanup(t.CloseIdleConnections)
	return t
}

// socketPath is a path that fits into a socket address, however long the
// test's name is.
func socketPath(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "pw")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

func TestSocketIsForItsOwnerAndNeedsNoToken(t *testing.T) {
	t.Parallel()
	ctl, path := &controller{}, socketPath(t)
	s := start(t, server.Options{Controller: ctl, Socket: path, Token: "s3cret"})
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := fs.ModeSocket | 0o600; info.Mode() != want {
		t.Errorf("mode %v, want %v", info.Mode(), want)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://whatever/v1/sources/a/accept", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if got := send(t, overSocket(t, path), req); got.status != 202 {
		t.Errorf("answered %d %s", got.status, got.body)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// TestSocketAlone is the daemon with server.listen empty.
func TestSocketAlone(t *testing.T) {
	t.Parallel()
	path := socketPath(t)
	s := server.New(server.Options{Socket: path, Controller: &controller{}, Logger: slog.New(slog.DiscardHandler)})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.Addr() != "" {
		t.Errorf("listens on %s too", s.Addr())
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/healthz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if got := send(t, overSocket(t, path), req); got.status != 200 {
		t.Errorf("answered %d", got.status)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	t.Parallel()
	path := socketPath(t)
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false) // As after kill -9.
	if err := stale.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, server.Options{Socket: path})
}

func TestSocketRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		prepare func(tb testing.TB, path string) string
		want    string
	}{
		{"in use", func(tb testing.TB, path string) string {
			start(tb, server.Options{Socket: path})
			return path
		}, "is pollwire running already?"},
		{"a file", func(tb testing.TB, path string) string {
			if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
				tb.Fatal(err)
			}
			return path
		}, "a file that is no socket stands there"},
		{"too long", func(_ testing.TB, path string) string {
			return path + strings.Repeat("x", 107)
		}, "bytes long"},
		{"no directory", func(_ testing.TB, path string) string {
			return filepath.Join(path, "missing", "s")
		}, "no such file or directory"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := tc.prepare(t, socketPath(t))
			before, _ := os.ReadFile(path)
			s := server.New(server.Options{
				Listen: "127.0.0.1:0", Socket: path, Controller: &controller{}, Logger: slog.New(slog.DiscardHandler),
			})
			err := s.Start(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), filepath.Dir(path)) {
				t.Errorf("error %v, want one with %q and the path", err, tc.want)
			}
			if s.Addr() != "" {
				t.Errorf("still listens on %s", s.Addr())
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Errorf("the file now holds %q", after)
			}
			if err := s.Stop(t.Context()); err != nil {
				t.Errorf("stop after a failed start: %v", err)
			}
		})
	}
}
