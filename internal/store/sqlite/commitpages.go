package sqlite

import (
	"database/sql"
	"errors"

	"github.com/pollwire/pollwire/internal/store/blob"
)

const (
	deleteVersions = "DELETE FROM snapshots WHERE source = ? AND version < ?"
	deleteListed   = deleteVersions + " RETURNING CASE encoding WHEN 4 THEN body END"
	selectListed   = "SELECT CASE encoding WHEN 4 THEN body END FROM snapshots WHERE source = ? AND version = ?"
)

// listPages takes from the loose pages those that the snapshot lists now.
func (r *commitRows) listPages(s *session) error {
	n, err := removeRows(s, "DELETE FROM loose_pages WHERE id IN ", r.Staging.Staged)
	if err == nil && n != int64(len(r.Staging.Staged)) {
		err = errors.New("pages that were written before it are missing")
	}
	return err
}

// deleteVersions removes the versions that are not kept. The pages that only
// they list become loose, and are removed afterwards: there may be many. Since
// a page is shared by versions that follow each other only, the oldest one that
// is kept lists what is still needed.
func (r *commitRows) deleteVersions(s *session) error {
	if r.Version <= r.Keep {
		return nil
	}
	oldest := r.Version - r.Keep + 1
	if !r.paged {
		_, err := s.exec(deleteVersions, r.Source.Name, oldest)
		return err
	}
	gone, err := selectRows(s, scanList, deleteListed, r.Source.Name, oldest)
	if err != nil {
		return err
	}
	var loose []int64
	for _, packed := range gone {
		// What a damaged list had stays behind: it must keep no change from
		// being committed.
		ids, _ := blob.DecodePages(packed)
		loose = append(loose, ids...)
	}
	if len(loose) == 0 {
		return nil
	}
	kept, err := selectRows(s, scanList, selectListed, r.Source.Name, oldest)
	if err != nil {
		return err
	}
	needed, known := neededPages(kept)
	if !known {
		return nil // so none of them is removed
	}
	return r.loosen(s, loose, needed)
}

// neededPages returns the pages that versions list; false where a list is damaged.
func neededPages(kept [][]byte) (map[int64]bool, bool) {
	needed := make(map[int64]bool)
	for _, packed := range kept {
		ids, err := blob.DecodePages(packed)
		if err != nil {
			return nil, false
		}
		for _, id := range ids {
			needed[id] = true
		}
	}
	return needed, true
}

// loosen makes pages loose, once each, but not those that are needed.
func (r *commitRows) loosen(s *session, ids []int64, needed map[int64]bool) error {
	var loose []int64
	var values []any
	for _, id := range ids {
		if !needed[id] {
			needed[id] = true // once is enough
			loose, values = append(loose, id), append(values, id)
		}
	}
	if err := s.insert(&bulk{into: "INSERT OR IGNORE INTO loose_pages (id)", columns: 1}, values); err != nil {
		return err
	}
	r.loose.Add(loose...)
	r.loosened = true
	return nil
}

// scanList returns the list of a version's pages, nil where it has one body.
func scanList(rows *sql.Rows) (packed []byte, err error) {
	err = rows.Scan(&packed)
	return packed, err
}
