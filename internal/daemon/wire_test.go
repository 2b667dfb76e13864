package daemon_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
)

// wire is the way of one node to the database, which can be cut: nothing comes
// through then, and nobody is told.
type wire struct {
	listener net.Listener
	to       string

	mu sync.Mutex
	// mended is closed while nothing is cut.
	mended chan struct{}
	conns  map[net.Conn]bool
	ended  bool
	under  sync.WaitGroup
}

// newWire returns a wire to a database, and the DSN by which it is reached.
func newWire(t *testing.T, dsn string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	must(t, err)
	w := &wire{
		to:     filepath.Join(u.Query().Get("host"), ".s.PGSQL."+u.Query().Get("port")),
		mended: make(chan struct{}), conns: make(map[net.Conn]bool),
	}
	close(w.mended)
	w.listener, err = new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	w.under.Go(w.accept)
	t.Cleanup(w.end)
	u.Host, u.RawQuery = w.listener.Addr().String(), "sslmode=disable"
	return w, u.String()
}

func (w *wire) accept() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		far, err := new(net.Dialer).DialContext(context.Background(), "unix", w.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		w.mu.Lock()
		if w.ended { // meanwhile, and nobody would close it any more
			_, _ = near.Close(), far.Close()
			w.mu.Unlock()
			return
		}
		w.conns[near], w.conns[far] = true, true
		w.under.Go(func() { w.carry(near, far) })
		w.under.Go(func() { w.carry(far, near) })
		w.mu.Unlock()
	}
}

// carry carries what comes one way, while nothing is cut. What was sent before a cut
// arrives after it: the network has not lost it.
func (w *wire) carry(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		w.mu.Lock()
		mended := w.mended
		w.mu.Unlock()
		<-mended
		if _, err := io.Writer(to).Write(buf[:n]); err != nil {
			return
		}
	}
}

// cut lets nothing through any more.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mended = make(chan struct{})
}

// mend lets everything through again.
func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.mended)
}

// snap ends all connections, as a server does that is restarted.
func (w *wire) snap() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		_ = c.Close()
	}
	clear(w.conns)
}

func (w *wire) end() {
	_ = w.listener.Close()
	w.mu.Lock()
	w.ended = true
	select {
	case <-w.mended:
	default:
		close(w.mended)
	}
	w.mu.Unlock()
	w.snap()
	w.under.Wait()
}
