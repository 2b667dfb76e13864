package store

import (
	"errors"
	"fmt"
)

var (
	// ErrFull says that there is no space left for a write. Nothing of it was
	// kept, and it may be tried again once there is space.
	ErrFull = errors.New("no space left on the disk of the database")
	// ErrBusy says that another program holds the database locked. Nothing of the
	// write was kept, and it may be tried again once that program lets go.
	ErrBusy = errors.New("another program holds it locked")
	// ErrUnreachable says that the database's server cannot be reached, or does not
	// answer. Whether what was being written is there nobody knows until it can be.
	ErrUnreachable = errors.New("the database cannot be reached")
	// ErrDenied says that the user of the database may not do what was asked. Nothing of
	// a write was kept, and it may be tried again once the user may.
	ErrDenied = errors.New("the database does not let its user do that")
	// ErrDamaged says that what is on disk cannot be right.
	ErrDamaged = errors.New("the database is damaged: stop pollwire, keep the damaged file, and put a backup in its place")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the store is closed")
	// ErrReadOnly says that the store was opened to look only.
	ErrReadOnly = errors.New("the store was opened read-only")
)

// Passes says of an error of a write whether it passes by itself, or by what the
// operator does, so that the same write may succeed later.
func Passes(err error) bool {
	return errors.Is(err, ErrFull) || errors.Is(err, ErrBusy) || errors.Is(err, ErrUnreachable) || errors.Is(err, ErrDenied)
}

// DiskError says that the disk failed a write. The write was not acknowledged,
// and every later one fails with the same error: after it nobody knows what is
// on disk until the database has been opened anew.
type DiskError struct {
	// Path is the database's file.
	Path string
	// Err is what the disk answered.
	Err error
}

// Error says what failed and what the operator does about it.
func (e *DiskError) Error() string {
	return fmt.Sprintf("write %s: %v; %s", e.Path, e.Err, e.Hint())
}

// Unwrap returns what the disk answered.
func (e *DiskError) Unwrap() error { return e.Err }

// Hint says what the operator does next.
func (e *DiskError) Hint() string {
	if errors.Is(e.Err, ErrDamaged) {
		return "pollwire writes no more to it"
	}
	return "pollwire writes no more to it: check the disk and the kernel's log, then restart pollwire"
}
