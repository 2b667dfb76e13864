package poller

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/pollwire/pollwire/diff"
)

const (
	// spoolMemory is how much of a poll's compressed pages is kept in memory;
	// what comes after it goes to a temporary file.
	spoolMemory = 256 << 10
	// spoolWindow bounds what compressing takes. The same members come again in
	// each item, so that a short way back is enough.
	spoolWindow = 128 << 10
)

// errSpool says that the pages of a poll could not be kept.
var errSpool = errors.New("pages cannot be kept")

// spool keeps the pages of one poll, so that memory holds one of them at a time.
// It is used by one goroutine at a time.
type spool struct {
	zip   *zipper
	dir   string
	pages []spooled
	// memory are the first pages, one after the other; file, where there is one,
	// has the others, fileSize bytes of them.
	memory   []byte
	file     *os.File
	fileSize int64
	// linked says that the file still has its name.
	linked bool
	// largest is how many bytes the largest page has.
	largest int
	// packed is where a page is compressed, and page where it is read.
	packed, page []byte
}

// spooled is where a page is, compressed.
type spooled struct {
	inFile bool
	at     int64
	length int
}

var _ diff.Pages = (*spool)(nil)

// add puts a page behind the others.
func (s *spool) add(page []byte) error {
	packed, err := s.zip.pack(page, s.packed[:0])
	if err != nil {
		return err
	}
	s.packed = packed
	s.largest = max(s.largest, len(page))
	if s.file == nil && len(s.memory)+len(packed) <= spoolMemory {
		s.pages = append(s.pages, spooled{at: int64(len(s.memory)), length: len(packed)})
		s.memory = append(s.memory, packed...)
		return nil
	}
	if s.file == nil {
		if s.file, err = os.CreateTemp(s.dir, "pollwire-pages-*"); err != nil {
			return fmt.Errorf("%w: create a temporary file in %s (TMPDIR chooses another place): %w", errSpool, s.place(), withoutPath(err))
		}
		// Without its name nothing is left of it, whatever becomes of the
		// process. Some systems do not remove a file that is open.
		s.linked = os.Remove(s.file.Name()) != nil
	}
	if _, err := s.file.WriteAt(packed, s.fileSize); err != nil {
		return fmt.Errorf("%w: write to a temporary file in %s (TMPDIR chooses another place): %w", errSpool, s.place(), withoutPath(err))
	}
	s.pages = append(s.pages, spooled{inFile: true, at: s.fileSize, length: len(packed)})
	s.fileSize += int64(len(packed))
	return nil
}

// Len implements [diff.Pages].
func (s *spool) Len() int { return len(s.pages) }

// Page implements [diff.Pages].
func (s *spool) Page(i int) ([]byte, error) {
	p := s.pages[i]
	packed := s.packed[:0]
	if p.inFile {
		if cap(packed) < p.length {
			packed = make([]byte, 0, p.length)
		}
		packed = packed[:p.length]
		s.packed = packed
		if _, err := s.file.ReadAt(packed, p.at); err != nil {
			return nil, fmt.Errorf("%w: read page %d from a temporary file: %w", errSpool, i+1, withoutPath(err))
		}
	} else {
		packed = s.memory[p.at : p.at+int64(p.length)]
	}
	page, err := s.zip.unpack(packed, s.page[:0])
	if err != nil {
		return nil, fmt.Errorf("read page %d: %w", i+1, err)
	}
	s.page = page
	return page, nil
}

// close gives back what the pages took. A nil spool has nothing.
func (s *spool) close() {
	if s == nil {
		return
	}
	if s.file != nil {
		_ = s.file.Close() // nobody reads it any more
		if s.linked {
			_ = os.Remove(s.file.Name())
		}
	}
	*s = spool{}
}

func (s *spool) place() string {
	if s.dir == "" {
		return os.TempDir()
	}
	return s.dir
}

// withoutPath is an error of a file without its name, which nobody can find.
func withoutPath(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	return err
}

// zipper compresses pages, for all polls of a Fetcher. It is made when it is
// first needed: most sources have one page.
type zipper struct {
	once    sync.Once
	err     error
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

func (z *zipper) make() error {
	z.once.Do(func() {
		z.encoder, z.err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2), zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithWindowSize(spoolWindow), zstd.WithLowerEncoderMem(true))
		if z.err != nil {
			return
		}
		z.decoder, z.err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderLowmem(true))
	})
	return z.err
}

func (z *zipper) pack(page, to []byte) ([]byte, error) {
	if err := z.make(); err != nil {
		return nil, fmt.Errorf("%w: %w", errSpool, err)
	}
	return z.encoder.EncodeAll(page, to), nil
}

func (z *zipper) unpack(packed, to []byte) ([]byte, error) {
	page, err := z.decoder.DecodeAll(packed, to)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSpool, err)
	}
	return page, nil
}
