package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	"github.com/pollwire/pollwire/internal/store"
)

// reader is a small pool of connections that cannot write. Each read sees one
// committed state, while writes go on.
type reader struct {
	db *sql.DB

	mu    sync.Mutex
	stmts map[string]*sql.Stmt
	// damage is the first error of a read that says that the file is damaged.
	damage error
}

// maxReaders bounds the connections, each with a page cache of its own.
const maxReaders = 4

func newReader(db *sql.DB) *reader {
	db.SetMaxOpenConns(maxReaders)
	db.SetMaxIdleConns(maxReaders)
	return &reader{db: db, stmts: make(map[string]*sql.Stmt)}
}

func (r *reader) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if stmt, ok := r.stmts[query]; ok {
		return stmt, nil
	}
	stmt, err := r.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	r.stmts[query] = stmt
	return stmt, nil
}

func (r *reader) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, stmt := range r.stmts {
		_ = stmt.Close()
	}
	return r.db.Close()
}

// list runs a query and returns what scan makes of each row. It never returns
// nil rows without an error.
func list[T any](ctx context.Context, r *reader, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	stmt, err := r.prepare(ctx, query)
	if err != nil {
		return nil, r.readError(ctx, err)
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, r.readError(ctx, err)
	}
	found, err := collect(rows, scan)
	return found, r.readError(ctx, err)
}

// collect reads all rows and closes them.
func collect[T any](rows *sql.Rows, scan func(*sql.Rows) (T, error)) ([]T, error) {
	defer func() { _ = rows.Close() }()
	found := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, v)
	}
	return found, rows.Err()
}

// readError is the cause of an ended context rather than what the interrupted
// read made of it, and says and keeps that the file is damaged.
func (r *reader) readError(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !damaged(err) {
		return err
	}
	err = fmt.Errorf("%w: %w", store.ErrDamaged, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.damage == nil {
		r.damage = err
	}
	return err
}

// damaged returns the first error that said so.
func (r *reader) damaged() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.damage
}

// scanID and scanName read rows of one column.
func scanID(rows *sql.Rows) (id int64, err error) {
	err = rows.Scan(&id)
	return id, err
}

func scanName(rows *sql.Rows) (name string, err error) {
	err = rows.Scan(&name)
	return name, err
}
