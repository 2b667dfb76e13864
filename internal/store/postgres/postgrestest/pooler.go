package postgrestest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

const (
	poolerPort = "6432"
	// poolSize is how many sessions of the server all clients of a database share: so
	// few that each transaction meets another one.
	poolSize = 2
)

// Pooler is a PgBouncer before a server, in transaction mode.
type Pooler struct {
	server  *Server
	process *process
}

// poolerBinary returns the path of PgBouncer, or an error that says what to install.
func poolerBinary() (string, error) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("PgBouncer is not installed: install the package pgbouncer")
}

// NeedPooler skips a test where there is no PgBouncer or no PostgreSQL.
func NeedPooler(tb testing.TB) {
	tb.Helper()
	Need(tb)
	if _, err := poolerBinary(); err != nil {
		tb.Skip(err)
	}
}

// Pool starts a PgBouncer before a server. Who starts it stops it before the server.
func (s *Server) Pool() (*Pooler, error) {
	bin, err := poolerBinary()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(s.dir, "pgbouncer.ini")
	settings := fmt.Sprintf(`[databases]
* = host=%[1]s port=%[2]s user=postgres
[pgbouncer]
unix_socket_dir = %[1]s
listen_port = %[3]s
auth_type = any
pool_mode = transaction
default_pool_size = %[4]d
server_idle_timeout = 1
server_login_retry = 1
max_client_conn = 1000
`, s.dir, s.port(), poolerPort, poolSize)
	if err := os.WriteFile(config, []byte(settings), 0o644); err != nil {
		return nil, err
	}
	p := &Pooler{server: s}
	if p.process, err = s.launch(bin, "-q", config); err != nil {
		return nil, err
	}
	if err := p.process.await(func() error { return queryAt(socketDSN("postgres", s.dir, poolerPort), "SELECT 1") }); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// Create makes an empty database and returns its DSN by way of the pooler.
func (p *Pooler) Create() (dsn string, err error) {
	name, err := p.server.create()
	if err != nil {
		return "", err
	}
	return socketDSN(name, p.server.dir, poolerPort), nil
}

// Stop ends it.
func (p *Pooler) Stop() { p.process.end(syscall.SIGQUIT) }
