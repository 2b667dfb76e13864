package sqlite

import (
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pollwire/pollwire/internal/store"
)

// FutureSchemaError says that a newer pollwire has migrated the database.
type FutureSchemaError struct {
	// Path is the database's file.
	Path string
	// Database is the version of its schema, Known the last one that this
	// pollwire knows.
	Database, Known int64
}

// Error names both versions and what to do.
func (e *FutureSchemaError) Error() string {
	return fmt.Sprintf("database %s has schema version %d, this pollwire knows versions up to %d: run the newer pollwire that wrote it, or restore a backup",
		e.Path, e.Database, e.Known)
}

// transactionError is an error of the transaction itself, not of one step.
type transactionError struct{ err error }

func (e *transactionError) Error() string { return e.err.Error() }
func (e *transactionError) Unwrap() error { return e.err }

// brokenError says that a transaction could neither be kept nor rolled back.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// resultCode returns SQLite's extended and primary result codes, 0 for an
// error that is not SQLite's.
func resultCode(err error) (extended, primary int) {
	var e *driver.Error
	if !errors.As(err, &e) {
		return 0, 0
	}
	return e.Code(), e.Code() & 0xff
}

// endsTransaction says whether an error concerns the whole transaction: SQLite
// may have rolled it back already, or the next statement would meet it again.
func endsTransaction(err error) bool {
	if err == nil {
		return false
	}
	var own *transactionError
	if errors.As(err, &own) {
		return true
	}
	switch _, primary := resultCode(err); primary {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB,
		sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED,
		sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_CANTOPEN:
		return true
	}
	return false
}

// damaged says whether an error is of what is in the file, not of the disk.
func damaged(err error) bool {
	_, primary := resultCode(err)
	return primary == sqlite3.SQLITE_CORRUPT || primary == sqlite3.SQLITE_NOTADB
}

// writeError turns the error of a whole transaction into what the contract
// says of it: ErrFull or ErrBusy, from which the store recovers, a
// *store.DiskError, from which it does not, or the error itself where it came
// from elsewhere.
func writeError(path string, err error) error {
	var broken *brokenError
	if errors.As(err, &broken) {
		return &store.DiskError{Path: path, Err: err}
	}
	extended, primary := resultCode(err)
	switch {
	case primary == sqlite3.SQLITE_FULL, extended == sqlite3.SQLITE_IOERR_SHMSIZE:
		// The second is the index of the log, which could not grow.
		return fmt.Errorf("write %s: %w: %w", path, store.ErrFull, err)
	case damaged(err):
		return &store.DiskError{Path: path, Err: fmt.Errorf("%w: %w", store.ErrDamaged, err)}
	case primary == sqlite3.SQLITE_IOERR, primary == sqlite3.SQLITE_READONLY:
		return &store.DiskError{Path: path, Err: err}
	case primary == sqlite3.SQLITE_BUSY:
		return fmt.Errorf("write %s: %w: %w", path, store.ErrBusy, err)
	}
	return fmt.Errorf("write %s: %w", path, err)
}

// openError says in the operator's words why a database could not be opened.
func openError(path string, err error) error {
	extended, primary := resultCode(err)
	switch {
	case errors.Is(err, store.ErrDamaged): // says so itself
		return fmt.Errorf("open database %s: %w", path, err)
	case primary == sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("open database %s: the file is no SQLite database; move it away, or change storage.dsn: %w", path, err)
	case primary == sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("open database %s: %w: %w", path, store.ErrDamaged, err)
	case primary == sqlite3.SQLITE_READONLY, extended == sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("open database %s: the file and its directory must be writable: %w", path, err)
	case primary == sqlite3.SQLITE_FULL, extended == sqlite3.SQLITE_IOERR_SHMSIZE:
		return fmt.Errorf("open database %s: %w: %w", path, store.ErrFull, err)
	case primary == sqlite3.SQLITE_BUSY:
		return fmt.Errorf("open database %s: %w: %w", path, store.ErrBusy, err)
	}
	return fmt.Errorf("open database %s: %w", path, err)
}
