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
	r := rebuild{chain: s.codec.Chain()}
	_, err := list(ctx, s.reader, r.scan, lastSnapshot, source)
	if err == nil && r.snapshot.Version == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Snapshot{}, fmt.Errorf("read snapshot of source %s: %w", source, err)
	}
	return r.whole(ctx, s, source), nil
}

// Snapshots returns the versions of a source that are kept, oldest first.
func (s *Store) Snapshots(ctx context.Context, source string) ([]store.Version, error) {
	rows, err := list(ctx, s.reader, scanVersion, selectVersions, source)
	if err == nil {
		err = s.addPages(ctx, rows)
	}
	if err != nil {
		return nil, fmt.Errorf("read versions of source %s: %w", source, err)
	}
	found := make([]store.Version, len(rows))
	for i, row := range rows {
		found[i] = row.Version
	}
	return found, nil
}

// SnapshotAt returns a version of a source, or store.ErrNotFound.
func (s *Store) SnapshotAt(ctx context.Context, source string, version int64) (store.Snapshot, error) {
	r := rebuild{chain: s.codec.Chain()}
	_, err := list(ctx, s.reader, r.scan, rebuildFrom, source, version)
	if err == nil && r.snapshot.Version != version {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Snapshot{}, fmt.Errorf("read snapshot %d of source %s: %w", version, source, err)
	}
	return r.whole(ctx, s, source), nil
}

// rebuild is the last version that was read of those from which an older one is
// rebuilt.
type rebuild struct {
	snapshot store.Snapshot
	chain    *blob.Chain
}

// whole returns the version with the pages that it has.
func (r *rebuild) whole(ctx context.Context, s *Store, source string) store.Snapshot {
	r.snapshot.Body = r.chain.Body
	if r.chain.Pages != nil {
		r.snapshot.Pages = blob.NewPages(ctx, fmt.Sprintf("snapshot %d of source %s", r.snapshot.Version, source), r.chain.Pages, s.page)
	}
	return r.snapshot
}

// scan reads the next row, which a whole version or the difference from the one
// before it is in.
func (r *rebuild) scan(rows *sql.Rows) (struct{}, error) {
	var snap store.Snapshot
	var at int64
	var enc blob.Encoding
	var packed []byte
	if err := rows.Scan(&snap.Version, &at, &snap.Format, &enc, &packed); err != nil {
		return struct{}{}, err
	}
	snap.At = store.FromMicros(at)
	if err := r.chain.Add(snap.Version, snap.Version+1, enc, packed); err != nil {
		return struct{}{}, fmt.Errorf("version %d: %w", snap.Version, err)
	}
	r.snapshot = snap
	return struct{}{}, nil
}

// versionRow is a version and the numbers of the pages that it lists.
type versionRow struct {
	store.Version
	pages []int64
}

func scanVersion(rows *sql.Rows) (versionRow, error) {
	var v versionRow
	var at int64
	var pages []byte
	if err := rows.Scan(&v.Number, &at, &v.Format, &v.Stored, &pages); err != nil {
		return v, err
	}
	v.At = store.FromMicros(at)
	var err error
	if pages != nil {
		v.pages, err = blob.DecodePages(pages)
	}
	return v, err
}

// addPages adds to versions what their pages take, each to the newest version
// that lists it.
func (s *Store) addPages(ctx context.Context, versions []versionRow) error {
	owner := make(map[int64]int)
	var ids []int64
	for i := len(versions) - 1; i >= 0; i-- {
		for _, id := range versions[i].pages {
			if _, known := owner[id]; !known {
				owner[id], ids = i, append(ids, id)
			}
		}
	}
	scan := func(rows *sql.Rows) (struct{}, error) {
		var id, stored int64
		err := rows.Scan(&id, &stored)
		versions[owner[id]].Stored += stored
		return struct{}{}, err
	}
	for args := range chunks(ids) {
		if _, err := list(ctx, s.reader, scan, selectPageSizes+"("+placeholders(len(args))+")", args...); err != nil {
			return err
		}
	}
	return nil
}
