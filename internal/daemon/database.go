package daemon

import (
	"context"
	"log/slog"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/store/sqlite"
)

// Backup copies the database of a configuration into a file that must not be
// there yet, whether a daemon runs on it or not. progress, which may be nil, is
// told how many bytes of how many were copied.
func Backup(ctx context.Context, storage config.Storage, to string, progress func(copied, total int64)) (sqlite.Copied, error) {
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
