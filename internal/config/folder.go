package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// disk is the file system of this process.
type disk struct{}

var _ Folder = disk{}

// List returns the names in a directory, sorted.
func (disk) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

// Real returns the path of a file when links are followed.
func (disk) Real(path string) (string, error) {
	// EvalSymlinks has an error of its own for a circle, which says less.
	if _, err := os.Stat(path); err != nil {
		return "", err
	}
	followed, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(followed)
}

// Read returns the content of a configuration file.
func (disk) Read(path string) ([]byte, error) { return readConfiguration(path) }

// nowhere is a folder that has no files.
type nowhere struct{}

var _ Folder = nowhere{}

func (nowhere) List(string) ([]string, error) { return nil, fs.ErrNotExist }
func (nowhere) Real(string) (string, error)   { return "", fs.ErrNotExist }
func (nowhere) Read(string) ([]byte, error)   { return nil, fs.ErrNotExist }

var errDirectory = errors.New("is a directory")

// readConfiguration reads a regular file, or what was handed to this process
// open. To open a named pipe would wait for somebody who writes to it, and a
// device may have no end.
func readConfiguration(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errDirectory
	case !info.Mode().IsRegular() && !isDescriptor(path):
		return nil, errors.New("it is no regular file but " + kindOf(info.Mode()) + "; what is piped in is /dev/stdin")
	}
	return readFile(path, maxFile)
}

// isDescriptor says whether a path stands for a file that this process was
// started with: standard input, or what a shell makes of <(...).
func isDescriptor(path string) bool {
	path = filepath.Clean(path)
	return path == "/dev/stdin" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}

// kindOf names what is no regular file.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	default:
		return "a device"
	}
}
