package blob

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"
)

const (
	// partFrom is the size below which a part of a patch never becomes smaller.
	partFrom = 64
	// basedShare is the share of a body beyond which its patch is large enough
	// for zstd to be asked as well: where little has changed, a patch is smaller
	// and takes a tenth of the time.
	basedShare = 128
	// maxBased bounds two bodies together of which zstd is asked, since it holds
	// several times as much.
	maxBased = 32 << 20
	// fastBased is the size up to which zstd's fastest level remembers enough of
	// a dictionary to find it again.
	fastBased = 256 << 10
)

// Delta returns the smaller one of what an older body can be rebuilt from with
// the help of a newer one; false when they are too small or too large for that.
// It never shares memory with either.
func (c *Codec) Delta(newer, older []byte) (Encoding, []byte, bool) {
	if min(len(newer), len(older)) < CompressFrom || max(len(newer), len(older)) > maxDelta {
		return 0, nil, false
	}
	p, ok := makePatch(newer, older)
	var blob []byte
	if ok {
		blob = c.encodePatch(p)
		if len(blob) < CompressFrom || len(blob) < len(older)/basedShare {
			return Patched, blob, true
		}
	}
	if len(newer)+len(older) > maxBased {
		return Patched, blob, ok
	}
	if small, err := c.encodeBased(newer, older); err == nil && (!ok || len(small) < len(blob)) {
		return Based, small, true
	}
	return Patched, blob, ok
}

// Rebuild returns the older body that Delta was given.
func (c *Codec) Rebuild(e Encoding, blob, newer []byte) ([]byte, error) {
	switch e {
	case Patched:
		p, err := decodePatch(blob)
		if err != nil {
			return nil, err
		}
		return p.apply(newer)
	case Based:
		return decodeZstd(blob, zstd.WithDecoderDictRaw(dictionary, newer))
	}
	return nil, fmt.Errorf("unknown encoding %d", e)
}

// IsDelta says whether a blob is a difference from the next version.
func (e Encoding) IsDelta() bool { return e == Patched || e == Based }

// dictionary is the number of the one dictionary that a frame can have.
const dictionary = 1

// encodeBased compresses an older body with a newer one as the dictionary. Its
// encoder holds several times both, so there is one at a time, and none is kept.
func (c *Codec) encodeBased(newer, older []byte) ([]byte, error) {
	level, reach := zstd.SpeedFastest, zstd.MinWindowSize
	if len(newer) > fastBased {
		level = zstd.SpeedBetterCompression
	}
	for reach < len(newer)+len(older) {
		reach *= 2
	}
	c.basing.Lock()
	defer c.basing.Unlock()
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(reach),
		zstd.WithLowerEncoderMem(true), zstd.WithEncoderLevel(level), zstd.WithEncoderDictRaw(dictionary, newer))
	if err != nil {
		return nil, fmt.Errorf("create encoder: %w", err)
	}
	return encoder.EncodeAll(older, nil), encoder.Close()
}

// encodePatch returns a patch as it is stored: the size of the older body, its
// checksum, the length of the steps as they are stored, how they and the
// literals are stored, then the steps and the literals.
func (c *Codec) encodePatch(p *patch) []byte {
	stepsEncoding, steps := c.encodePart(p.steps)
	literalsEncoding, literals := c.encodePart(p.literals)
	blob := binary.AppendUvarint(nil, uint64(p.size))
	blob = binary.LittleEndian.AppendUint32(blob, p.sum)
	blob = binary.AppendUvarint(blob, uint64(len(steps)))
	blob = append(blob, byte(stepsEncoding), byte(literalsEncoding))
	return slices.Concat(blob, steps, literals)
}

func (c *Codec) encodePart(part []byte) (Encoding, []byte) {
	if len(part) >= partFrom {
		if small := c.encoder.EncodeAll(part, nil); len(small) < len(part) {
			return Compressed, small
		}
	}
	return Plain, part
}

func decodePatch(blob []byte) (*patch, error) {
	size, n := binary.Uvarint(blob)
	if n <= 0 || size > maxDelta || len(blob)-n < 4 {
		return nil, errPatch
	}
	p := &patch{size: int(size), sum: binary.LittleEndian.Uint32(blob[n:])}
	blob = blob[n+4:]
	steps, n := binary.Uvarint(blob)
	if n <= 0 || len(blob)-n < 2 || steps > uint64(len(blob)-n-2) {
		return nil, errPatch
	}
	stepsEncoding, literalsEncoding, blob := Encoding(blob[n]), Encoding(blob[n+1]), blob[n+2:]
	var err error
	if p.steps, err = decodePart(stepsEncoding, blob[:steps]); err != nil {
		return nil, err
	}
	p.literals, err = decodePart(literalsEncoding, blob[steps:])
	return p, err
}

func decodePart(e Encoding, blob []byte) ([]byte, error) {
	switch e {
	case Plain:
		return blob, nil
	case Compressed:
		return decodeZstd(blob)
	}
	return nil, errPatch
}

// decodeZstd decompresses a part of a delta. Those are read rarely, so no
// decoder is kept for them; it allocates no more than a delta may come to.
func decodeZstd(blob []byte, options ...zstd.DOption) ([]byte, error) {
	decoder, err := zstd.NewReader(nil, append(options, zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxDelta))...)
	if err != nil {
		return nil, fmt.Errorf("create decoder: %w", err)
	}
	defer decoder.Close()
	return decompress(decoder, blob)
}
