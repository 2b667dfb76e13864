package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pollwire/pollwire/internal/store"
)

const selectSource = `SELECT name, request_key, rules_key, version, sequence, etag, last_modified, raw_hash, cursor,
	alert_since, alert_failures, alert_reason, alert_told_at, accept_removal,
	coalesce((SELECT at FROM snapshots WHERE source = sources.name AND version = sources.version), 0) FROM sources`

// Source returns the row of a source, or store.ErrNotFound.
func (s *Store) Source(ctx context.Context, name string) (store.Source, error) {
	found, err := list(ctx, s.reader, scanSource, selectSource+" WHERE name = ?", name)
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Source{}, fmt.Errorf("read source %s: %w", name, err)
	}
	return found[0], nil
}

// Sources returns the rows of the named sources; without a name all, by name.
func (s *Store) Sources(ctx context.Context, names ...string) (found []store.Source, err error) {
	if len(names) == 0 {
		found, err = list(ctx, s.reader, scanSource, selectSource+" ORDER BY name")
	}
	for args := range chunks(names) {
		some, failure := list(ctx, s.reader, scanSource, selectSource+" WHERE name IN ("+placeholders(len(args))+")", args...)
		if err = failure; err != nil {
			break
		}
		found = append(found, some...)
	}
	if err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	return found, nil
}

// AcceptRemoval sets the AcceptRemoval of a source, or fails with store.ErrNotFound.
func (s *Store) AcceptRemoval(ctx context.Context, source string) error {
	err := s.write(ctx, 0, func(s *session) error {
		if n, err := s.change("UPDATE sources SET accept_removal = 1 WHERE name = ?", source); err != nil || n == 0 {
			return errOr(err, store.ErrNotFound)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("accept removal of source %s: %w", source, err)
	}
	return nil
}

func scanSource(rows *sql.Rows) (store.Source, error) {
	var src store.Source
	var rawHash []byte
	var since, told, changed int64
	err := rows.Scan(&src.Name, &src.RequestKey, &src.RulesKey, &src.Version, &src.Sequence,
		&src.State.ETag, &src.State.LastModified, &rawHash, &src.State.Cursor,
		&since, &src.Alert.Failures, &src.Alert.Reason, &told, &src.AcceptRemoval, &changed)
	src.State.RawHash = toHash(rawHash)
	src.Alert.Since, src.Alert.ToldAt, src.ChangedAt = store.FromMicros(since), store.FromMicros(told), store.FromMicros(changed)
	return src, err
}

// errOr returns err, or other where there is none.
func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
