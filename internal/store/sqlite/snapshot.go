package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
)

const (
	selectSnapshot = "SELECT version, at, format, encoding, body FROM snapshots"
	lastSnapshot   = selectSnapshot + " WHERE source = ? ORDER BY version DESC LIMIT 1"
	// listedPages selects a version only where it has several pages.
	listedPages = selectSnapshot + " WHERE source = ? AND version = ? AND encoding = 4"
	// rebuildFrom selects what a version is rebuilt from: the next one that is
	// whole, then all down to the version itself.
	rebuildFrom = selectSnapshot + ` WHERE source = ?1 AND version BETWEEN ?2 AND
		(SELECT version FROM snapshots WHERE source = ?1 AND version >= ?2 AND encoding IN (0, 1, 4) ORDER BY version LIMIT 1)
		ORDER BY version DESC`
	// selectVersions gives the body only where it lists pages.
	selectVersions = `SELECT version, at, format, length(body), CASE encoding WHEN 4 THEN body END
		FROM snapshots WHERE source = ? ORDER BY version`
)

// Snapshot returns the last snapshot of a source, or store.ErrNotFound.
func (s *Store) Snapshot(ctx context.Context, source string) (store.Snapshot, error) {
	r := s.codec.SnapshotChain()
	_, err := list(ctx, s.reader, scanSnapshot(r), lastSnapshot, source)
	if err == nil && r.Version() == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Snapshot{}, fmt.Errorf("read snapshot of source %s: %w", source, err)
	}
	return r.Whole(ctx, source, s.page), nil
}

// Snapshots returns the versions of a source that are kept, oldest first.
func (s *Store) Snapshots(ctx context.Context, source string) ([]store.Version, error) {
	var v blob.Versions
	_, err := list(ctx, s.reader, scanVersion(&v), selectVersions, source)
	if err == nil {
		err = s.addPages(ctx, &v)
	}
	if err != nil {
		return nil, fmt.Errorf("read versions of source %s: %w", source, err)
	}
	return v.Kept(), nil
}

// SnapshotAt returns a version of a source, or store.ErrNotFound.
func (s *Store) SnapshotAt(ctx context.Context, source string, version int64) (store.Snapshot, error) {
	r := s.codec.SnapshotChain()
	_, err := list(ctx, s.reader, scanSnapshot(r), rebuildFrom, source, version)
	if err == nil && r.Version() != version {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Snapshot{}, fmt.Errorf("read snapshot %d of source %s: %w", version, source, err)
	}
	return r.Whole(ctx, source, s.page), nil
}

// scanSnapshot adds the next row, which a whole version or the difference from the
// one after it is in.
func scanSnapshot(to *blob.SnapshotChain) func(*sql.Rows) (struct{}, error) {
	return func(rows *sql.Rows) (struct{}, error) {
		var snap store.Snapshot
		var at int64
		var enc blob.Encoding
		var packed []byte
		if err := rows.Scan(&snap.Version, &at, &snap.Format, &enc, &packed); err != nil {
			return struct{}{}, err
		}
		snap.At = store.FromMicros(at)
		return struct{}{}, to.Add(snap, enc, packed)
	}
}

// scanVersion adds the next row, which a version and the list of its pages are in.
func scanVersion(to *blob.Versions) func(*sql.Rows) (struct{}, error) {
	return func(rows *sql.Rows) (struct{}, error) {
		var v store.Version
		var at int64
		var pages []byte
		if err := rows.Scan(&v.Number, &at, &v.Format, &v.Stored, &pages); err != nil {
			return struct{}{}, err
		}
		v.At = store.FromMicros(at)
		return struct{}{}, to.Add(v, pages)
	}
}

// addPages adds to versions what their pages take.
func (s *Store) addPages(ctx context.Context, to *blob.Versions) error {
	scan := func(rows *sql.Rows) (struct{}, error) {
		var id, stored int64
		err := rows.Scan(&id, &stored)
		if err == nil {
			to.AddPage(id, stored)
		}
		return struct{}{}, err
	}
	for args := range chunks(to.Pages()) {
		if _, err := list(ctx, s.reader, scan, selectPageSizes+"("+placeholders(len(args))+")", args...); err != nil {
			return err
		}
	}
	return nil
}
