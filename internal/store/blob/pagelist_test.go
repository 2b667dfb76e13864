package blob

import (
	"bytes"
	"fmt"
	"testing"
)

func FuzzDecodePages(f *testing.F) {
	f.Add([]byte{})
	f.Add(EncodePages([]int64{1, 300, 1 << 62}))
	f.Add(bytes.Repeat([]byte{0xff}, 12))
	f.Fuzz(func(t *testing.T, blob []byte) {
		ids, err := DecodePages(blob)
		if err != nil {
			return
		}
		again, err := DecodePages(EncodePages(ids))
		if err != nil || fmt.Sprint(again) != fmt.Sprint(ids) {
			t.Errorf("%v became %v: %v", ids, again, err)
		}
	})
}
