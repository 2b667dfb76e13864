package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	selectSnapshot = "SELECT version, at, format, encoding, body FROM snapshots"
	lastSnapshot   = selectSnapshot + " WHERE source = ? ORDER BY version DESC LIMIT 1"
	// rebuildFrom selects what a version is rebuilt from: the next one that is
	// whole, then all down to the version itself.
	rebuildFrom = selectSnapshot + ` WHERE source = ?1 AND version BETWEEN ?2 AND
		(SELECT version FROM snapshots WHERE source = ?1 AND version >= ?2 AND encoding IN (0, 1) ORDER BY version LIMIT 1)
		ORDER BY version DESC`
	selectVersions = "SELECT version, at, format, length(body) FROM snapshots WHERE source = ? ORDER BY version"
)

// Snapshot returns the last snapshot of a source, or store.ErrNotFound.
func (s *Store) Snapshot(ctx context.Context, source string) (store.Snapshot, error) {
	var r rebuild
	_, err := list(ctx, s.reader, r.scan(s.codec), lastSnapshot, source)
	if err == nil && r.snapshot.Version == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Snapshot{}, fmt.Errorf("read snapshot of source %s: %w", source, err)
	}
	return r.snapshot, nil
}

// Snapshots returns the versions of a source that are kept, oldest first.
func (s *Store) Snapshots(ctx context.Context, source string) ([]store.Version, error) {
	found, err := list(ctx, s.reader, scanVersion, selectVersions, source)
	if err != nil {
		return nil, fmt.Errorf("read versions of source %s: %w", source, err)
	}
	return found, nil
}

// SnapshotAt returns a version of a source, or store.ErrNotFound.
func (s *Store) SnapshotAt(ctx context.Context, source string, version int64) (store.Snapshot, error) {
	var r rebuild
	_, err := list(ctx, s.reader, r.scan(s.codec), rebuildFrom, source, version)
	if err == nil && r.snapshot.Version != version {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Snapshot{}, fmt.Errorf("read snapshot %d of source %s: %w", version, source, err)
	}
	return r.snapshot, nil
}

// rebuild is the last version that was read of those from which an older one is
// rebuilt. There is one at a time: they may be many, and large.
type rebuild struct {
	snapshot store.Snapshot
}

// scan reads the next row, which a whole version or the difference from the one
// before it is in.
func (r *rebuild) scan(c *codec) func(*sql.Rows) (struct{}, error) {
	return func(rows *sql.Rows) (struct{}, error) {
		var snap store.Snapshot
		var at int64
		var enc encoding
		var blob []byte
		err := rows.Scan(&snap.Version, &at, &snap.Format, &enc, &blob)
		if err != nil {
			return struct{}{}, err
		}
		snap.At = fromMicros(at)
		switch next := r.snapshot; {
		case !enc.isDelta():
			snap.Body, err = c.decode(enc, blob)
		case next.Version != snap.Version+1:
			err = errors.New("the version after it, from which it is rebuilt, is missing")
		default:
			snap.Body, err = c.rebuild(enc, blob, next.Body)
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("version %d: %w", snap.Version, err)
		}
		r.snapshot = snap
		return struct{}{}, nil
	}
}

func scanVersion(rows *sql.Rows) (store.Version, error) {
	var v store.Version
	var at int64
	err := rows.Scan(&v.Number, &at, &v.Format, &v.Stored)
	v.At = fromMicros(at)
	return v, err
}
