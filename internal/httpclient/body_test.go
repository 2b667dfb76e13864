package httpclient

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func zip(tb testing.TB, body []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(body); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// answerOf is an answer with a body, as net/http hands it over.
func answerOf(body io.Reader, encoding string) *http.Response {
	resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, ContentLength: -1, Body: io.NopCloser(body)}
	if encoding != "" {
		resp.Header.Set("Content-Encoding", encoding)
	}
	return resp
}

func TestReadBody(t *testing.T) {
	t.Parallel()
	var r BodyReader
	for _, size := range []int{0, 1, 100, firstBuffer - 1, firstBuffer, firstBuffer + 1, 300_000, maxTrusted + 5} {
		want := bytes.Repeat([]byte("abcdefg"), size/7+1)[:size]
		for _, encoding := range []string{"", "identity", "gzip", "GZIP", "x-gzip"} {
			wire := want
			if strings.Contains(strings.ToLower(encoding), "gzip") {
				wire = zip(t, want)
			}
			for _, known := range []bool{false, true} {
				resp := answerOf(iotest.HalfReader(bytes.NewReader(wire)), encoding)
				if known {
					resp.ContentLength = int64(len(wire))
				}
				body, err := r.ReadBody(resp, int64(size))
				if err != nil {
					t.Fatalf("%d bytes, encoding %q: %v", size, encoding, err)
				}
				if !bytes.Equal(body.Bytes, want) {
					t.Errorf("%d bytes, encoding %q: body differs", size, encoding)
				}
				body.Release()
			}
		}
	}
}

// Whatever the body and the limit: it is whole, or it is an error, and the limit
// is exact on both sides.
func TestReadBodyLimitIsExact(t *testing.T) {
	t.Parallel()
	var r BodyReader
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "body")
		limit := rapid.Int64Range(0, 2000).Draw(t, "limit")
		encoding := ""
		wire := want
		if rapid.Bool().Draw(t, "gzip") {
			encoding = "gzip"
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			_, _ = w.Write(want)
			_ = w.Close()
			wire = b.Bytes()
		}
		body, err := r.ReadBody(answerOf(bytes.NewReader(wire), encoding), limit)
		if int64(len(want)) > limit {
			tooLarge, ok := errors.AsType[*BodyTooLargeError](err)
			if !ok || tooLarge.Limit != limit {
				t.Fatalf("body of %d with limit %d: %v", len(want), limit, err)
			}
			return
		}
		if err != nil || !bytes.Equal(body.Bytes, want) {
			t.Fatalf("body of %d with limit %d: %v", len(want), limit, err)
		}
		body.Release()
	})
}

func TestReadBodyTooLargeNamesLimitAndKey(t *testing.T) {
	t.Parallel()
	var r BodyReader
	_, err := r.ReadBody(answerOf(strings.NewReader("123456"), ""), 5)
	if err == nil || !strings.Contains(err.Error(), "5 bytes") || !strings.Contains(err.Error(), "request.max_body_size") {
		t.Errorf("error %q names neither limit nor key", err)
	}
	// A limit that no machine can hold is no overflow.
	body, err := r.ReadBody(answerOf(strings.NewReader("123456"), ""), 1<<63-1)
	if err != nil {
		t.Fatal(err)
	}
	body.Release()
}

// zeros is a source without an end, which counts what was taken of it.
type zeros struct{ read int64 }

func (z *zeros) Read(p []byte) (int, error) {
	clear(p)
	z.read += int64(len(p))
	return len(p), nil
}

func TestReadBodyStopsAtLimit(t *testing.T) {
	t.Parallel()
	var r BodyReader
	var endless zeros
	_, err := r.ReadBody(answerOf(&endless, ""), 1<<20)
	if _, ok := errors.AsType[*BodyTooLargeError](err); !ok {
		t.Fatalf("endless body: %v", err)
	}
	if endless.read > 1<<20+1 {
		t.Errorf("%d bytes were read for a limit of 1 MiB", endless.read)
	}
}

func TestReadBodyBomb(t *testing.T) {
	t.Parallel()
	bomb := zip(t, make([]byte, 8<<20))
	var r BodyReader
	_, err := r.ReadBody(answerOf(bytes.NewReader(bomb), "gzip"), 1<<20)
	if _, ok := errors.AsType[*BodyTooLargeError](err); !ok {
		t.Fatalf("a bomb of %d bytes: %v", len(bomb), err)
	}
}

// repeat is a reader of the same bytes again and again.
type repeat struct {
	piece []byte
	at    int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.piece[r.at:])
	r.at = (r.at + n) % len(r.piece)
	return n, nil
}

// A stream of empty gzip members never reaches a limit of what comes out.
func TestReadBodyEndlessEmptyMembers(t *testing.T) {
	t.Parallel()
	var r BodyReader
	_, err := r.ReadBody(answerOf(&repeat{piece: zip(t, nil)}, "gzip"), 1<<10)
	if !errors.Is(err, ErrCompressedTooLarge) {
		t.Errorf("endless empty members: %v", err)
	}
}

