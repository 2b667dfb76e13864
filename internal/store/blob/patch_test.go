package blob

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pollwire/pollwire/internal/store/blob/blobtest"
)

func mustCodec(tb testing.TB) *Codec {
	tb.Helper()
	c, err := NewCodec()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func TestDelta(t *testing.T) {
	t.Parallel()
	c := mustCodec(t)
	doc := blobtest.NewDocument(300_000)
	before := doc.Body()
	after := func(change func()) []byte {
		change()
		return doc.Body()
	}
	page := []byte(strings.Repeat("every line of this page is the same line\n", 5000))
	for _, test := range []struct {
		name         string
		older, newer []byte
		want         Encoding
		most         int
	}{
		{"nothing changed", before, before, Patched, 20},
		{"values changed", before, after(doc.Change), Patched, 400},
		{"an item came, another went", before, after(doc.Shift), Patched, 800},
		{"all counters changed", before, after(doc.Count), Patched, 4000},
		{"another order", before, after(doc.Shuffle), Based, 9000},
		{"another document", before, blobtest.NewOther(300_000).Body(), Based, len(before) / 3},
		{"a page", page, append([]byte("a new first line\n"), page...), Patched, 40},
		{"a page that was longer", bytes.Repeat(page, 3), page, Patched, 40},
		{"all cut off but the end", page, page[len(page)-600:], Patched, 1000},
	} {
		enc, blob, ok := c.Delta(test.newer, test.older)
		if !ok || enc != test.want || len(blob) > test.most {
			t.Errorf("%s: encoding %d, %d bytes for %d, want Encoding %d and at most %d", test.name, enc, len(blob), len(test.older), test.want, test.most)
		}
		if got, err := c.Rebuild(enc, blob, test.newer); err != nil || !bytes.Equal(got, test.older) {
			t.Errorf("%s: rebuilt %d of %d bytes: %v", test.name, len(got), len(test.older), err)
		}
	}
}

func TestNoDelta(t *testing.T) {
	t.Parallel()
	c := mustCodec(t)
	long := blobtest.Noise(1, 5000)
	for name, test := range map[string]struct{ older, newer []byte }{
		"of nothing":       {nil, long},
		"from nothing":     {long, nil},
		"of a short one":   {long[:CompressFrom-1], long},
		"from a short one": {long, long[:CompressFrom-1]},
		"of two huge ones without anything in common": {blobtest.Noise(2, maxBased/2+1), blobtest.Noise(3, maxBased/2)},
	} {
		if enc, blob, ok := c.Delta(test.newer, test.older); ok {
			t.Errorf("%s: encoding %d, %d bytes", name, enc, len(blob))
		}
	}
}

// TestDeltaRoundTrip cuts bodies of pieces, so that they have much in common.
func TestDeltaRoundTrip(t *testing.T) {
	t.Parallel()
	c := mustCodec(t)
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 60), 1, 12).Draw(t, "pieces")
		draw := func(name string) []byte {
			body := bytes.Repeat([]byte("x"), CompressFrom)
			for _, piece := range rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 40).Draw(t, name) {
				body = append(body, piece...)
			}
			return body
		}
		newer, older := draw("newer"), draw("older")
		want := bytes.Clone(older)
		p, ok := makePatch(newer, older)
		if !ok {
			t.Fatal("no patch")
		}
		blobs := map[Encoding][]byte{Patched: c.encodePatch(p)}
		var err error
		if blobs[Based], err = c.encodeBased(newer, older); err != nil {
			t.Fatal(err)
		}
		clear(older) // no blob may share its memory
		for enc, blob := range blobs {
			if got, err := c.Rebuild(enc, blob, newer); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("encoding %d: %d bytes came back as %d: %v", enc, len(want), len(got), err)
			}
		}
	})
}

