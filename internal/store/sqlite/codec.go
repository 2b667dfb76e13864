package sqlite

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/pollwire/pollwire/internal/store"
)

// encoding says how a blob is stored. Its numbers stand in databases.
type encoding int64

const (
	// plain blobs are the data itself.
	plain encoding = 0
	// compressed blobs are a zstd frame.
	compressed encoding = 1
	// The next two are differences of a snapshot or a page from the next version
	// of it, without which they say nothing. No other table has them.
	//
	// patched blobs are a patch; see codec.encodePatch.
	patched encoding = 2
	// based blobs are a zstd frame that has the next version as its raw dictionary.
	based encoding = 3
	// listed blobs are the numbers of a snapshot's pages; see encodePages.
	listed encoding = 4
)

const (
	// compressFrom is the size below which compressing costs more than it saves.
	compressFrom = 512
	// window bounds the memory of an encoder and a decoder; it is as far back
	// as a repetition is found.
	window = 1 << 20
)

// codec compresses the blobs of a database. It may be used concurrently.
type codec struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
	// basing is held by the one who has an encoder for a dictionary.
	basing sync.Mutex
}

func newCodec() (*codec, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(window),
		zstd.WithLowerEncoderMem(true), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithAllLitEntropyCompression(true))
	if err != nil {
		return nil, fmt.Errorf("create encoder: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("create decoder: %w", err)
	}
	return &codec{encoder: encoder, decoder: decoder}, nil
}

func (c *codec) close() error {
	c.decoder.Close()
	return c.encoder.Close()
}

// encode returns a blob as it is to be stored. The result never shares memory
// with data: a caller whose context ended may use its buffer for something else
// while the write is still under way.
func (c *codec) encode(data []byte) (encoding, []byte) {
	if len(data) >= compressFrom {
		small := c.encoder.EncodeAll(data, nil)
		if len(small) < len(data)-len(data)/8 {
			return compressed, small
		}
	}
	if data == nil {
		return plain, []byte{}
	}
	return plain, bytes.Clone(data)
}

// decode returns what encode was given, nil for nothing.
func (c *codec) decode(e encoding, blob []byte) ([]byte, error) {
	switch {
	case e == plain && len(blob) == 0:
		return nil, nil
	case e == plain:
		return blob, nil
	case e == compressed:
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