func TestReadBodyCutGzip(t *testing.T) {
	t.Parallel()
	var r BodyReader
	whole := zip(t, []byte(strings.Repeat("a body worth compressing ", 40)))
	for n := 1; n < len(whole); n++ {
		if body, err := r.ReadBody(answerOf(bytes.NewReader(whole[:n]), "gzip"), 1<<20); err == nil {
			t.Errorf("cut after %d of %d bytes: a body of %d bytes", n, len(whole), len(body.Bytes))
		}
	}
	for i := range whole {
		if i >= 4 && i <= 9 {
			continue // time and origin in the header are not protected
		}
		broken := bytes.Clone(whole)
		broken[i] ^= 0x10
		body, err := r.ReadBody(answerOf(bytes.NewReader(broken), "gzip"), 1<<20)
		if err == nil && string(body.Bytes) != strings.Repeat("a body worth compressing ", 40) {
			t.Errorf("byte %d broken: another body was returned", i)
		}
	}
	if _, err := r.ReadBody(answerOf(strings.NewReader(string(whole)+"garbage"), "gzip"), 1<<20); err == nil {
		t.Error("garbage after the trailer was taken")
	}
}

func TestReadBodyUnknownEncoding(t *testing.T) {
	t.Parallel()
	var r BodyReader
	for _, encoding := range []string{"br", "deflate", "gzip, gzip"} {
		_, err := r.ReadBody(answerOf(strings.NewReader("x"), encoding), 10)
		if e, ok := errors.AsType[*EncodingError](err); !ok || e.Encoding != encoding || !strings.Contains(err.Error(), encoding) {
			t.Errorf("encoding %q: %v", encoding, err)
		}
	}
}

func TestReadBodyPassesErrorsOn(t *testing.T) {
	t.Parallel()
	var r BodyReader
	broken := errors.New("connection reset")
	_, err := r.ReadBody(answerOf(io.MultiReader(strings.NewReader("begin"), iotest.ErrReader(broken)), ""), 100)
	if !errors.Is(err, broken) {
		t.Errorf("ReadBody = %v, want the reader's error", err)
	}
}

// A Content-Length is a claim, not a reason to allocate.
func TestReadBodyDoesNotTrustContentLength(t *testing.T) {
	t.Parallel()
	var r BodyReader
	resp := answerOf(strings.NewReader("small"), "")
	resp.ContentLength = 1 << 35
	body, err := r.ReadBody(resp, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	if cap(body.Bytes) > maxTrusted {
		t.Errorf("%d bytes were allocated for five", cap(body.Bytes))
	}
	body.Release()
}

func TestReleaseDropsHugeBuffers(t *testing.T) {
	t.Parallel()
	var r BodyReader
	body, err := r.ReadBody(answerOf(bytes.NewReader(make([]byte, maxPooled+1)), ""), maxPooled+1)
	if err != nil {
		t.Fatal(err)
	}
	body.Release()
	if body.Bytes != nil {
		t.Error("a huge buffer went back into the pool")
	}
	(*Body)(nil).Release()
}

func TestReadStart(t *testing.T) {
	t.Parallel()
	var r BodyReader
	long := strings.Repeat("long ", 1000)
	tests := []struct {
		name, encoding string
		body           io.Reader
		want           string
		cut            bool
	}{
		{"short", "", strings.NewReader("gone"), "gone", false},
		{"empty", "", strings.NewReader(""), "", false},
		{"long", "", strings.NewReader(long), long[:100], true},
		{"gzip", "gzip", bytes.NewReader(zip(t, []byte(long))), long[:100], true},
		{"broken", "", io.MultiReader(strings.NewReader("begin"), iotest.ErrReader(io.ErrUnexpectedEOF)), "begin", true},
		{"not gzip", "gzip", strings.NewReader("<html>"), "", true},
		{"brotli", "br", strings.NewReader("x"), "", true},
	}
	for _, tt := range tests {
		start, cut := r.ReadStart(answerOf(tt.body, tt.encoding), 100)
		if string(start) != tt.want || cut != tt.cut {
			t.Errorf("%s: ReadStart = %q, %t, want %q, %t", tt.name, start, cut, tt.want, tt.cut)
		}
	}
}

// Reading a body into a pooled buffer costs no allocation, but for the code
// tables that compress/flate makes anew for each block.
func TestReadBodyAllocates(t *testing.T) {
	var r BodyReader
	plain := []byte(strings.Repeat("0123456789", 1000))
	for _, tt := range []struct {
		encoding string
		wire     []byte
		most     float64
	}{{"", plain, 0}, {"gzip", zip(t, plain), 6}} {
		src := bytes.NewReader(tt.wire)
		resp := answerOf(src, tt.encoding)
		n := testing.AllocsPerRun(100, func() {
			src.Reset(tt.wire)
			body, err := r.ReadBody(resp, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			body.Release()
		})
		if n > tt.most {
			t.Errorf("encoding %q: %v allocations a body", tt.encoding, n)
		}
	}
}

func FuzzReadBody(f *testing.F) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	fmt.Fprint(w, "seed")
	_ = w.Close()
	f.Add(b.Bytes(), "gzip", int64(100))
	f.Add([]byte("seed"), "", int64(3))
	f.Fuzz(func(t *testing.T, wire []byte, encoding string, limit int64) {
		limit &= 1<<16 - 1
		var r BodyReader
		body, err := r.ReadBody(answerOf(bytes.NewReader(wire), encoding), limit)
		if err != nil {
			if len(err.Error()) > 200+len(strconv.Quote(encoding)) {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
			return
		}
		if int64(len(body.Bytes)) > limit {
			t.Errorf("%d bytes for a limit of %d", len(body.Bytes), limit)
		}
		body.Release()
	})
}