// TestPatchOfHostileBodies takes bodies whose words all have one hash, or begin
// as far too many others do. A search that grew with their square would take
// minutes.
func TestPatchOfHostileBodies(t *testing.T) {
	t.Parallel()
	const length = 1 << 20
	alike := func(every int, mark byte) []byte {
		body := bytes.Repeat([]byte("abcdefgh"), length/8)
		for at := 0; at < length; at += every {
			body[at] = mark
		}
		return body
	}
	for n, pair := range [][2][]byte{
		{make([]byte, length), make([]byte, length)},
		{alike(23, '1'), alike(23, '2')},
		{alike(31, '1'), alike(37, '2')},
		{alike(1000, '1'), alike(1001, '2')},
		{alike(24, '1'), blobtest.Noise(1, length)},
		{blobtest.Noise(2, length), blobtest.Noise(3, length)},
	} {
		p, ok := makePatch(pair[0], pair[1])
		if !ok {
			continue
		}
		if got, err := p.apply(pair[0]); err != nil || !bytes.Equal(got, pair[1]) {
			t.Errorf("pair %d: %v", n, err)
		}
	}
}

func TestDamagedDelta(t *testing.T) {
	t.Parallel()
	c := mustCodec(t)
	doc := blobtest.NewDocument(20_000)
	older := doc.Body()
	doc.Count()
	newer := doc.Body()
	p, _ := makePatch(newer, older)
	small, err := c.encodeBased(newer, older)
	if err != nil {
		t.Fatal(err)
	}
	for enc, blob := range map[Encoding][]byte{Patched: c.encodePatch(p), Based: small} {
		for at := range blob {
			for _, flip := range []byte{1, 0x80, 0xff} {
				bad := bytes.Clone(blob)
				bad[at] ^= flip
				if got, err := c.Rebuild(enc, bad, newer); err == nil && !bytes.Equal(got, older) {
					t.Fatalf("encoding %d: byte %d damaged: another body came of it", enc, at)
				}
			}
			if got, err := c.Rebuild(enc, blob[:at], newer); err == nil && !bytes.Equal(got, older) {
				t.Fatalf("encoding %d: the first %d bytes gave another body", enc, at)
			}
		}
		if _, err := c.Rebuild(enc, blob, newer[:len(newer)-2]); err == nil {
			t.Errorf("encoding %d was rebuilt from another body", enc)
		}
	}
	if _, err := c.Rebuild(7, nil, newer); err == nil {
		t.Error("an unknown encoding was rebuilt")
	}
}

// FuzzRebuild gives the decoders of deltas what no encoder made.
func FuzzRebuild(f *testing.F) {
	c := mustCodec(f)
	doc := blobtest.NewDocument(2000)
	older := doc.Body()
	doc.Count()
	newer := doc.Body()
	p, _ := makePatch(newer, older)
	small, err := c.encodeBased(newer, older)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(int64(Patched), c.encodePatch(p), newer)
	f.Add(int64(Based), small, newer)
	f.Add(int64(Patched), []byte{0xff, 0xff, 0xff, 0xff, 3, 0, 0, 0, 0, 0, 0, 0}, []byte("a"))
	f.Fuzz(func(t *testing.T, enc int64, blob, newer []byte) {
		body, err := c.Rebuild(Encoding(enc), blob, newer)
		if err == nil && len(body) > maxDelta || errors.Is(err, errPatch) && body != nil {
			t.Errorf("%d bytes, %v", len(body), err)
		}
	})
}

// FuzzDelta rebuilds what it has just made.
func FuzzDelta(f *testing.F) {
	c := mustCodec(f)
	doc := blobtest.NewDocument(2000)
	older := doc.Body()
	doc.Change()
	f.Add(doc.Body(), older)
	f.Add(slices.Concat(older, older), older)
	f.Fuzz(func(t *testing.T, newer, older []byte) {
		p, ok := makePatch(newer, older)
		if ok {
			if got, err := c.Rebuild(Patched, c.encodePatch(p), newer); err != nil || !bytes.Equal(got, older) {
				t.Errorf("patch: %d bytes came back as %d: %v", len(older), len(got), err)
			}
		}
		if enc, blob, ok := c.Delta(newer, older); ok {
			if got, err := c.Rebuild(enc, blob, newer); err != nil || !bytes.Equal(got, older) {
				t.Errorf("delta: %d bytes came back as %d: %v", len(older), len(got), err)
			}
		}
	})
}
