package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pollwire/pollwire/internal/store"
)

// loadRows and loadBytes bound what one statement inserts.
const (
	loadRows  = 64
	loadBytes = 4 << 20
)

// Load is a new database that is filled. It has its name, and anybody who opens it
// finds it, only when it is complete, checked and on disk.
type Load struct {
	to, part string
	lock     *fileLock
	db       *sql.DB
	session  *session
}

// CreateLoad begins a database where there must be none yet: else the error wraps
// fs.ErrExist. Close removes what was not kept.
func CreateLoad(ctx context.Context, path, version string) (*Load, error) {
	to, err := resolve(path)
	if err != nil {
		return nil, err
	}
	l := &Load{to: to}
	if err := l.open(ctx, version); err != nil {
		return nil, errors.Join(fmt.Errorf("create database: %w", loadError(ctx, to, err)), l.Close())
	}
	return l, nil
}

func (l *Load) open(ctx context.Context, version string) (err error) {
	if l.part, err = createPart(l.to); err != nil {
		return spaceError(filepath.Dir(l.to), err)
	}
	// A daemon that is started there meanwhile would make a database of its own.
	if l.lock, err = lockFile(l.to, self(version)); err != nil {
		return err
	}
	// Until it has its name, nobody needs what a crash leaves of it. auto_vacuum comes
	// first: it can only be set while the file is empty.
	l.db, err = sql.Open("sqlite", dsn(l.part, "rw", "auto_vacuum(INCREMENTAL)", "journal_mode(OFF)", "synchronous(OFF)",
		"cache_size(-65536)", "temp_store(MEMORY)"))
	if err != nil {
		return err
	}
	l.db.SetMaxOpenConns(1)
	if _, err := migrate(ctx, l.db, l.part, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	if l.session, err = newSession(ctx, l.db); err != nil {
		return err
	}
	_, err = l.session.exec("BEGIN")
	return err
}

// Name is what errors and people call the database.
func (l *Load) Name() string { return l.to }

// Columns returns the columns of a table, none where there is no such table.
func (l *Load) Columns(ctx context.Context, table string) ([]store.Column, error) {
	return columns(ctx, l.session.conn, table)
}

// Count returns how many rows a table has.
func (l *Load) Count(ctx context.Context, table string) (int64, error) {
	return count(ctx, l.session.conn, table)
}

// Rows reads what a table was filled with.
func (l *Load) Rows(ctx context.Context, t store.Table) iter.Seq2[store.Row, error] {
	return rows(ctx, l.session.conn, t)
}

// Fill adds rows to a table, until there is none or one comes with an error.
func (l *Load) Fill(ctx context.Context, t store.Table, rows iter.Seq2[store.Row, error]) error {
	insert := bulk{into: "INSERT INTO " + t.Name + " (" + names(t) + ")", columns: len(t.Columns)}
	var values []any
	size := 0
	flush := func() error {
		err := loadError(ctx, l.to, l.session.insert(&insert, values))
		clear(values)
		values, size = values[:0], 0
		return err
	}
	for row, err := range rows {
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		values = append(values, row...)
		for _, v := range row {
			if b, ok := v.([]byte); ok {
				size += len(b)
			}
		}
		if len(values) >= loadRows*len(t.Columns) || size >= loadBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// Keep makes all that was filled durable, and gives the database its name. What is
// given numbers goes on after the ends.
func (l *Load) Keep(ctx context.Context, ends store.Ends) error {
	if err := l.finish(ctx, ends); err != nil {
		return fmt.Errorf("finish database %s: %w", l.to, loadError(ctx, l.to, err))
	}
	if err := errors.Join(l.session.close(), l.db.Close()); err != nil {
		return fmt.Errorf("close database %s: %w", l.to, err)
	}
	l.session, l.db = nil, nil
	if err := l.give(); err != nil {
		return err
	}
	if err := keepPart(l.part, l.to); err != nil {
		return fmt.Errorf("write database: %w", err)
	}
	l.part = ""
	return nil
}

// finish completes and checks what is in the file.
func (l *Load) finish(ctx context.Context, ends store.Ends) error {
	for _, s := range []struct {
		table string
		last  int64
	}{{"events", ends.Position}, {"deliveries", ends.Delivery}, {"pages", ends.Page}} {
		if _, err := l.session.exec("DELETE FROM sqlite_sequence WHERE name = ?", s.table); err != nil {
			return err
		}
		if _, err := l.session.exec("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", s.table, s.last); err != nil {
			return err
		}
	}
	if _, err := l.session.exec("COMMIT"); err != nil {
		return err
	}
	conn := l.session.conn
	var child, parent string
	switch err := conn.QueryRowContext(ctx, `SELECT "table", parent FROM pragma_foreign_key_check LIMIT 1`).Scan(&child, &parent); {
	case err == nil:
		return fmt.Errorf("table %s has rows that belong to none of table %s: %w", child, parent, store.ErrDamaged)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	return quickCheck(ctx, conn)
}

// give makes the files those of the owner of their folder, where root has made
// them: the daemon of that user must be able to open them.
func (l *Load) give() error {
	var dir unix.Stat_t
	if err := unix.Stat(filepath.Dir(l.to), &dir); err != nil || os.Geteuid() != 0 {
		return err
	}
	for _, err := range []error{os.Chown(l.part, int(dir.Uid), int(dir.Gid)), l.lock.file.Chown(int(dir.Uid), int(dir.Gid))} {
		if err != nil {
			return fmt.Errorf("give database %s to the owner of its folder: %w", l.to, err)
		}
	}
	return nil
}

// Close removes what was not kept. Further calls do nothing.
func (l *Load) Close() error {
	var errs []error
	if l.session != nil {
		errs = append(errs, l.session.close())
	}
	if l.db != nil {
		errs = append(errs, l.db.Close())
	}
	if l.part != "" {
		errs = append(errs, leaveNothing(l.part))
	}
	if l.lock != nil {
		errs = append(errs, l.lock.release())
	}
	l.session, l.db, l.part, l.lock = nil, nil, "", nil
	return errors.Join(errs...)
}

// loadError says of a write that failed whether there is no space left, or that
// it was given up.
func loadError(ctx context.Context, path string, err error) error {
	if _, primary := resultCode(err); primary == sqlite3.SQLITE_FULL && ctx.Err() == nil {
		return fmt.Errorf("write %s: %w: %w", path, store.ErrFull, err)
	}
	return readError(ctx, err)
}
