package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Holder is the process that has a database open for writing.
type Holder struct {
	PID     int
	Host    string
	Since   time.Time
	Version string
}

// self is this process, as the lock file names it to others.
func self(version string) Holder {
	host, _ := os.Hostname() // only for the words of an error
	return Holder{PID: os.Getpid(), Host: host, Since: time.Now(), Version: version}
}

// LockedError says that another process has the database open for writing.
type LockedError struct {
	// Path is the database's file.
	Path string
	// Holder is who has it; zero where it has not said so yet.
	Holder Holder
}

// Error says who has the database and what to do.
func (e *LockedError) Error() string {
	who := "another process"
	if h := e.Holder; h.PID != 0 {
		who = fmt.Sprintf("pollwire %s, process %d on %s, since %s",
			h.Version, h.PID, h.Host, h.Since.Format(time.RFC3339))
	}
	return fmt.Sprintf("database %s is in use by %s: stop that one first, or give this one another storage.dsn", e.Path, who)
}

// fileLock is an exclusive lock on a file of its own beside the database. The
// kernel releases it when the process ends, however it ends, so a lock file
// that was left behind is no obstacle. It is never removed: a process that
// waits to lock a removed file would hold a lock that nobody else sees.
type fileLock struct {
	file *os.File
}

// lockFile takes the lock of a database, or fails with a *LockedError.
func lockFile(path string, self Holder) (*fileLock, error) {
	file, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock database: %w", spaceError(filepath.Dir(path), err))
	}
	if err := giveToOwner(file, path); err != nil {
		return nil, errors.Join(fmt.Errorf("lock database: %w", err), file.Close())
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = &LockedError{Path: path, Holder: readHolder(file)}
	}
	if err == nil {
		err = writeHolder(file, self)
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock database: %w", spaceError(filepath.Dir(path), err))
	}
	return &fileLock{file: file}, nil
}

// giveToOwner gives a file that root has made beside a database to the database's
// owner, as SQLite does with its own: a daemon of that user must be able to open it.
func giveToOwner(file *os.File, path string) error {
	var owner unix.Stat_t
	if err := unix.Stat(path, &owner); os.Geteuid() != 0 || errors.Is(err, unix.ENOENT) {
		return nil
	} else if err != nil {
		return err
	}
	return file.Chown(int(owner.Uid), int(owner.Gid))
}

// release gives the lock back and empties its file. Closing it is not enough: a
// program that this process is just starting has the file open as well until it
// runs, and with it the lock.
func (l *fileLock) release() error {
	return errors.Join(l.file.Truncate(0), unix.Flock(int(l.file.Fd()), unix.LOCK_UN), l.file.Close())
}

func writeHolder(file *os.File, h Holder) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	text := fmt.Sprintf("pid: %d\nhost: %s\nsince: %s\nversion: %s\n",
		h.PID, h.Host, h.Since.UTC().Format(time.RFC3339), h.Version)
	_, err := file.WriteAt([]byte(text), 0)
	return err
}

// readHolder reads what the holder wrote. Anything unreadable gives the zero
// Holder: that the lock is held is certain, only by whom is not.
func readHolder(file io.ReaderAt) Holder {
	text, err := io.ReadAll(io.NewSectionReader(file, 0, 4096))
	if err != nil {
		return Holder{}
	}
	return parseHolder(string(text))
}

func parseHolder(text string) Holder {
	var h Holder
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "pid":
			h.PID, _ = strconv.Atoi(value)
		case "host":
			h.Host = value
		case "since":
			h.Since, _ = time.Parse(time.RFC3339, value)
		case "version":
			h.Version = value
		}
	}
	if h.PID <= 0 {
		return Holder{}
	}
	return h
}
