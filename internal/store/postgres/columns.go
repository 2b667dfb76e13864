package postgres

import "github.com/pollwire/pollwire/internal/store/blob"

// blobColumns are snapshots, departed items or details by columns.
type blobColumns struct {
	source, key, format           []string
	version, at, encoding, length []int64
	blob, seen                    [][]byte
}

func (b *blobColumns) add(source string, version int64, row blob.Row) {
	b.source, b.key, b.format = append(b.source, source), append(b.key, row.Key), append(b.format, row.Format)
	b.version, b.at, b.encoding = append(b.version, version), append(b.at, row.At), append(b.encoding, int64(row.Encoding))
	b.blob, b.length, b.seen = append(b.blob, row.Blob), append(b.length, int64(len(row.Blob))), append(b.seen, row.Seen)
}

// keyColumns are keys of sources.
type keyColumns struct{ source, key []string }

func (k *keyColumns) add(source, key string) {
	k.source, k.key = append(k.source, source), append(k.key, key)
}

// lastOf returns the place of the last row of each key.
func lastOf(rows []blob.Row) map[string]int {
	last := make(map[string]int, len(rows))
	for i, row := range rows {
		last[row.Key] = i
	}
	return last
}
