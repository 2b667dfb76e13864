package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"strings"

	"github.com/pollwire/pollwire/internal/store"
)

// Dump is a database of which everything is read, as it was at one moment. No
// daemon runs on it meanwhile.
type Dump struct {
	path string
	lock *fileLock
	db   *sql.DB
	conn *sql.Conn
}

// OpenDump opens a database to be read from one end to the other. It fails with a
// *LockedError where a process has it open, and keeps others from doing so until
// it is closed. It changes nothing in it: an older schema is refused.
func OpenDump(ctx context.Context, path, version string) (*Dump, error) {
	path, err := resolve(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open database: there is none at %s: %w", path, fs.ErrNotExist)
	}
	d := &Dump{path: path}
	if err := d.open(ctx, version); err != nil {
		return nil, errors.Join(openError(path, err), d.Close())
	}
	return d, nil
}

func (d *Dump) open(ctx context.Context, version string) (err error) {
	if d.lock, err = lockFile(d.path, self(version)); err != nil {
		return err
	}
	if d.db, err = sql.Open("sqlite", dsn(d.path, "ro", "query_only(1)", "cache_size(-8192)")); err != nil {
		return err
	}
	if err := checkSchema(ctx, d.db, d.path); err != nil {
		return err
	}
	if d.conn, err = d.db.Conn(ctx); err != nil {
		return err
	}
	_, err = d.conn.ExecContext(ctx, "BEGIN")
	return err
}

// Name is what errors and people call the database.
func (d *Dump) Name() string { return d.path }

// Columns returns the columns of a table, none where there is no such table.
func (d *Dump) Columns(ctx context.Context, table string) ([]store.Column, error) {
	return columns(ctx, d.conn, table)
}

// Count returns how many rows a table has.
func (d *Dump) Count(ctx context.Context, table string) (int64, error) {
	return count(ctx, d.conn, table)
}

// Rows reads a table. Each row is the caller's own. After an error there is none.
func (d *Dump) Rows(ctx context.Context, t store.Table) iter.Seq2[store.Row, error] {
	return rows(ctx, d.conn, t)
}

// Ends returns the last numbers that were given.
func (d *Dump) Ends(ctx context.Context) (ends store.Ends, err error) {
	const last = `SELECT coalesce(max(seq) FILTER (WHERE name = 'events'), 0), coalesce(max(seq) FILTER (WHERE name = 'deliveries'), 0),
		coalesce(max(seq) FILTER (WHERE name = 'pages'), 0) FROM sqlite_sequence`
	if err := d.conn.QueryRowContext(ctx, last).Scan(&ends.Position, &ends.Delivery, &ends.Page); err != nil {
		return store.Ends{}, readError(ctx, fmt.Errorf("read last numbers: %w", err))
	}
	return ends, nil
}

// Confirm says whether the database still is what was read. Since it is locked, it
// is.
func (d *Dump) Confirm(context.Context) error { return nil }

// Close lets go of the database.
func (d *Dump) Close() error {
	var errs []error
	if d.conn != nil {
		errs = append(errs, d.conn.Close())
	}
	if d.db != nil {
		errs = append(errs, d.db.Close())
	}
	if d.lock != nil {
		errs = append(errs, d.lock.release())
	}
	return errors.Join(errs...)
}

func columns(ctx context.Context, conn *sql.Conn, table string) ([]store.Column, error) {
	rows, err := conn.QueryContext(ctx, "SELECT name, type FROM pragma_table_info(?)", table)
	if err != nil {
		return nil, readError(ctx, err)
	}
	found, err := collect(rows, func(rows *sql.Rows) (store.Column, error) {
		var name, declared string
		if err := rows.Scan(&name, &declared); err != nil {
			return store.Column{}, err
		}
		return store.NewColumn(table, name, declared, map[string]store.Kind{"INTEGER": store.Number, "TEXT": store.Text, "BLOB": store.Bytes})
	})
	return found, readError(ctx, err)
}

func count(ctx context.Context, conn *sql.Conn, table string) (n int64, err error) {
	err = conn.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&n)
	return n, readError(ctx, err)
}

func rows(ctx context.Context, conn *sql.Conn, t store.Table) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		query := fmt.Sprintf("SELECT %s FROM %s", names(t), t.Name) //nolint:gosec // The names are those of our schema.
		rows, err := conn.QueryContext(ctx, query)
		if err != nil {
			yield(nil, readError(ctx, err))
			return
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			row, err := scanRow(rows, t)
			if !yield(row, readError(ctx, err)) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, readError(ctx, err))
		}
	}
}

// scanRow reads a row of a table. To the driver an empty blob is none.
func scanRow(rows *sql.Rows, t store.Table) (store.Row, error) {
	row, into := make(store.Row, len(t.Columns)), make([]any, len(t.Columns))
	for i := range row {
		into[i] = &row[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	for i, c := range t.Columns {
		ok := false
		switch c.Kind {
		case store.Number:
			_, ok = row[i].(int64)
		case store.Text:
			_, ok = row[i].(string)
		case store.Bytes:
			var b []byte
			if b, ok = row[i].([]byte); b == nil && (ok || row[i] == nil) {
				row[i], ok = []byte{}, true
			}
		}
		if !ok {
			return nil, fmt.Errorf("column %s of table %s has a %T: %w", c.Name, t.Name, row[i], store.ErrDamaged)
		}
	}
	return row, nil
}

// names lists the columns of a table. One of them is a keyword.
func names(t store.Table) string {
	quoted := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		quoted[i] = `"` + c.Name + `"`
	}
	return strings.Join(quoted, ", ")
}

// readError is the cause of an ended context rather than what the interrupted read
// made of it, and says that a file is damaged.
func readError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case damaged(err):
		return fmt.Errorf("%w: %w", store.ErrDamaged, err)
	}
	return err
}
