package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"
)

// socketMode lets only the user of the daemon in, and root.
const socketMode = 0o600

// maxSocketPath is what fits into a socket address on Linux.
const maxSocketPath = 107

// listenTCP listens on addr. Without a token it refuses to do so beyond
// loopback: what counts is the address that a name resolved to.
func listenTCP(ctx context.Context, addr string, token bool) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); !token && (!ok || !tcp.IP.IsLoopback()) {
		err := fmt.Errorf("listen on %s: beyond loopback the API needs a token: set server.token, or listen on 127.0.0.1", addr)
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// listenUnix listens on a unix socket that nobody else may open.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("listen on socket %s: the path is %d bytes long, the system takes %d", path, len(path), maxSocketPath)
	}
	if err := removeStaleSocket(ctx, path); err != nil {
		return nil, err
	}
	// The mode is set before the socket has a name, so that there is no moment
	// at which others can connect. Linux does that; elsewhere the Chmod below
	// has to do.
	cfg := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.Fchmod(int(fd), socketMode) })
	}}
	l, err := cfg.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on socket %s: %w", path, err)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(fmt.Errorf("protect socket: %w", err), l.Close())
	}
	return l, nil
}

// removeStaleSocket removes what a killed process left at path. A socket on
// which somebody answers, and anything that is no socket, stays.
func removeStaleSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("listen on socket %s: a file that is no socket stands there; move it away", path)
	}
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		err = errors.New("another process answers on it; is pollwire running already?")
		return errors.Join(fmt.Errorf("listen on socket %s: %w", path, err), conn.Close())
	}
	// Only a refusal proves that nobody listens: a full backlog or a closed
	// door says that somebody might.
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("listen on socket %s: it exists, and asking it failed: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove stale socket: %w", err)
	}
	return nil
}
