package transfer

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/pollwire/pollwire/internal/store"
)

// sum stands for the rows of a table, in whatever order they come.
type sum struct {
	rows  int64
	total uint64
}

// summer makes sums that can be compared with each other.
type summer struct{ hash maphash.Hash }

// add adds a row.
func (s *summer) add(to *sum, row store.Row) {
	s.hash.Reset()
	var number [8]byte
	for _, value := range row {
		switch v := value.(type) {
		case int64:
			binary.LittleEndian.PutUint64(number[:], uint64(v))
			_, _ = s.hash.Write(number[:]) // never fails
		case string:
			s.length(len(v))
			_, _ = s.hash.WriteString(v)
		case []byte:
			s.length(len(v))
			_, _ = s.hash.Write(v)
		}
	}
	to.rows++
	to.total += s.hash.Sum64()
}

// length keeps "a", "b" from being "ab", "".
func (s *summer) length(n int) {
	var number [8]byte
	binary.LittleEndian.PutUint64(number[:], uint64(n))
	_, _ = s.hash.Write(number[:])
}
