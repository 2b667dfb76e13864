// Package postgres keeps pollwire's state in a PostgreSQL database, which many
// nodes may share.
//
// Everything is plain SQL in short transactions: no advisory locks and no state of
// a session, so that it serves behind a pooler in transaction mode. What a node
// writes is refused by the database where the node's lease has another epoch by
// then. Commits that wait are written together.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/oklog/ulid/v2"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
	"github.com/pollwire/pollwire/internal/store/group"
)

const (
	// maxConns bounds the connections of a node, where the DSN does not (pool_max_conns).
	maxConns = 8
	// vitalConns bounds those that say that a node lives, and the one that commits.
	vitalConns = 5
	// connectTimeout bounds the making of a connection, where the DSN does not.
	connectTimeout = 5 * time.Second
	// pingTimeout bounds how long a connection that was idle is asked whether it is
	// still one: after a failover none of them is.
	pingTimeout = time.Second

	// selectFsync asks for a setting that other engines may not have.
	selectFsync = "SELECT coalesce(current_setting('fsync', true), '')"
)

// Options say how a database is opened.
type Options struct {
	// DSN is where it is, as libpq and pgx read it: postgres://user@host/database.
	DSN string
	// ReadOnly opens it to look only: no migration, and every write fails with
	// store.ErrReadOnly.
	ReadOnly bool
	// Logger receives migrations, and when the server goes and comes; nil discards
	// them.
	Logger *slog.Logger
}

// Store is a database that is open. Its methods may be called concurrently.
type Store struct {
	pool *pgxpool.Pool
	// vital are a few connections for what says that a node lives and looks for the
	// others, and for the writer: they must not wait behind the rest, such as reads of
	// much by whoever asks for it.
	vital    *pgxpool.Pool
	codec    *blob.Codec
	logger   *slog.Logger
	readOnly bool
	// name is what errors call the database: without its password.
	name string
	// tenant is who writes; nil for one who writes alone, without leases.
	tenant atomic.Pointer[tenant]
	// alone stands for the node of one who writes alone.
	alone string
	// timelines says that the engine has them; see thisTimeline.
	timelines bool
	// writer commits; it is nil in a store that was opened read-only.
	writer *group.Writer[*commit]
	loose  blob.LoosePages
	// migration is what Open did to the schema.
	migration Migration

	closeOnce sync.Once
	closeErr  error
}

// tenant is a node and what it holds.
type tenant struct {
	node  string
	fence store.Fence
	// timeline is the one on which the node has joined, empty where nothing is known of
	// any.
	timeline string
}

// Open opens a database and migrates it. It fails with a *FutureSchemaError where a
// newer version migrated it in a way that this one cannot go on with, and with
// store.ErrUnreachable where the server does not answer.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	config, err := parseDSN(o.DSN)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	s := &Store{logger: o.Logger, readOnly: o.ReadOnly, name: nameOf(config.ConnConfig), alone: ulid.Make().String()}
	configure(config, o.ReadOnly)
	if s.codec, err = blob.NewCodec(); err != nil {
		return nil, s.named("open", err)
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, errors.Join(s.named("open", err), s.Close())
	}
	vital := config.Copy()
	vital.MinConns, vital.MinIdleConns, vital.MaxConns = 0, 0, vitalConns
	if s.vital, err = pgxpool.NewWithConfig(ctx, vital); err != nil {
		return nil, errors.Join(s.named("open", err), s.Close())
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(s.named("open", err), s.Close())
	}
	return s, nil
}

// open makes sure of the schema.
func (s *Store) open(ctx context.Context) error {
	all, err := readMigrations(migrations, "migrations")
	if err != nil {
		return err
	}
	if s.readOnly {
		return s.checkSchema(ctx, all)
	}
	if s.migration, err = s.migrate(ctx, all); err != nil {
		return err
	}
	if err := s.findTimelines(ctx); err != nil {
		return err
	}
	if err := s.warnOfLoss(ctx); err != nil {
		return err
	}
	s.writer = group.Start(maxGroupBytes, s.commitGroup)
	return nil
}

// warnOfLoss warns where the server acknowledges what is not on its disk. What a
// session can say of that is said by beginning; this it cannot.
func (s *Store) warnOfLoss(ctx context.Context) error {
	var fsync string
	if err := s.pool.QueryRow(ctx, selectFsync).Scan(&fsync); err != nil {
		return s.failure(ctx, err)
	}
	if fsync == "off" {
		s.logger.Warn("the database's server does not wait for its disk, so that a crash of its machine loses what was told: set fsync = on in postgresql.conf", "database", s.name)
	}
	return nil
}

// Migration returns what Open did to the schema; nothing of a store that was
// opened read-only.
func (s *Store) Migration() Migration { return s.migration }

// configure sets what the DSN leaves open.
func configure(c *pgxpool.Config, readOnly bool) {
	if !dsnHas(c, "pool_max_conns") {
		c.MaxConns = maxConns
	}
	if c.ConnConfig.ConnectTimeout == 0 {
		c.ConnConfig.ConnectTimeout = connectTimeout
	}
	c.PingTimeout = pingTimeout
	// Each statement is one message with its arguments in it. Where a node is cut off in
	// the middle of one, the server begins with nothing, and gives up who has gone
	// silent in a transaction; by the extended protocol it would wait for the next of
	// the statement's messages for ever, with all that was locked before. Reads, which
	// lock nothing, are by the extended one; see listOf.
	c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	// A server that has become a standby is left for the one that may be written to by
	// now: a connection that stays can do nothing.
	onError := c.ConnConfig.OnPgError
	c.ConnConfig.OnPgError = func(conn *pgconn.PgConn, err *pgconn.PgError) bool {
		return err.Code != readOnlyTransaction && onError(conn, err)
	}
	if c.ConnConfig.ValidateConnect == nil && severalHosts(c.ConnConfig) && !readOnly {
		c.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	parameters := c.ConnConfig.RuntimeParams
	if parameters["application_name"] == "" {
		parameters["application_name"] = "pollwire"
	}
	parameters["client_encoding"] = "UTF8"
	parameters["standard_conforming_strings"] = "on"
	// Without it times come as the user or the database has it, in words that the driver
	// does not know.
	maps.DeleteFunc(parameters, func(name, _ string) bool { return strings.EqualFold(name, "datestyle") })
	parameters["DateStyle"] = "ISO, MDY"
}

// severalHosts says whether a DSN names more than one server. Other ways to the same
// one, as with and without TLS, do not count.
func severalHosts(c *pgx.ConnConfig) bool {
	return slices.ContainsFunc(c.Fallbacks, func(f *pgconn.FallbackConfig) bool { return f.Host != c.Host || f.Port != c.Port })
}

// SetFence makes all that follows the writes of a node, under its leases. It comes
// before the first write.
func (s *Store) SetFence(node string, f store.Fence) { s.tenant.Store(&tenant{node: node, fence: f}) }

// Close waits for the writes that were begun or queued and closes the connections.
// Further calls return the first one's result.
func (s *Store) Close() error {
	s.closeOnce.Do(func() { s.closeErr = s.close() })
	return s.closeErr
}

func (s *Store) close() error {
	if s.writer != nil {
		s.writer.Close()
	}
	for _, pool := range []*pgxpool.Pool{s.vital, s.pool} {
		if pool != nil {
			pool.Close()
		}
	}
	if err := s.codec.Close(); err != nil {
		return s.named("close", err)
	}
	return nil
}
