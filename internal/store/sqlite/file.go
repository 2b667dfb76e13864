package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// resolve returns the absolute path of a database's file without symbolic
// links, so that one file has one lock whichever way it is named. Its directory
// must exist.
func resolve(path string) (string, error) {
	if path == "" {
		return "", errors.New("open database: no path is given")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("open database: %w", err)
	}
	resolved, err := filepath.EvalSymlinks(abs)
	if err == nil {
		return resolved, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("open database %s: %w", path, err)
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return "", fmt.Errorf("open database %s: directory %s cannot be used: create it, or change storage.dsn: %w",
			path, filepath.Dir(abs), err)
	}
	return filepath.Join(dir, filepath.Base(abs)), nil
}

// prepareFile makes sure that there is a file which can be written, a new one
// readable by its owner alone. It never opens a file that exists: closing it
// would take away the locks that SQLite holds on it in this process.
func prepareFile(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createFile(path)
	}
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("open database %s: it is not a regular file; change storage.dsn", path)
	}
	if err := unix.Access(path, unix.W_OK); err != nil {
		return fmt.Errorf("open database %s: it is not writable: %w", path, err)
	}
	return nil
}

func createFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return fmt.Errorf("create database: %w", spaceError(filepath.Dir(path), err))
	}
	return nil
}

// dsn names a database to the driver: how it is opened, and what each
// connection sets first.
func dsn(path, mode string, pragmas ...string) string {
	query := []string{"mode=" + mode, "_pragma=busy_timeout(5000)"}
	for _, p := range pragmas {
		query = append(query, "_pragma="+p)
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: strings.Join(query, "&")}
	return u.String()
}
