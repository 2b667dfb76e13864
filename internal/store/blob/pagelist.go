package blob

import (
	"encoding/binary"
	"fmt"

	"github.com/pollwire/pollwire/internal/store"
)

// EncodePages returns the numbers of pages as a snapshot lists them.
func EncodePages(ids []int64) []byte {
	blob := make([]byte, 0, 4*len(ids))
	for _, id := range ids {
		blob = binary.AppendUvarint(blob, uint64(id))
	}
	return blob
}

var errPages = fmt.Errorf("damaged list of pages: %w", store.ErrDamaged)

// DecodePages returns the numbers that EncodePages was given, never nil.
func DecodePages(blob []byte) ([]int64, error) {
	ids := []int64{}
	for len(blob) > 0 {
		id, n := binary.Uvarint(blob)
		if n <= 0 || int64(id) <= 0 {
			return nil, errPages
		}
		ids, blob = append(ids, int64(id)), blob[n:]
	}
	return ids, nil
}
