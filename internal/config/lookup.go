package config

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// maxReferenced bounds a file that ${file:…} or ${credential:…} names, in bytes.
const maxReferenced = 1 << 20

// Lookup is where ${…} finds its values, and include its files. A nil function
// finds nothing, nor does a nil Folder.
type Lookup struct {
	// Env returns the value of an environment variable, false if it is not set.
	Env func(name string) (string, bool)
	// File returns the content of a file.
	File func(path string) ([]byte, error)
	// Folder has the files that include names.
	Folder Folder
}

// System looks into the environment and the files of this process.
func System() Lookup {
	return Lookup{
		Env:    os.LookupEnv,
		File:   func(path string) ([]byte, error) { return readFile(path, maxReferenced) },
		Folder: disk{},
	}
}

// readFile reads a file of at most limit bytes: /dev/zero has no end.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("it is larger than %s", Size(limit))
	}
	return data, nil
}

// reason is why a file could not be read, without its path.
func reason(err error) string {
	var pathError *os.PathError
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, os.ErrPermission):
		return "no permission to read it"
	case errors.As(err, &pathError):
		return pathError.Err.Error()
	default:
		return err.Error()
	}
}
