package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pollwire/pollwire/internal/store"
)

// place is where a database's file is, to be looked at while it is open.
type place struct {
	path string
	info os.FileInfo
	// handle stands for the file itself, whatever becomes of its name. It is not
	// open for reading: to close such a one would take away the locks that SQLite
	// holds on the file in this process.
	handle int
	// log is the file's log of writes, nil where there was none yet.
	log os.FileInfo
}

func openPlace(path string) (*place, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	handle, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return &place{path: path, info: info, handle: handle}, nil
}

func (p *place) close() error { return unix.Close(p.handle) }

// noteLog notes which log of writes is the file's, now that it is in use.
func (p *place) noteLog() {
	if info, err := os.Stat(p.path + "-wal"); err == nil {
		p.log = info
	}
}

// clear removes what belonged to the file from beside another one that has its
// place, once nobody has it open: SQLite would take its log of writes for that of
// the other, and spoil that one with it.
func (p *place) clear() error {
	found, err := os.Stat(p.path + "-wal")
	if err != nil || p.log == nil || !os.SameFile(found, p.log) || p.fate() != replaced {
		return nil //nolint:nilerr // there is none
	}
	err = os.Remove(p.path + "-wal")
	if shm := os.Remove(p.path + "-shm"); !errors.Is(shm, fs.ErrNotExist) {
		err = errors.Join(err, shm)
	}
	if err != nil {
		return fmt.Errorf("remove what belonged to the replaced file: %w", err)
	}
	return nil
}

// fate is what has become of a file that is open.
type fate int

const (
	inPlace  fate = iota
	moved         // it has another name
	removed       // it has no name
	homeless      // it has no name, and its directory is gone
	replaced      // it has no name, and another file has its old one
)

func (p *place) fate() fate {
	found, err := os.Stat(p.path)
	if err == nil && os.SameFile(found, p.info) {
		return inPlace
	}
	var file unix.Stat_t
	if statErr := unix.Fstat(p.handle, &file); statErr != nil || file.Nlink > 0 {
		return moved
	}
	if err == nil {
		return replaced
	}
	if _, err := os.Stat(filepath.Dir(p.path)); err != nil {
		return homeless
	}
	return removed
}

// survey looks at the file and at its disk. Of a file without a name nothing is
// lost yet: to close it writes it anew.
func (p *place) survey() store.Survey {
	switch p.fate() {
	case moved:
		return store.Survey{Problem: fmt.Errorf("file %s was moved while it was open: put it back and restart pollwire", p.path)}
	case homeless:
		return store.Survey{Problem: fmt.Errorf("file %s was removed while it was open, with its directory: make the directory again, and do not kill pollwire: it writes the file anew when it stops", p.path)}
	case removed:
		return store.Survey{Reopen: true, Problem: fmt.Errorf("file %s was removed while it was open: pollwire writes it anew when it stops", p.path)}
	case replaced:
		return store.Survey{Reopen: true, Problem: fmt.Errorf("file %s was replaced by another while it was open: pollwire writes the old one beside it when it stops", p.path)}
	default:
		return store.Survey{Warning: shortOfSpace(filepath.Dir(p.path))}
	}
}

// rescue writes a file anew that was removed while it was open. All writes have
// ended.
func (s *Store) rescue() error {
	to := s.path
	switch s.place.fate() {
	case inPlace, moved:
		return nil
	case replaced:
		to += time.Now().UTC().Format(".removed-20060102T150405Z")
	case homeless, removed:
	}
	// The last chance is not to be lost to a caller who is in a hurry.
	ctx, cancel := context.WithTimeout(context.Background(), rescueTimeout)
	defer cancel()
	part, err := beginBackup(s.path, to)
	if err == nil {
		if err = s.writer.session.copyTo(ctx, part); err == nil {
			err = keepBackup(part, to)
		}
		if err != nil {
			err = errors.Join(err, leaveNothing(part))
		}
	}
	if err != nil {
		return fmt.Errorf("write the removed file anew: %w", err)
	}
	s.logger.Warn("the database was removed while it was open, and is written anew", "path", to)
	return nil
}

// rescueTimeout bounds the writing of a removed file.
const rescueTimeout = 10 * time.Minute

// copyTo copies the database, as nobody writes to it any more.
func (s *session) copyTo(ctx context.Context, part string) error {
	if _, err := s.conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	if _, err := s.conn.ExecContext(ctx, "SELECT 1 FROM sqlite_schema"); err != nil {
		return err
	}
	err := s.conn.Raw(func(c any) error { return copyPages(ctx, c, part, func(int, int) {}) })
	_, end := s.conn.ExecContext(ctx, "ROLLBACK")
	return errors.Join(err, end)
}

const (
	// nearlyFull is the part of a disk, and of its inodes, below which there is
	// soon nothing left; plenty are bytes that are enough of any disk.
	nearlyFull = 20
	plenty     = 1 << 30
)

// shortOfSpace returns what there is to say of a disk that is nearly full, nil
// where it is not.
func shortOfSpace(dir string) error {
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		return fmt.Errorf("look at the disk of %s: %w", dir, err)
	}
	size := uint64(disk.Bsize)
	if left := disk.Bavail * size; disk.Bavail < disk.Blocks/nearlyFull && left < plenty {
		return fmt.Errorf("the disk of %s is nearly full, with %s left of %s: make room; when it is full, pollwire waits until there is some",
			dir, mebibytes(left), mebibytes(disk.Blocks*size))
	}
	if disk.Files > 0 && disk.Ffree < disk.Files/nearlyFull {
		return fmt.Errorf("the disk of %s has %d inodes left of %d: remove files", dir, disk.Ffree, disk.Files)
	}
	return nil
}

func mebibytes(n uint64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// spaceError says of an error of a file whether room for it is what lacks, and
// of which kind.
func spaceError(dir string, err error) error {
	if !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EDQUOT) {
		return err
	}
	var disk unix.Statfs_t
	if unix.Statfs(dir, &disk) == nil && disk.Files > 0 && disk.Ffree == 0 {
		return fmt.Errorf("%w: it has no inode left: remove files: %w", store.ErrFull, err)
	}
	return fmt.Errorf("%w: %w", store.ErrFull, err)
}
