package transfer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pollwire/pollwire/internal/store/postgres"
	"github.com/pollwire/pollwire/internal/store/sqlite"
)

var (
	_ origin = (*sqlite.Dump)(nil)
	_ origin = (*postgres.Dump)(nil)
	_ target = (*sqlite.Load)(nil)
	_ target = (*postgres.Load)(nil)
)

// open opens both databases.
func open(ctx context.Context, o Options) (origin, target, error) {
	fromFile, fromSQLite := strings.CutPrefix(o.From, "sqlite:")
	toFile, toSQLite := strings.CutPrefix(o.To, "sqlite:")
	switch {
	case !fromSQLite && !isPostgres(o.From):
		return nil, nil, errors.New("the database to copy from is " + forms)
	case !toSQLite && !isPostgres(o.To):
		return nil, nil, errors.New("the database to copy to is " + forms)
	case fromSQLite && toSQLite:
		return nil, nil, errors.New("both are SQLite databases: pollwire backup copies one of these")
	case !fromSQLite && !toSQLite:
		return nil, nil, errors.New("both are PostgreSQL databases: pg_dump and pg_restore copy one of these")
	}
	if fromSQLite {
		return pair(func() (*sqlite.Dump, error) { return sqlite.OpenDump(ctx, fromFile, o.Version) },
			func() (*postgres.Load, error) { return postgres.OpenLoad(ctx, postgres.Options{DSN: o.To}) })
	}
	return pair(func() (*postgres.Dump, error) { return postgres.OpenDump(ctx, postgres.Options{DSN: o.From}) },
		func() (*sqlite.Load, error) { return sqlite.CreateLoad(ctx, toFile, o.Version) })
}

// forms is what a DSN may be. One that is neither is not repeated: it may hold a
// password.
const forms = "neither sqlite: and the path of a file, nor postgres://user@host/database"

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// pair opens one database and then the other, or none.
func pair[F origin, T target](first func() (F, error), second func() (T, error)) (origin, target, error) {
	from, err := first()
	if err != nil {
		return nil, nil, fmt.Errorf("copy from: %w", err)
	}
	to, err := second()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("copy to: %w", err), from.Close())
	}
	return from, to, nil
}
