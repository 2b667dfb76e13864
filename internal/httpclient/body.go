package httpclient

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

const (
	// firstBuffer is what a body's buffer begins with.
	firstBuffer = 16 << 10
	// maxTrusted bounds what a Content-Length makes us allocate before a byte came.
	maxTrusted = 1 << 20
	// maxPooled bounds the buffers that are kept for reuse.
	maxPooled = 4 << 20
	// maxDrain is how much of a body is read away so that its connection can be
	// reused; beyond it a new connection is cheaper.
	maxDrain = 64 << 10
	// maxLimit keeps sums of limits within an int64.
	maxLimit = 1 << 40
)

// ErrCompressedTooLarge says that a compressed body grew beyond any size that
// an honest encoder of a body within the limit gives.
var ErrCompressedTooLarge = errors.New("compressed body is larger than what it may hold")

// BodyTooLargeError says that a body exceeds its limit.
type BodyTooLargeError struct {
	// Limit is the most bytes allowed after decompression.
	Limit int64
}

// Error says how large the limit is and which key raises it.
func (e *BodyTooLargeError) Error() string {
	return fmt.Sprintf("body is larger than %d bytes after decompression: raise request.max_body_size", e.Limit)
}

// EncodingError says that a body has a content encoding that was not asked for.
type EncodingError struct{ Encoding string }

// Error names the encoding.
func (e *EncodingError) Error() string {
	return fmt.Sprintf("content encoding %q was not asked for and is not understood", e.Encoding)
}

// Body is a whole body in a pooled buffer.
type Body struct {
	// Bytes is the body, decompressed. It is invalid after Release.
	Bytes []byte
	pool  *sync.Pool
}

// Release gives the buffer back. It must be called at most once; a nil Body has
// nothing to release.
func (b *Body) Release() {
	if b == nil {
		return
	}
	if cap(b.Bytes) > maxPooled {
		b.Bytes = nil
	}
	b.pool.Put(b)
}

// BodyReader reads bodies into buffers that it reuses. Its zero value is ready.
type BodyReader struct {
	bodies    sync.Pool // *Body
	inflaters sync.Pool // *inflater
}

// ReadBody reads the body of an answer to its end and decompresses it. The
// caller still closes the answer's body, and releases what is returned.
//
// A body that ends before its Content-Length, its last chunk or its gzip
// trailer is an error, and so is one that is larger than limit bytes after
// decompression (*BodyTooLargeError); no more than that is ever held.
func (r *BodyReader) ReadBody(resp *http.Response, limit int64) (*Body, error) {
	limit = min(limit, maxLimit)
	src, done, err := r.decoded(resp, limit)
	if err != nil {
		return nil, err
	}
	defer done()
	b, _ := r.bodies.Get().(*Body)
	if b == nil {
		b = &Body{pool: &r.bodies}
	}
	b.Bytes = b.Bytes[:0]
	if want := min(max(resp.ContentLength+1, firstBuffer), limit+1, maxTrusted); int64(cap(b.Bytes)) < want {
		b.Bytes = make([]byte, 0, want)
	}
	if b.Bytes, err = readWithin(src, b.Bytes, limit); err != nil {
		b.Release()
		return nil, fmt.Errorf("read body: %w", err)
	}
	return b, nil
}

// ReadStart reads up to limit bytes of an answer's body, decompressed, for
// showing it to a person: whatever stops it, what came so far is returned. cut
// says that there may be more. The rest is read away as far as that is cheap;
// the caller closes the body.
func (r *BodyReader) ReadStart(resp *http.Response, limit int64) (start []byte, cut bool) {
	limit = min(limit, maxLimit)
	src, done, err := r.decoded(resp, max(limit, maxDrain))
	if err != nil {
		return nil, true
	}
	defer done()
	start, err = io.ReadAll(io.LimitReader(src, limit))
	cut = err != nil || int64(len(start)) == limit
	if err == nil {
		Drain(resp)
	}
	return start, cut
}

// Drain reads the rest of an answer's body, if it is short, so that the
// connection can be reused.
func Drain(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, maxDrain) // a failure costs the connection, no more
}

// Compressed reports whether an answer's body is in gzip, whose trailer tells a
// whole body from a cut one.
func Compressed(resp *http.Response) bool {
	encoding := resp.Header.Get("Content-Encoding")
	return strings.EqualFold(encoding, "gzip") || strings.EqualFold(encoding, "x-gzip")
}

// readWithin appends src to buf until its end, and fails beyond limit bytes.
func readWithin(src io.Reader, buf []byte, limit int64) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = grow(buf, limit)
		}
		room := buf[len(buf):min(int64(cap(buf)), limit+1)]
		n, err := src.Read(room)
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return buf, &BodyTooLargeError{Limit: limit}
		}
		switch {
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		}
	}
}

// grow doubles a buffer, up to one byte more than limit.
func grow(buf []byte, limit int64) []byte {
	size := min(max(int64(cap(buf))*2, firstBuffer), limit+1)
	return append(make([]byte, 0, size), buf...)
}

// decoded returns the reader of the decompressed body, and what to call when it
// is not read any more.
func (r *BodyReader) decoded(resp *http.Response, limit int64) (io.Reader, func(), error) {
	if !Compressed(resp) {
		if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
			return nil, nil, &EncodingError{Encoding: encoding}
		}
		return resp.Body, nothing, nil
	}
	in, _ := r.inflaters.Get().(*inflater)
	if in == nil {
		in = new(inflater)
	}
	in.reset(resp.Body, limit)
	return in, func() {
		in.reset(nil, 0) // lets go of the connection
		r.inflaters.Put(in)
	}, nil
}

func nothing() {}

// inflater decompresses gzip from a source whose length it bounds: a stream of
// empty members would otherwise never reach the limit of what comes out.
type inflater struct {
	gz      gzip.Reader
	src     io.Reader
	left    int64
	started bool
}

func (in *inflater) reset(src io.Reader, limit int64) {
	in.src, in.started = src, false
	in.left = 2*limit + firstBuffer
}

// Read reads decompressed bytes. A source without a byte is an empty body.
func (in *inflater) Read(p []byte) (int, error) {
	if !in.started {
		if err := in.gz.Reset(compressed{in}); err != nil {
			return 0, err
		}
		in.started = true
	}
	return in.gz.Read(p)
}

// compressed is the compressed side of an inflater.
type compressed struct{ in *inflater }

func (c compressed) Read(p []byte) (int, error) {
	if c.in.left <= 0 {
		return 0, ErrCompressedTooLarge
	}
	n, err := c.in.src.Read(p[:min(int64(len(p)), c.in.left)])
	c.in.left -= int64(n)
	return n, err
}
