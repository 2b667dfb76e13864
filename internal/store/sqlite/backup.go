package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pollwire/pollwire/internal/store"
)

// BackupOptions say what is copied, and where to.
type BackupOptions struct {
	// Path is the database's file, To that of the copy, which must not be there.
	Path, To string
	// Progress is told, after each step, how many bytes of how many were copied;
	// nil for nobody.
	Progress func(copied, total int64)
}

// Copied is what a backup came to.
type Copied struct {
	// To is where the copy is.
	To string
	// Bytes is its length, Schema the version of its schema.
	Bytes, Schema int64
}

// backupPages is how many pages one step of a backup copies.
const backupPages = 512

// Backup copies a database, as it is at this moment, into a file of its own, also
// while a daemon writes to it. The copy is checked and on disk before it has its
// name, and nothing is left where it fails. It never overwrites: then the error
// wraps fs.ErrExist.
func Backup(ctx context.Context, o BackupOptions) (Copied, error) {
	path, err := resolve(o.Path)
	if err != nil {
		return Copied{}, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return Copied{}, fmt.Errorf("back up database: there is none at %s: check storage.dsn: %w", path, fs.ErrNotExist)
	}
	part, err := beginBackup(path, o.To)
	if err != nil {
		return Copied{}, err
	}
	copied, err := fillBackup(ctx, path, part, o.Progress)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = keepBackup(part, o.To)
	}
	if err != nil {
		return Copied{}, errors.Join(err, leaveNothing(part))
	}
	copied.To = o.To
	return copied, nil
}

// beginBackup makes the file that a copy is written to, beside what it will be.
func beginBackup(path, to string) (string, error) {
	abs, err := filepath.Abs(to)
	if err != nil {
		return "", fmt.Errorf("create backup: %w", err)
	}
	for _, suffix := range []string{"-wal", "-shm", "-journal", ".lock", ".sock"} {
		if abs == path+suffix {
			return "", fmt.Errorf("create backup: %s is a name that belongs to the database: choose another", to)
		}
	}
	part, err := createPart(abs)
	if err != nil {
		return "", fmt.Errorf("create backup: %w", err)
	}
	return part, nil
}

// fillBackup copies the database and checks the copy.
func fillBackup(ctx context.Context, path, part string, progress func(copied, total int64)) (Copied, error) {
	// As a daemon may be writing, and the operator may be another user than the
	// daemon's, nothing is written to the database and to what belongs to it.
	db, err := sql.Open("sqlite", dsn(path, "ro", "query_only(1)"))
	if err != nil {
		return Copied{}, openError(path, err)
	}
	defer func() { _ = db.Close() }() // was only read
	conn, err := db.Conn(ctx)
	if err != nil {
		return Copied{}, openError(path, err)
	}
	defer func() { _ = conn.Close() }()
	// What is copied is what this transaction sees, however long it takes.
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return Copied{}, openError(path, err)
	}
	copied := Copied{}
	if copied.Schema, err = ownSchema(ctx, conn); err != nil {
		return Copied{}, openError(path, err)
	}
	if progress == nil {
		progress = func(int64, int64) {}
	}
	err = conn.Raw(func(c any) error {
		return copyPages(ctx, c, part, func(copied, total int) { progress(int64(copied)*pageSize, int64(total)*pageSize) })
	})
	if err != nil {
		return Copied{}, backupError(path, err)
	}
	if err := checkCopy(ctx, part); err != nil {
		return Copied{}, err
	}
	info, err := os.Stat(part)
	if err != nil {
		return Copied{}, fmt.Errorf("check backup: %w", err)
	}
	copied.Bytes = info.Size()
	return copied, nil
}

// ownSchema returns the version of the schema of a database of pollwire's, known
// to this one or not: a backup is what an upgrade begins with.
func ownSchema(ctx context.Context, conn *sql.Conn) (version int64, err error) {
	var id int64
	if err := conn.QueryRowContext(ctx, "SELECT application_id FROM pragma_application_id").Scan(&id); err != nil {
		return 0, err
	}
	if id != applicationID {
		return 0, errors.New("it is not the database of a pollwire")
	}
	err = conn.QueryRowContext(ctx, "SELECT max(version_id) FROM "+versionTable).Scan(&version)
	return version, err
}

// pageSize is that of SQLite's pages, by default and so of all our databases.
const pageSize = 4096

// copyPages copies the database of the driver's connection, which is in a
// transaction that reads.
func copyPages(ctx context.Context, c any, part string, progress func(copied, total int)) error {
	source, ok := c.(interface {
		NewBackup(dst string) (*driver.Backup, error)
	})
	if !ok {
		return fmt.Errorf("the driver's %T cannot be backed up", c)
	}
	// Until it has its name, nobody needs what a crash leaves of it.
	b, err := source.NewBackup(dsn(part, "rw", "journal_mode(OFF)", "synchronous(OFF)"))
	if err != nil {
		return err
	}
	for more := true; more && err == nil; {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
			break
		}
		if more, err = b.Step(backupPages); err == nil {
			progress(b.PageCount()-b.Remaining(), b.PageCount())
		}
	}
	return errors.Join(err, b.Finish())
}

// checkCopy reads all of a copy: one that is damaged would be found out when it
// is needed.
func checkCopy(ctx context.Context, part string) error {
	db, err := sql.Open("sqlite", dsn(part, "ro")+"&immutable=1")
	if err != nil {
		return fmt.Errorf("check backup: %w", err)
	}
	defer func() { _ = db.Close() }() // was only read
	if err := quickCheck(ctx, db); err != nil {
		return fmt.Errorf("check backup, which was removed: %w", err)
	}
	return nil
}

// rowQuerier is a database, or a connection to one.
type rowQuerier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// quickCheck reads all of a database. Its error wraps store.ErrDamaged and names
// the first thing that is wrong.
func quickCheck(ctx context.Context, db rowQuerier) error {
	var found string
	err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found)
	switch _, primary := resultCode(err); {
	case primary == sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w: %w", store.ErrDamaged, err)
	case err != nil || found == "ok":
		return err
	}
	return fmt.Errorf("%w: %s", store.ErrDamaged, strings.TrimPrefix(found, "*** in database main ***\n"))
}

// backupError says in the operator's words why a database could not be copied.
func backupError(path string, err error) error {
	switch _, primary := resultCode(err); {
	case primary == sqlite3.SQLITE_FULL:
		return fmt.Errorf("write backup: no space left on its disk: %w", err)
	case damaged(err):
		return fmt.Errorf("back up database %s: %w: %w", path, store.ErrDamaged, err)
	}
	return fmt.Errorf("back up database %s: %w", path, err)
}

// keepBackup makes a copy durable and gives it its name, unless that is taken.
func keepBackup(part, to string) error {
	if err := keepPart(part, to); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	return nil
}
