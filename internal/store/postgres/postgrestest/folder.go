package postgrestest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	// folders are those of servers, in the system's folder for what is temporary.
	folders = "pollwire-pg-"
	// ownerFile is a file in such a folder that the process whose it is holds locked.
	ownerFile = "owner"
)

// makeFolder makes a folder that is this process's for as long as the file is open. The
// folders of tests are closed to other users, and their paths too long for a socket.
func makeFolder() (dir string, owner *os.File, err error) {
	if dir, err = os.MkdirTemp("", folders); err != nil {
		return "", nil, err
	}
	if owner, err = lockFolder(dir); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, owner, nil
}

// lockFolder makes the file of the owner. It has its name only once it is locked.
func lockFolder(dir string) (*os.File, error) {
	owner, err := os.CreateTemp(dir, ownerFile+"-")
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(owner.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", owner.Name(), err), owner.Close())
	}
	if err := os.Rename(owner.Name(), filepath.Join(dir, ownerFile)); err != nil {
		return nil, errors.Join(err, owner.Close())
	}
	return owner, nil
}

// sweep removes the folders of processes that were killed, whose servers have ended
// with them. It leaves alone what it cannot remove: that is another user's, or is
// swept by another process too.
func sweep() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), folders+"*", ownerFile))
	for _, path := range left {
		owner, err := os.Open(path)
		if err != nil {
			continue
		}
		if unix.Flock(int(owner.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = os.RemoveAll(filepath.Dir(path))
		}
		_ = owner.Close()
	}
}
