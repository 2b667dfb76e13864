package sqlite

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// encoding says how a blob is stored.
type encoding int64

const (
	plain      encoding = 0
	compressed encoding = 1
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
}

func newCodec() (*codec, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(window),
		zstd.WithLowerEncoderMem(true), zstd.WithEncoderLevel(zstd.SpeedFastest))
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
		data, err := c.decoder.DecodeAll(blob, nil)
		if err != nil {
			return nil, fmt.Errorf("decompress: %w", err)
		}
		return data, nil
	}
	return nil, errors.New("unknown encoding")
}
