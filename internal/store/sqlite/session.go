package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// session is the one connection that writes. Only the writer's goroutine uses
// it. Its statements are never interrupted: a group belongs to all that wait
// for it, so no single caller's context may end it.
type session struct {
	conn  *sql.Conn
	stmts map[statement]*sql.Stmt
	ids   ids
}

// ids are the last numbers that were given. This process alone writes, so they
// are counted here, and rows are inserted many at a time with known numbers.
type ids struct {
	position, delivery int64
}

// statement is SQL text that ends in a row of values, repeated.
type statement struct {
	text string
	rows int
}

// bulk is an INSERT of many rows.
type bulk struct {
	into    string
	columns int
	// suffix follows the rows, such as ON CONFLICT.
	suffix string
}

func newSession(ctx context.Context, db *sql.DB) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, stmts: make(map[statement]*sql.Stmt)}
	const last = `SELECT coalesce(max(seq) FILTER (WHERE name = 'events'), 0),
		coalesce(max(seq) FILTER (WHERE name = 'deliveries'), 0) FROM sqlite_sequence`
	if err := conn.QueryRowContext(ctx, last).Scan(&s.ids.position, &s.ids.delivery); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("read last numbers: %w", err)
	}
	return s, nil
}

func (s *session) close() error {
	for _, stmt := range s.stmts {
		_ = stmt.Close()
	}
	return s.conn.Close()
}

// prepare returns the statement for a text, from the cache after its first use.
func (s *session) prepare(key statement, text func() string) (*sql.Stmt, error) {
	if stmt, ok := s.stmts[key]; ok {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(context.Background(), text()) // never interrupted, see session
	if err != nil {
		return nil, err
	}
	s.stmts[key] = stmt
	return stmt, nil
}

func (s *session) exec(query string, args ...any) (sql.Result, error) {
	stmt, err := s.prepare(statement{text: query}, func() string { return query })
	if err != nil {
		return nil, err
	}
	return stmt.Exec(args...)
}

// change runs a statement and returns how many rows it has changed.
func (s *session) change(query string, args ...any) (int64, error) {
	result, err := s.exec(query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s *session) query(query string, args ...any) (*sql.Rows, error) {
	stmt, err := s.prepare(statement{text: query}, func() string { return query })
	if err != nil {
		return nil, err
	}
	return stmt.Query(args...)
}

// insert writes rows, given one after the other in values. It uses statements
// of three sizes only, so that each is prepared once.
func (s *session) insert(b *bulk, values []any) error {
	for len(values) > 0 {
		rows := 1
		for _, n := range []int{64, 8} {
			if len(values) >= n*b.columns {
				rows = n
				break
			}
		}
		stmt, err := s.prepare(statement{text: b.into, rows: rows}, func() string { return b.text(rows) })
		if err != nil {
			return err
		}
		if _, err := stmt.Exec(values[:rows*b.columns]...); err != nil {
			return err
		}
		values = values[rows*b.columns:]
	}
	return nil
}

func (b *bulk) text(rows int) string {
	row := "(" + placeholders(b.columns) + ")"
	return b.into + " VALUES " + strings.Repeat(row+", ", rows-1) + row + " " + b.suffix
}

// placeholders returns "?, ?, …".
func placeholders(n int) string {
	return strings.Repeat("?, ", n-1) + "?"
}

// transaction runs steps in one transaction, each in a savepoint, so that a
// step that fails leaves nothing behind and hinders no other. It returns the
// error of each step; or an error for all of them, when nothing was kept.
func (s *session) transaction(steps []func(*session) error) ([]error, error) {
	before := s.ids
	if _, err := s.exec("BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	results := make([]error, len(steps))
	for i, step := range steps {
		results[i] = s.savepoint(step)
		if endsTransaction(results[i]) {
			s.ids = before
			return nil, s.rollback(results[i])
		}
	}
	if _, err := s.exec("COMMIT"); err != nil {
		s.ids = before
		return nil, s.rollback(err)
	}
	return results, nil
}

func (s *session) savepoint(step func(*session) error) error {
	before := s.ids
	if _, err := s.exec("SAVEPOINT step"); err != nil {
		return &transactionError{err}
	}
	err := step(s)
	if endsTransaction(err) {
		return err
	}
	if err != nil {
		s.ids = before
		if _, err := s.exec("ROLLBACK TO step"); err != nil {
			return &transactionError{err}
		}
	}
	if _, err := s.exec("RELEASE step"); err != nil {
		return &transactionError{err}
	}
	return err
}

// rollback ends a transaction that failed with cause, which SQLite may have
// ended by itself already. Where none can be begun afterwards, the connection
// is in a state that nothing may be built on.
func (s *session) rollback(cause error) error {
	if _, err := s.exec("ROLLBACK"); err == nil {
		return cause
	}
	if _, err := s.exec("BEGIN"); err != nil {
		return &brokenError{fmt.Errorf("%w; roll back: %w", cause, err)}
	}
	if _, err := s.exec("ROLLBACK"); err != nil {
		return &brokenError{fmt.Errorf("%w; roll back: %w", cause, err)}
	}
	return cause
}
