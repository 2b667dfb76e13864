// Package postgrestest starts PostgreSQL servers for tests: private ones, in
// folders of their own, that are reached by a unix socket and end with the test
// binary. The binaries are those of the Debian package.
package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// connectTimeout bounds how long a server is asked whether it is there.
const connectTimeout = 2 * time.Second

// Server is a PostgreSQL server.
type Server struct {
	dir string
	// owner keeps the folder from being swept by others.
	owner *os.File
	bin   string
	args  []string
	as    *syscall.Credential

	process *process
	names   atomic.Int64
}

// Options say how a server is started.
type Options struct {
	// Durable lets it write to the disk as in earnest, and run as it is delivered, which
	// tests that kill it want and others need not wait for.
	Durable bool
	// Listen is the TCP address that it listens at besides its socket, host:port;
	// empty for none.
	Listen string
	// Args are further arguments of the program, such as "-c", "max_connections=500".
	Args []string
}

// Binaries returns the folder of the server's programs, or an error that says what
// to install.
func Binaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		if path, err := exec.LookPath("initdb"); err == nil {
			return filepath.Dir(path), nil
		}
		return "", errors.New("PostgreSQL is not installed: install the package postgresql")
	}
	slices.SortFunc(found, func(a, b string) int { return release(a) - release(b) })
	return filepath.Dir(found[len(found)-1]), nil
}

// release is the major version in a path of Debian's.
func release(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return n
}

// Need skips a test where there is no PostgreSQL.
func Need(tb testing.TB) {
	tb.Helper()
	if _, err := Binaries(); err != nil {
		tb.Skip(err)
	}
}

// Own starts a server that is a test's until its end, and skips the test where there
// is no PostgreSQL.
func Own(tb testing.TB, o Options) *Server {
	tb.Helper()
	Need(tb)
	s, err := Start(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// Start starts a server. Who starts it stops it; where that was killed, the next one
// that starts a server removes its files.
func Start(o Options) (*Server, error) {
	bin, err := Binaries()
	if err != nil {
		return nil, err
	}
	sweep()
	s := &Server{bin: bin}
	if s.dir, s.owner, err = makeFolder(); err != nil {
		return nil, err
	}
	if err := s.initialize(o); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	if err := s.Restart(); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// initialize makes the server's files.
func (s *Server) initialize(o Options) error {
	if os.Getuid() == 0 {
		// The programs refuse root.
		u, err := user.Lookup("postgres")
		if err != nil {
			return fmt.Errorf("find user postgres: %w", err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(s.dir, uid, gid); err != nil {
			return err
		}
	}
	initdb := exec.CommandContext(context.Background(), filepath.Join(s.bin, "initdb"), "-D", s.dir+"/data", "-U", "postgres",
		"--auth=trust", "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C")
	initdb.Dir = s.dir
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Pdeathsig: syscall.SIGTERM}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	addresses, port := "", "5432"
	if host, p, ok := strings.Cut(o.Listen, ":"); ok {
		addresses, port = host, p
	}
	s.args = []string{
		"-D", s.dir + "/data", "-c", "listen_addresses=" + addresses, "-p", port, "-c", "unix_socket_directories=" + s.dir,
		"-c", "shared_buffers=32MB", "-c", "max_connections=200",
	}
	if !o.Durable {
		// A launcher of workers that goes over hundreds of databases takes more than the
		// tests of them, and plans do not depend on when it came by.
		s.args = append(s.args, "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "autovacuum=off", "-c", "jit=off",
			"-c", "wal_level=minimal", "-c", "max_wal_senders=0")
	}
	s.args = append(s.args, o.Args...)
	return nil
}

// Restart starts a server that was killed or shut down, and returns when it
// answers.
func (s *Server) Restart() error {
	var err error
	if s.process, err = s.launch(filepath.Join(s.bin, "postgres"), s.args...); err != nil {
		return err
	}
	return s.process.await(func() error { return s.query("postgres", "SELECT 1") })
}

// Signal sends a signal to the server's first process: SIGKILL for a crash, SIGINT
// for a fast shutdown, SIGSTOP for silence (its children go on).
func (s *Server) Signal(sig syscall.Signal) error { return s.process.cmd.Process.Signal(sig) }

// Wait waits for the end of the server.
func (s *Server) Wait() { <-s.process.ended }

// Kill ends the server and all of its processes at once, as a loss of power does.
func (s *Server) Kill() error {
	err := s.process.cmd.Process.Kill()
	<-s.process.ended
	return err
}

// Stop ends the server and removes its files.
func (s *Server) Stop() error {
	if s.process != nil {
		s.process.end(syscall.SIGQUIT)
	}
	return errors.Join(os.RemoveAll(s.dir), s.owner.Close())
}

// Dir is the folder of the server's socket.
func (s *Server) Dir() string { return s.dir }

// Create makes an empty database and returns its DSN.
func (s *Server) Create() (dsn string, err error) {
	name, err := s.create()
	if err != nil {
		return "", err
	}
	return s.DSN(name), nil
}

// create makes an empty database and returns its name.
func (s *Server) create() (name string, err error) {
	name = fmt.Sprintf("t%d_%d", os.Getpid(), s.names.Add(1))
	return name, s.query("postgres", "CREATE DATABASE "+name)
}

// DSN is that of a database of the server, by its socket.
func (s *Server) DSN(database string) string {
	return socketDSN(database, s.dir, s.port())
}

// socketDSN is that of a database that is reached by a socket in a folder.
func socketDSN(database, dir, port string) string {
	return "postgres://postgres@/" + database + "?host=" + url.QueryEscape(dir) + "&port=" + port
}

func (s *Server) port() string { return s.args[slices.Index(s.args, "-p")+1] }

// query runs a statement.
func (s *Server) query(database, statement string) error {
	return queryAt(socketDSN(database, s.dir, s.port()), statement)
}

// queryAt runs a statement on a database.
func queryAt(dsn, statement string) error {
	return withConn(dsn, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, statement)
		return err
	})
}

// withConn connects to a database for as long as it is used.
func withConn(dsn string, use func(ctx context.Context, conn *pgx.Conn) error) error {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return err
	}
	config.ConnectTimeout = connectTimeout
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // a pooler may lead to another session each time
	ctx := context.Background()                                   // no test's end leaves a database half made
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	return errors.Join(use(ctx, conn), conn.Close(ctx))
}

// shared is the server of all tests of a binary that do not care which.
type shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Main runs the tests of a binary with one server for all that ask for a database
// by what it passes, started when the first one asks. It is called by TestMain,
// which passes its result to os.Exit.
func Main(m *testing.M, use func(database func(tb testing.TB) string)) int {
	var one shared
	use(func(tb testing.TB) string {
		tb.Helper()
		Need(tb)
		one.once.Do(func() { one.server, one.err = Start(Options{}) })
		if one.err != nil {
			tb.Fatal(one.err)
		}
		dsn, err := one.server.Create()
		if err != nil {
			tb.Fatal(err)
		}
		return dsn
	})
	code := m.Run()
	if one.server != nil {
		if err := one.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return code
}
