package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// createSchema makes the table of versions, by which a database is known as
	// pollwire's. The row of version 0 is what a node holds while it migrates.
	createSchema = `CREATE TABLE IF NOT EXISTS pollwire_schema (version BIGINT PRIMARY KEY, needs BIGINT NOT NULL,
		applied_at TIMESTAMPTZ NOT NULL DEFAULT now());
		INSERT INTO pollwire_schema (version, needs) VALUES (0, 0) ON CONFLICT DO NOTHING`
	// lookAround asks what the database is: the tables of extensions are nobody's.
	lookAround = `SELECT coalesce(current_schema(), ''), current_setting('server_encoding'),
		coalesce(sum(CASE WHEN c.relname = 'pollwire_schema' THEN 1 ELSE 0 END), 0)::bigint, count(c.oid)
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT EXISTS (
			SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')`
	// schemaState is the version, and what a program must know to use it: a newer
	// version may serve older programs too.
	schemaState = `SELECT max(version), coalesce(max(needs), 0) FROM pollwire_schema`
	// beginMigration waits for another node that migrates for as long as that takes,
	// since one that has gone silent loses its transaction.
	beginMigration = beginCommitted + `; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0;
		SET LOCAL idle_in_transaction_session_timeout = '10s'`
	holdSchema = `SELECT version FROM pollwire_schema WHERE version = 0 FOR UPDATE`
	// A migration waits no longer for a table that others use: all that come after it
	// wait behind it.
	limitMigration = `SET LOCAL lock_timeout = '10s'`
	insertVersion  = `INSERT INTO pollwire_schema (version, needs) VALUES ($1, $2)`
)

// Migration is a change of the schema, by its versions; 0 is that of an empty
// database.
type Migration struct{ From, To int64 }

// FutureSchemaError says that a newer pollwire has migrated the database, in a way
// that this one cannot go on with.
type FutureSchemaError struct {
	// Name is the database, without a password.
	Name string
	// Database is the version of its schema, Needs the version that a program must
	// know to use it, Known the last one that this pollwire knows.
	Database, Needs, Known int64
}

// Error names the versions and what to do.
func (e *FutureSchemaError) Error() string {
	return fmt.Sprintf("database %s has schema version %d, which needs a pollwire that knows version %d; this one knows versions up to %d: run the newer pollwire that migrated it",
		e.Name, e.Database, e.Needs, e.Known)
}

// schema is what a database is.
type schema struct {
	// ours says that it is pollwire's. A database that is not is empty.
	ours           bool
	version, needs int64
}

// migrate brings the schema up, all in one transaction, which one node at a time
// is in. It refuses, before it writes anything, a schema from the future and a
// database that is not pollwire's.
func (s *Store) migrate(ctx context.Context, all []migration) (Migration, error) {
	now, err := s.schema(ctx, s.pool, all)
	if err != nil {
		return Migration{}, err
	}
	done := Migration{From: now.version, To: now.version}
	if now.ours && now.version >= last(all) {
		return done, nil
	}
	if err := s.markSchema(ctx); err != nil {
		return Migration{}, fmt.Errorf("migrate: %w", err)
	}
	began := time.Now()
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{BeginQuery: beginMigration}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, holdSchema); err != nil {
			return err
		}
		// Another node may have done it meanwhile.
		if now, err = s.schema(ctx, tx, all); err != nil {
			return err
		}
		done = Migration{From: now.version, To: max(now.version, last(all))}
		return apply(ctx, tx, all[min(now.version, last(all)):])
	})
	if err != nil {
		return Migration{}, fmt.Errorf("migrate: %w", s.failure(ctx, err))
	}
	if done.From < done.To {
		s.logger.Info("database migrated", "database", s.name, "version", done.To, "duration", time.Since(began))
	}
	return done, nil
}

// apply runs migrations in a transaction.
func apply(ctx context.Context, tx pgx.Tx, all []migration) error {
	if _, err := tx.Exec(ctx, limitMigration); err != nil {
		return err
	}
	for _, m := range all {
		if _, err := tx.Exec(ctx, m.sql); err != nil { // without arguments it may be many statements
			return fmt.Errorf("version %d: %w", m.version, err)
		}
		if _, err := tx.Exec(ctx, insertVersion, m.version, m.needs); err != nil {
			return fmt.Errorf("version %d: %w", m.version, err)
		}
	}
	return nil
}

// markSchema makes the database pollwire's. Two nodes that do so at once may meet
// in the catalog, IF NOT EXISTS or not; then the other one has done it.
func (s *Store) markSchema(ctx context.Context) error {
	var err error
	for range 5 {
		if _, err = s.pool.Exec(ctx, createSchema); err == nil {
			return nil
		}
		var answer *pgconn.PgError
		if !errors.As(err, &answer) || !slices.Contains([]string{"23505", "42P07", "42710", "40001"}, answer.Code) {
			break // neither a row, a table or a type that is there, nor a conflict
		}
	}
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok && answer.Code == insufficientPrivilege {
		return fmt.Errorf("user %s may not make tables in it: %w", s.pool.Config().ConnConfig.User, inOneLine(err))
	}
	return s.failure(ctx, err)
}

// checkSchema is migrate for one who may only look.
func (s *Store) checkSchema(ctx context.Context, all []migration) error {
	now, err := s.schema(ctx, s.pool, all)
	if err != nil {
		return err
	}
	if known := last(all); now.version < known {
		return fmt.Errorf("schema version %d is older than %d, which this pollwire needs: run pollwire migrate first", now.version, known)
	}
	return nil
}

// schema looks at the database.
func (s *Store) schema(ctx context.Context, q interface {
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
}, all []migration,
) (schema, error) {
	var name, encoding string
	var marks, tables int64
	if err := q.QueryRow(ctx, lookAround).Scan(&name, &encoding, &marks, &tables); err != nil {
		return schema{}, s.failure(ctx, err)
	}
	switch {
	case name == "":
		return schema{}, errors.New("it has no schema to make tables in: create one, or set search_path in storage.dsn")
	case encoding != "UTF8":
		return schema{}, fmt.Errorf("its encoding is %s: create a database with ENCODING 'UTF8'", encoding)
	case marks == 0 && tables > 0:
		return schema{}, errors.New("it is the database of another program; give pollwire one of its own, or a schema of its own by search_path in storage.dsn")
	case marks == 0:
		return schema{}, nil
	}
	now := schema{ours: true}
	if err := q.QueryRow(ctx, schemaState).Scan(&now.version, &now.needs); err != nil {
		return schema{}, s.failure(ctx, err)
	}
	if known := last(all); now.needs > known {
		return schema{}, &FutureSchemaError{Name: s.name, Database: now.version, Needs: now.needs, Known: known}
	}
	return now, nil
}

// last is the newest of migrations.
func last(all []migration) int64 { return int64(len(all)) }
