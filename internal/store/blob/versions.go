package blob

import "github.com/pollwire/pollwire/internal/store"

// Versions are those of a source that are kept, with what they and their pages take.
// The zero one has none.
type Versions struct {
	kept []store.Version
	// owner says which version a page counts for.
	owner map[int64]int
	pages []int64
}

// Add adds the version after those that it has. Packed are the numbers of its pages as
// they are stored, nil where it has one body.
func (v *Versions) Add(version store.Version, packed []byte) error {
	if packed != nil {
		ids, err := DecodePages(packed)
		if err != nil {
			return err
		}
		v.own(ids)
	}
	v.kept = append(v.kept, version)
	return nil
}

// own gives pages to the next version, and takes them from older ones.
func (v *Versions) own(ids []int64) {
	if v.owner == nil {
		v.owner = make(map[int64]int)
	}
	for _, id := range ids {
		if _, known := v.owner[id]; !known {
			v.pages = append(v.pages, id)
		}
		v.owner[id] = len(v.kept)
	}
}

// Pages are the numbers of all pages that they list, once each.
func (v *Versions) Pages() []int64 { return v.pages }

// AddPage adds what a page takes, in bytes, to the newest version that lists it.
func (v *Versions) AddPage(id, stored int64) { v.kept[v.owner[id]].Stored += stored }

// Kept returns the versions in the order in which they were added, never nil.
func (v *Versions) Kept() []store.Version {
	return append([]store.Version{}, v.kept...)
}
