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
	"time"

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
	c.Snapshot.Body, c.Events[0].Data = noise(40_000), noise(10_000)
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
			return node.SaveToken(ctx, token, make([]byte, 50_000))
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
			dsn := migratedAlone(t)
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
			if total < 66_000 {
				t.Fatalf("it took %d bytes", total)
			}
			points := []int64{1, 100, 1000, 2000, 3000, total / 3, total / 2, total * 9 / 10, total - 1000, total - 100, total}
			for n := range int64(12) {
				points = append(points, total-1-n)
			}
			// Each node has written once by itself, as that is not what this is about.
			var all []*severed
			for _, n := range points {
				all = append(all, mustWrite(t, s, dsn, n, cuttings(n)[k]))
			}
			var group errgroup.Group
			for _, node := range all {
				group.Go(func() error {
					err := node.cut(t)
					if errors.Is(err, errNotCut) && node.after > total*9/10 {
						return nil // it was as much shorter
					}
					if err != nil {
						return fmt.Errorf("cut after %d of %d bytes: %w", node.after, total, err)
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

// severed is a node that has written once, and is cut off in its second write.
type severed struct {
	*cutting
	s, node *Store
	wire    *wire
	after   int64
}

func mustWrite(t *testing.T, s *Store, dsn string, after int64, c *cutting) *severed {
	t.Helper()
	w, by := mustWire(t, dsn)
	node, err := Open(t.Context(), Options{DSN: by})
	must(t, err)
	mustLease(t, s, "me", 3, c.resource)
	node.SetFence("me", fence{c.resource: 3})
	must(t, c.write(t.Context(), node))
	return &severed{c, s, node, w, after}
}

// cut cuts the node off. It fails with errNotCut where its write has fewer bytes.
func (n *severed) cut(t *testing.T) error {
	ctx, cancel := context.WithCancel(t.Context())
	n.wire.cutAfter(n.after)
	left := make(chan error, 1)
	go func() { left <- n.write(ctx, n.node) }()
	select {
	case <-n.wire.cut:
	case err := <-left:
		if errors.Is(err, store.ErrUnreachable) { // it took so long to say all that the server has given it up
			left <- err
			break
		}
		cancel()
		err = errors.Join(err, n.node.Close())
		n.wire.close()
		if err == nil {
			err = errNotCut
		}
		return err
	}
	head, lease := n.lockHead(t), n.lockLease(t)
	cancel()
	n.wire.close()
	if err := <-left; err == nil {
		return errors.New("it was acknowledged")
	}
	return errors.Join(head, lease, n.node.Close())
}

// patience is how long a lock is waited for on a machine that does much else.
const patience = "2min"

// lockHead locks the end of the log, and fails where it is locked by one that is
// waited for.
func (n *severed) lockHead(t *testing.T) error {
	const silent = `SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE a.datname = current_database()
		AND l.relation = 'log_head'::regclass AND l.granted AND l.mode = 'RowExclusiveLock' AND a.state = 'idle in transaction'`
	locked := make(chan error, 1)
	go func() {
		_, err := n.s.pool.Exec(t.Context(), "BEGIN; SET LOCAL lock_timeout = '"+patience+"'; UPDATE log_head SET position = position; COMMIT")
		locked <- err
	}()
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	for {
		var holders int
		if err := n.s.pool.QueryRow(t.Context(), silent).Scan(&holders); err != nil {
			return err
		}
		if holders > 0 {
			return errors.New("a node that has gone silent holds the end of the log")
		}
		select {
		case err := <-locked:
			return err
		case <-again.C:
		}
	}
}

// lockLease locks the lease, which the server lets go once it has given up who has
// gone silent.
func (n *severed) lockLease(t *testing.T) error {
	_, err := n.s.pool.Exec(t.Context(), fmt.Sprintf("BEGIN; SET LOCAL lock_timeout = '%s'; UPDATE leases SET epoch = 4 WHERE resource = '%s'; COMMIT", patience, n.resource))
	return err
}
