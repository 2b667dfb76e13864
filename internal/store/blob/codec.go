// Package blob packs what engines store: compressed, or as a difference from what
// came after it. What it gave stands in databases of all engines alike.
package blob

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/pollwire/pollwire/internal/store"
)

// Encoding says how a blob is stored. Its numbers stand in databases.
type Encoding int64

const (
	// Plain blobs are the data itself.
	Plain Encoding = 0
	// Compressed blobs are a zstd frame.
	Compressed Encoding = 1
	// Patched blobs are a patch; see encodePatch. They and the next are differences of
	// a snapshot or a page from the next version of it, without which they say
	// nothing. No other table has them.
	Patched Encoding = 2
	// Based blobs are a zstd frame that has the next version as its raw dictionary.
	Based Encoding = 3
	// Listed blobs are the numbers of a snapshot's pages; see EncodePages.
	Listed Encoding = 4
)

const (
	// CompressFrom is the size below which compressing costs more than it saves.
	CompressFrom = 512
	// window bounds the memory of an encoder and a decoder; it is as far back
	// as a repetition is found.
	window = 1 << 20
)

// Codec compresses the blobs of a database. It may be used concurrently.
type Codec struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
	// basing is held by the one who has an encoder for a dictionary.
	basing sync.Mutex
}

// NewCodec returns a codec. Who makes it closes it.
func NewCodec() (*Codec, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(window),
		zstd.WithLowerEncoderMem(true), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithAllLitEntropyCompression(true))
	if err != nil {
		return nil, fmt.Errorf("create encoder: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("create decoder: %w", err)
	}
	return &Codec{encoder: encoder, decoder: decoder}, nil
}

// Close ends the codec. It is not used afterwards.
func (c *Codec) Close() error {
	c.decoder.Close()
	return c.encoder.Close()
}

// Encode returns a blob as it is to be stored. The result never shares memory
// with data: a caller whose context ended may use its buffer for something else
// while the write is still under way.
func (c *Codec) Encode(data []byte) (Encoding, []byte) {
	if len(data) >= CompressFrom {
		small := c.encoder.EncodeAll(data, nil)
		if len(small) < len(data)-len(data)/8 {
			return Compressed, small
		}
	}
	if data == nil {
		return Plain, []byte{}
	}
	return Plain, bytes.Clone(data)
}

// Decode returns what Encode was given, nil for nothing.
func (c *Codec) Decode(e Encoding, blob []byte) ([]byte, error) {
	switch {
	case e == Plain && len(blob) == 0:
		return nil, nil
	case e == Plain:
		return blob, nil
	case e == Compressed:
		return decompress(c.decoder, blob)
	}
	return nil, fmt.Errorf("unknown encoding %d: %w", e, store.ErrDamaged)
}

// decompress returns what a frame holds, or fails with store.ErrDamaged. To the
// decoder no frame at all is an empty one; here it is damage.
func decompress(decoder *zstd.Decoder, blob []byte) ([]byte, error) {
	err := io.ErrUnexpectedEOF
	if len(blob) > 0 {
		var data []byte
		if data, err = decoder.DecodeAll(blob, nil); err == nil {
			return data, nil
		}
	}
	return nil, fmt.Errorf("decompress: %w: %w", store.ErrDamaged, err)
}
