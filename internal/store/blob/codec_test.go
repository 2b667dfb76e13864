package blob

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCodec(t *testing.T) {
	t.Parallel()
	c := mustCodec(t)
	long := []byte(strings.Repeat(`{"id": 1}`, 1000))
	for _, test := range []struct {
		name string
		data []byte
		want Encoding
	}{
		{"nothing", nil, Plain},
		{"short", long[:CompressFrom-1], Plain},
		{"long", long, Compressed},
		{"already compressed", c.encoder.EncodeAll([]byte(rapid.StringN(3000, -1, -1).Example(1)), nil), Plain},
	} {
		enc, blob := c.Encode(test.data)
		if enc != test.want || blob == nil {
			t.Errorf("%s: encoding %d, want %d", test.name, enc, test.want)
		}
		if got, err := c.Decode(enc, blob); err != nil || !bytes.Equal(got, test.data) {
			t.Errorf("%s: decoded %d of %d bytes: %v", test.name, len(got), len(test.data), err)
		}
	}
	if _, err := c.Decode(Compressed, []byte("no zstd")); err == nil {
		t.Error("a damaged blob was decoded")
	}
	if _, err := c.Decode(Compressed, nil); err == nil {
		t.Error("a blob without a byte was decoded")
	}
	if _, err := c.Decode(7, []byte("x")); err == nil {
		t.Error("an unknown encoding was decoded")
	}
}

func TestCodecRoundTrip(t *testing.T) {
	t.Parallel()
	c := mustCodec(t)
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "piece")
		data := bytes.Repeat(piece, rapid.IntRange(1, 100).Draw(t, "times"))
		enc, blob := c.Encode(data)
		want := bytes.Clone(data)
		clear(data) // the blob must not share its memory
		if got, err := c.Decode(enc, blob); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes came back as %d: %v", len(want), len(got), err)
		}
	})
}
