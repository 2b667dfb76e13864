package daemon

import (
	"context"
	"errors"
	"log/slog"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/store/postgres"
	"github.com/pollwire/pollwire/internal/store/sqlite"
	"github.com/pollwire/pollwire/internal/store/transfer"
)

// errBackup says why there is no backup of a server's database, and what makes one.
var errBackup = errors.New("backup copies SQLite databases only: storage.dsn names one of a PostgreSQL server, which has " +
	"its own means: pg_dump --format=custom --file=pollwire.dump writes a copy while pollwire runs, and pg_restore brings it back")

// Backup copies the database of a configuration into a file that must not be
// there yet, whether a daemon runs on it or not. progress, which may be nil, is
// told how many bytes of how many were copied.
func Backup(ctx context.Context, storage config.Storage, to string, progress func(copied, total int64)) (sqlite.Copied, error) {
	if storage.Engine() != config.SQLite {
		return sqlite.Copied{}, errBackup
	}
	return sqlite.Backup(ctx, sqlite.BackupOptions{Path: storage.Path(), To: to, Progress: progress})
}

// Migration is a change of the schema, by its versions; 0 is that of an empty
// database.
type Migration struct{ From, To int64 }

// Migrate brings the schema of a configuration's database up, which must be there. A
// SQLite database must not be in use; on one of a server nodes may run, also of the
// version before. A start does so too.
func Migrate(ctx context.Context, storage config.Storage, version string, logger *slog.Logger) (Migration, error) {
	if storage.Engine() == config.PostgreSQL {
		s, err := postgres.Open(ctx, postgres.Options{DSN: storage.DSN.Reveal(), Logger: logger})
		if err != nil {
			return Migration{}, err
		}
		return Migration(s.Migration()), s.Close()
	}
	s, err := sqlite.Open(ctx, sqlite.Options{Path: storage.Path(), Existing: true, Version: version, Logger: logger})
	if err != nil {
		return Migration{}, err
	}
	return Migration(s.Migration()), s.Close()
}

// Copy copies a database into an empty one of the other engine. No daemon may run
// on either. progress, which may be nil, is told how many rows of how many were
// copied or checked, and of which table.
func Copy(ctx context.Context, from, to, version string, progress func(table string, done, total int64)) (*transfer.Copied, error) {
	o := transfer.Options{From: from, To: to, Version: version}
	if progress != nil {
		o.Progress = func(p transfer.Progress) { progress(p.Table, p.Done, p.Total) }
	}
	return transfer.Copy(ctx, o)
}
