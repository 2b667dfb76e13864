package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	selectSource = `SELECT s.name, s.request_key, s.rules_key, s.version, s.sequence, s.etag, s.last_modified, s.raw_hash, s.cursor,
		s.alert_since, s.alert_failures, s.alert_reason, s.alert_told_at, s.accept_removal, coalesce(l.at, 0)
		FROM sources s LEFT JOIN snapshots l ON l.source = s.name AND l.version = s.version`
	acceptRemoval = "UPDATE sources SET accept_removal = 1 WHERE name = $1"
)

// Source returns the row of a source, or store.ErrNotFound.
func (s *Store) Source(ctx context.Context, name string) (store.Source, error) {
	found, err := list(ctx, s, scanSource, selectSource+" WHERE s.name = $1", text(name))
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Source{}, fmt.Errorf("read source %s: %w", name, err)
	}
	return found[0], nil
}

// Sources returns the rows of the named sources; without a name all, by name.
func (s *Store) Sources(ctx context.Context, names ...string) ([]store.Source, error) {
	query, args := selectSource, []any{}
	if len(names) > 0 {
		query, args = selectSource+" WHERE s.name = ANY($1)", []any{texts(names)}
	}
	found, err := list(ctx, s, scanSource, query+" ORDER BY s.name", args...)
	if err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	return found, nil
}

// AcceptRemoval sets the AcceptRemoval of a source, or fails with store.ErrNotFound.
// It is an operator's word, which any node takes.
func (s *Store) AcceptRemoval(ctx context.Context, source string) error {
	err := s.write(ctx, nil, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, acceptRemoval, text(source))
		if err == nil && tag.RowsAffected() == 0 {
			err = store.ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("accept removal of source %s: %w", source, err)
	}
	return nil
}

func scanSource(rows pgx.Rows) (store.Source, error) {
	var src store.Source
	var rawHash []byte
	err := rows.Scan((*stored)(&src.Name), (*stored)(&src.RequestKey), (*stored)(&src.RulesKey), &src.Version, &src.Sequence,
		(*stored)(&src.State.ETag), (*stored)(&src.State.LastModified), &rawHash, (*stored)(&src.State.Cursor),
		(*moment)(&src.Alert.Since), &src.Alert.Failures, (*stored)(&src.Alert.Reason), (*moment)(&src.Alert.ToldAt),
		(*flag)(&src.AcceptRemoval), (*moment)(&src.ChangedAt))
	src.State.RawHash = toHash(rawHash)
	return src, err
}
