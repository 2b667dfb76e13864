// Package sqlite keeps pollwire's state in one SQLite file.
//
// One goroutine writes: it groups the writes of all that wait into one
// transaction with one fsync (write-ahead log, synchronous=FULL). Reads go to a
// small pool of connections that cannot write. A lock file beside the database
// keeps a second daemon out.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
)

var _ store.Store = (*Store)(nil)

// Options say how a database is opened.
type Options struct {
	// Path is the database's file. It is created where it is missing, its
	// directory is not.
	Path string
	// Existing refuses to create it: the error wraps fs.ErrNotExist.
	Existing bool
	// Version is the version of this program, which the lock file tells others.
	Version string
	// ReadOnly opens an existing database to look only, while a daemon may be
	// using it: no lock, no migration, and every write fails with
	// store.ErrReadOnly.
	ReadOnly bool
	// Logger receives migrations and failed checkpoints; nil discards them.
	Logger *slog.Logger
}

// Store is a database that is open. Its methods may be called concurrently.
type Store struct {
	path   string
	codec  *blob.Codec
	reader *reader
	logger *slog.Logger
	// The rest is nil in a store that was opened read-only.
	lock   *fileLock
	place  *place
	db     *sql.DB
	writer *writer
	// lastPage is the last number that was given to a page. Other than those of
	// events, none is given back when its write fails.
	lastPage atomic.Int64
	loose    blob.LoosePages
	// migration is what Open did to the schema.
	migration Migration

	closeOnce sync.Once
	closeErr  error
}

// Open opens a database, creates it where it is missing, and migrates it. It
// fails with a *LockedError where another process has it open, and with a
// *FutureSchemaError where a newer version wrote it.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	path, err := resolve(o.Path)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, logger: o.Logger}
	if s.codec, err = blob.NewCodec(); err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	if o.ReadOnly {
		err = s.openReader(ctx)
	} else {
		err = s.open(ctx, o)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// open sets the parts of a store that writes, in the order that Close undoes.
// After an error Close still must be called.
func (s *Store) open(ctx context.Context, o Options) error {
	if _, err := os.Stat(s.path); o.Existing && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open database: there is none at %s: check storage.dsn, or let pollwire run make one: %w", s.path, fs.ErrNotExist)
	}
	var err error
	if s.lock, err = lockFile(s.path, self(o.Version)); err != nil {
		return err
	}
	if err := prepareFile(s.path); err != nil {
		return err
	}
	if s.place, err = openPlace(s.path); err != nil {
		return err
	}
	// auto_vacuum comes first: it can only be set while the file is empty.
	s.db, err = sql.Open("sqlite", dsn(s.path, "rw",
		"auto_vacuum(INCREMENTAL)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"wal_autocheckpoint(0)", "journal_size_limit(16777216)", "cache_size(-8192)", "temp_store(MEMORY)"))
	if err != nil {
		return openError(s.path, err)
	}
	s.db.SetMaxOpenConns(1)
	if s.place.info.Size() <= checkBytes {
		if err := quickCheck(ctx, s.db); err != nil {
			return openError(s.path, err)
		}
	}
	if s.migration, err = migrate(ctx, s.db, s.path, o.Logger); err != nil {
		return openError(s.path, err)
	}
	session, err := newSession(ctx, s.db)
	if err != nil {
		return openError(s.path, err)
	}
	s.place.noteLog()
	s.writer = newWriter(s.path, o.Logger, session)

	db, err := sql.Open("sqlite", dsn(s.path, "rw", "query_only(1)", "cache_size(-2048)"))
	if err != nil {
		return openError(s.path, err)
	}
	s.reader = newReader(db)
	if err := s.openPages(ctx); err != nil {
		return openError(s.path, err)
	}
	return nil
}

// openReader sets the parts of a store that only looks.
func (s *Store) openReader(ctx context.Context) error {
	if _, err := os.Stat(s.path); err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(s.path, "ro", "query_only(1)", "cache_size(-2048)"))
	if err != nil {
		return openError(s.path, err)
	}
	s.reader = newReader(db)
	if err := checkSchema(ctx, db, s.path); err != nil {
		return openError(s.path, err)
	}
	return nil
}

// Migration returns what Open did to the schema; nothing of a store that was
// opened read-only.
func (s *Store) Migration() Migration { return s.migration }

// Fatal returns a channel that is closed when the disk has failed a write.
// From then on every write fails with the error that Err returns.
func (s *Store) Fatal() <-chan struct{} {
	if s.writer == nil {
		return nil
	}
	return s.writer.failed
}

// Err returns the *store.DiskError after which nothing is written any more, nil
// while there is none.
func (s *Store) Err() error {
	if s.writer == nil {
		return nil
	}
	return s.writer.err()
}

// write runs a step in a transaction; see writer.do.
func (s *Store) write(ctx context.Context, size int, step func(*session) error) error {
	if s.writer == nil {
		return store.ErrReadOnly
	}
	return s.writer.do(ctx, size, step)
}

// checkBytes is up to which length a database is read through when it is opened:
// that takes less than a second. Longer ones are when they are backed up.
const checkBytes = 128 << 20

// Ping writes one row and returns when it is on disk. It also fails where the
// file was moved or removed from under the store: writes go on in it, but
// nobody will find them.
func (s *Store) Ping(ctx context.Context) error {
	now := store.Micros(time.Now())
	err := s.write(ctx, 0, func(s *session) error {
		_, err := s.exec("INSERT INTO heartbeat (id, at) VALUES (1, ?) ON CONFLICT DO UPDATE SET at = excluded.at", now)
		return err
	})
	if err != nil {
		return fmt.Errorf("ping database: %w", err)
	}
	if problem := s.Survey().Problem; problem != nil {
		return fmt.Errorf("ping database: %w", problem)
	}
	return nil
}

// Survey looks at the file and at its disk, and at what reads have found out.
func (s *Store) Survey() store.Survey {
	if s.place == nil {
		return store.Survey{}
	}
	survey := s.place.survey()
	if damage := s.reader.damaged(); damage != nil && survey.Problem == nil {
		survey.Problem = damage
	}
	return survey
}

// Close waits for the writes that were begun or queued and closes the database.
// Further calls return the first one's result.
func (s *Store) Close() error {
	s.closeOnce.Do(func() { s.closeErr = s.close() })
	return s.closeErr
}

func (s *Store) close() error {
	var errs []error
	if s.writer != nil {
		s.writer.close()
	}
	if s.reader != nil {
		errs = append(errs, s.reader.close())
	}
	if s.writer != nil {
		errs = append(errs, s.rescue(), s.writer.session.close())
	}
	if s.db != nil {
		// As the last connection it copies what is left of the log.
		errs = append(errs, s.db.Close())
	}
	if s.place != nil {
		errs = append(errs, s.place.clear(), s.place.close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.release())
	}
	if s.codec != nil {
		errs = append(errs, s.codec.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close database %s: %w", s.path, err)
	}
	return nil
}
