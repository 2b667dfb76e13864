package daemon

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/pollwire/pollwire/internal/store/sqlite"
)

// template is a database without a row, made once: to migrate one for each test took
// a fifth of what all of them cost.
var template = sync.OnceValues(func() (content []byte, err error) {
	dir, err := os.MkdirTemp("", "pollwire")
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := os.RemoveAll(dir); err == nil {
			err = e
		}
	}()
	path := filepath.Join(dir, "pollwire.db")
	s, err := sqlite.Open(context.Background(), sqlite.Options{Path: path}) // it outlives the test that asks first
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// MustMigrate makes a folder with a database, pollwire.db, that has no row yet.
func MustMigrate(tb testing.TB) (dir string) {
	tb.Helper()
	content, err := template()
	if err != nil {
		tb.Fatal(err)
	}
	dir = tb.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pollwire.db"), content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return dir
}
