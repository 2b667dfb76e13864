package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// createPart makes a file beside what it will be, which must not be there.
func createPart(to string) (string, error) {
	if _, err := os.Lstat(to); err == nil {
		return "", existing(to)
	}
	file, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+".part-*") // readable by its owner alone
	if err != nil {
		return "", err
	}
	return file.Name(), file.Close()
}

func existing(to string) error {
	return fmt.Errorf("%s is there already, and is not overwritten: %w", to, fs.ErrExist)
}

// leaveNothing removes a part that was not finished. SQLite may have begun files
// beside it.
func leaveNothing(part string) error {
	var errs []error
	for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
		if err := os.Remove(part + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// keepPart makes a file durable and gives it its name, unless that is taken.
func keepPart(part, to string) error {
	if err := syncFile(part); err != nil {
		return err
	}
	err := unix.Renameat2(unix.AT_FDCWD, part, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // some network file systems
		if err = os.Link(part, to); err == nil {
			err = os.Remove(part)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return existing(to)
	}
	if err == nil {
		err = syncFile(filepath.Dir(to))
	}
	if err != nil {
		return fmt.Errorf("name it %s: %w", to, err)
	}
	return nil
}

// syncFile makes a file or a directory durable.
func syncFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
