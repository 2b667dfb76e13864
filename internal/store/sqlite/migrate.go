package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	versionTable  = "schema_version"
	applicationID = 1886350455 // "polw", as the first migration sets it
)

// Migration is a change of the schema, by its versions; 0 is that of an empty
// database.
type Migration struct{ From, To int64 }

func newProvider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
}

// migrate brings the schema up, each migration in a transaction of its own. It
// refuses, before it writes anything, a schema from the future and a database
// that is not pollwire's.
func migrate(ctx context.Context, db *sql.DB, path string, logger *slog.Logger) (Migration, error) {
	provider, err := newProvider(db)
	if err != nil {
		return Migration{}, fmt.Errorf("read migrations: %w", err)
	}
	from, err := schemaVersion(ctx, db, path, provider)
	if err != nil {
		return Migration{}, err
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return Migration{}, fmt.Errorf("migrate: %w", err)
	}
	for _, r := range results {
		logger.Info("database migrated", "path", path, "version", r.Source.Version, "duration", r.Duration)
	}
	return Migration{From: from, To: lastVersion(provider)}, nil
}

// checkSchema is migrate for one who may only look.
func checkSchema(ctx context.Context, db *sql.DB, path string) error {
	provider, err := newProvider(db)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	version, err := schemaVersion(ctx, db, path, provider)
	if err != nil {
		return err
	}
	if known := lastVersion(provider); version < known {
		return fmt.Errorf("schema version %d is older than %d, which this pollwire needs: start the daemon of this version first", version, known)
	}
	return nil
}

// schemaVersion returns the version of the schema, 0 of an empty database.
func schemaVersion(ctx context.Context, db *sql.DB, path string, provider *goose.Provider) (int64, error) {
	var id, tables, versioned int64
	const look = `SELECT (SELECT application_id FROM pragma_application_id), count(*),
		count(*) FILTER (WHERE name = '` + versionTable + `') FROM sqlite_schema
		WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`
	if err := db.QueryRowContext(ctx, look).Scan(&id, &tables, &versioned); err != nil {
		return 0, err
	}
	// A start that was killed between the two may have left the table of
	// versions alone, without our mark.
	if id != applicationID && (id != 0 || tables > versioned) {
		return 0, fmt.Errorf("it is the database of another program; give pollwire a file of its own")
	}
	if versioned == 0 {
		return 0, nil
	}
	var version int64
	if err := db.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM "+versionTable).Scan(&version); err != nil {
		return 0, err
	}
	if known := lastVersion(provider); version > known {
		return 0, &FutureSchemaError{Path: path, Database: version, Known: known}
	}
	return version, nil
}

// lastVersion is the newest migration that this program knows.
func lastVersion(provider *goose.Provider) int64 {
	sources := provider.ListSources()
	return sources[len(sources)-1].Version
}
