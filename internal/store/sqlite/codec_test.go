package sqlite

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCodec(t *testing.T) {
	t.Parallel()
	c, err := newCodec()
	must(t, err)
	t.Cleanup(func() { must(t, c.close()) })
	long := []byte(strings.Repeat(`{"id": 1}`, 1000))
	for _, test := range []struct {
		name string
		data []byte
		want encoding
	}{
		{"nothing", nil, plain},
		{"short", long[:compressFrom-1], plain},
		{"long", long, compressed},
		{"already compressed", c.encoder.EncodeAll([]byte(rapid.StringN(3000, -1, -1).Example(1)), nil), plain},
	} {
		enc, blob := c.encode(test.data)
		if enc != test.want || blob == nil {
			t.Errorf("%s: encoding %d, want %d", test.name, enc, test.want)
		}
		if got, err := c.decode(enc, blob); err != nil || !bytes.Equal(got, test.data) {
			t.Errorf("%s: decoded %d of %d bytes: %v", test.name, len(got), len(test.data), err)
		}
	}
	if _, err := c.decode(compressed, []byte("no zstd")); err == nil {
		t.Error("a damaged blob was decoded")
	}
	if _, err := c.decode(compressed, nil); err == nil {
		t.Error("a blob without a byte was decoded")
	}
	if _, err := c.decode(7, []byte("x")); err == nil {
		t.Error("an unknown encoding was decoded")
	}
}

func TestCodecRoundTrip(t *testing.T) {
	t.Parallel()
	c, err := newCodec()
	must(t, err)
	t.Cleanup(func() { must(t, c.close()) })
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "piece")
		data := bytes.Repeat(piece, rapid.IntRange(1, 100).Draw(t, "times"))
		enc, blob := c.encode(data)
		want := bytes.Clone(data)
		clear(data) // the blob must not share its memory
		if got, err := c.decode(enc, blob); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes came back as %d: %v", len(want), len(got), err)
		}
	})
}

func TestChunks(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 16, 17, 256, 257, 600} {
		values := make([]int, n)
		for i := range values {
			values[i] = i
		}
		var got []int
		for args := range chunks(values) {
			if !slices.Contains([]int{1, 16, 256}, len(args)) {
				t.Errorf("%d values: a list of %d", n, len(args))
			}
			for _, v := range args {
				got = append(got, v.(int))
			}
		}
		if got = slices.Compact(got); !slices.Equal(got, values) {
			t.Errorf("%d values came out as %v", n, got)
		}
	}
}

func TestMicros(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{{}, time.UnixMicro(1), time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2262, 1, 1, 1, 1, 1, 1000, time.FixedZone("", 3600))} {
		if got := fromMicros(micros(at)); !got.Equal(at) || !got.IsZero() && got.Location() != time.UTC {
			t.Errorf("%v came back as %v", at, got)
		}
	}
}
