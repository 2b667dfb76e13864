package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

// wire is what lies between a node and the server. It can be cut after a number of
// bytes from the node: then nothing passes any more in either direction, and neither
// side is told.
type wire struct {
	listener net.Listener
	socket   string
	conns    sync.WaitGroup

	mu sync.Mutex
	// passed counts the bytes of the node, until how many pass, -1 for all.
	passed, until int64
	cut           chan struct{}
	ends          []net.Conn
}

// mustWire lays a wire to the server of a database, and returns the database's DSN
// by it.
func mustWire(t *testing.T, dsn string) (*wire, string) {
	t.Helper()
	at, err := url.Parse(dsn)
	must(t, err)
	w := &wire{socket: filepath.Join(at.Query().Get("host"), ".s.PGSQL."+at.Query().Get("port")), until: -1, cut: make(chan struct{})}
	w.listener, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	w.conns.Go(func() {
		for {
			node, err := w.listener.Accept()
			if err != nil {
				return
			}
			w.conns.Go(func() { w.serve(t, node) })
		}
	})
	return w, fmt.Sprintf("postgres://postgres@%s%s?sslmode=disable", w.listener.Addr(), at.Path)
}

func (w *wire) serve(t *testing.T, node net.Conn) {
	defer func() { _ = node.Close() }()
	server, err := (&net.Dialer{}).DialContext(t.Context(), "unix", w.socket)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	w.mu.Lock()
	w.ends = append(w.ends, node, server)
	w.mu.Unlock()
	answers := make(chan struct{})
	w.conns.Go(func() {
		defer close(answers)
		buffer := make([]byte, 1<<16)
		for {
			n, err := server.Read(buffer)
			if err != nil || w.allow(0, n) < n {
				break
			}
			if _, err := node.Write(buffer[:n]); err != nil {
				break
			}
		}
		select {
		case <-w.cut: // and nobody is told
		default:
			_ = node.Close()
		}
	})
	buffer := make([]byte, 1<<16)
	for {
		n, err := node.Read(buffer)
		if err != nil {
			break
		}
		if _, err := server.Write(buffer[:w.allow(n, n)]); err != nil {
			break
		}
	}
	select {
	case <-w.cut:
		<-answers // the server's end stays open
	default:
	}
}

// allow counts bytes of the node and returns how many of some pass.
func (w *wire) allow(count, n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.passed += int64(count)
	if w.until < 0 || w.passed < w.until {
		return n
	}
	select {
	case <-w.cut:
		return 0
	default:
	}
	close(w.cut)
	return n - int(w.passed-w.until)
}

// cutAfter has so many bytes more pass; -1 is all.
func (w *wire) cutAfter(n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.passed = 0; n < 0 {
		w.until = -1
		return
	}
	w.until = n
}

// count returns how many bytes of the node have passed since cutAfter.
func (w *wire) count() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.passed
}

// close ends all connections.
func (w *wire) close() {
	_ = w.listener.Close()
	w.mu.Lock()
	for _, end := range w.ends {
		_ = end.Close()
	}
	w.mu.Unlock()
	w.conns.Wait()
}

// large is the commit of a large version.
func large(src *store.Source) *store.Commit {
	c := version(src, "ops", "crm")
	random := rand.NewChaCha8([32]byte{byte(src.Version)})
	noise := func(n int) []byte {
		data := make([]byte, n)
		_, _ = random.Read(data)
		return data
	}
	c.Snapshot.Body, c.Events[0].Data = noise(200_000), noise(50_000)
	return c
}

// cutting is a write that is cut off.
type cutting struct {
	name, resource string
	write          func(ctx context.Context, node *Store) error
}

// cuttings are large ones of each kind: a commit, and a statement under a lease.
func cuttings(n int64) []*cutting {
	src := &store.Source{Name: fmt.Sprintf("s%d", n)}
	token := fmt.Sprintf("t%d", n)
	return []*cutting{
		{"commit", store.SourceResource(src.Name), func(ctx context.Context, node *Store) error { return node.Commit(ctx, large(src)) }},
		{"statement", store.TokenResource(token), func(ctx context.Context, node *Store) error {
			return node.SaveToken(ctx, token, make([]byte, 100_000))
		}},
	}
}

// TestCut cuts the wire anywhere in a large write, without a word to the server:
// the end of the log is never locked then, all else is let go by the server itself,
// and a commit is there as a whole or not at all.
func TestCut(t *testing.T) {
	t.Parallel()
	for k, c := range cuttings(-1) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dsn := database(t)
			s := mustOpen(t, dsn)
			w, by := mustWire(t, dsn)
			node := mustOpen(t, by)
			must(t, c.write(t.Context(), node))
			// Now and then a connection is made or asked whether it is still one, which
			// counts too.
			total := int64(math.MaxInt64)
			for range 3 {
				w.cutAfter(-1)
				must(t, c.write(t.Context(), node))
				total = min(total, w.count())
			}
			must(t, node.Close())
			w.close()
			if total < 200_000 {
				t.Fatalf("it took %d bytes", total)
			}
			points := []int64{1, 100, 1000, 2000, 3000, total / 3, total / 2, total * 9 / 10, total - 1000, total - 100, total}
			for n := range int64(12) {
				points = append(points, total-1-n)
			}
			var group errgroup.Group
			for _, n := range points {
				group.Go(func() error {
					err := cutOnce(t, s, dsn, n, cuttings(n)[k])
					if errors.Is(err, errNotCut) && n > total*9/10 {
						return nil // it was as much shorter
					}
					if err != nil {
						return fmt.Errorf("cut after %d of %d bytes: %w", n, total, err)
					}
					return nil
				})
			}
			must(t, group.Wait())
			storetest.VerifyLog(t, s)
		})
	}
}

var errNotCut = errors.New("it had ended by then")

// cutOnce cuts a node off after n bytes of its second write. It fails with errNotCut
// where that has fewer.
func cutOnce(t *testing.T, s *Store, dsn string, n int64, c *cutting) error {
	w, by := mustWire(t, dsn)
	node, err := Open(t.Context(), Options{DSN: by})
	if err != nil {
		return err
	}
	mustLease(t, s, "me", 3, c.resource)
	node.SetFence("me", fence{c.resource: 3})
	if err := c.write(t.Context(), node); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.cutAfter(n)
	left := make(chan error, 1)
	go func() { left <- c.write(ctx, node) }()
	select {
	case <-w.cut:
	case err := <-left:
		cancel()
		err = errors.Join(err, node.Close())
		w.close()
		if err == nil {
			err = errNotCut
		}
		return err
	}

	// The first lock is had in less than the time after which the server gives up who
	// has gone silent, the second one after it.
	_, head := s.pool.Exec(t.Context(), "BEGIN; SET LOCAL lock_timeout = '4s'; UPDATE log_head SET position = position; COMMIT")
	_, lease := s.pool.Exec(t.Context(), fmt.Sprintf("BEGIN; SET LOCAL lock_timeout = '15s'; UPDATE leases SET epoch = 4 WHERE resource = '%s'; COMMIT", c.resource))
	cancel()
	w.close()
	if err := <-left; err == nil {
		return errors.New("it was acknowledged")
	}
	return errors.Join(head, lease, node.Close())
}
