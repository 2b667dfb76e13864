package daemon

import (
	"context"
	"errors"
	"log/slog"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/store/sqlite"
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

// Migrate brings the schema of a configuration's database up, which must be there
// and must not be in use. A start does so too.
func Migrate(ctx context.Context, storage config.Storage, version string, logger *slog.Logger) (sqlite.Migration, error) {
	s, err := sqlite.Open(ctx, sqlite.Options{Path: storage.Path(), Existing: true, Version: version, Logger: logger})
	if err != nil {
		return sqlite.Migration{}, err
	}
	return s.Migration(), s.Close()
}
