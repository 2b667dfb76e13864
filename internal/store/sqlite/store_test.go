package sqlite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	// Migrating takes most of a test's time, so it is done once.
	empty := filepath.Join(t.TempDir(), "empty.db")
	if err := mustOpen(t, empty).Close(); err != nil {
		t.Fatal(err)
	}
	migrated, err := os.ReadFile(empty)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, func(tb testing.TB) storetest.Open {
		path := filepath.Join(tb.TempDir(), "pollwire.db")
		if err := os.WriteFile(path, migrated, 0o600); err != nil {
			tb.Fatal(err)
		}
		return func(tb testing.TB) store.Store { return mustOpen(tb, path) }
	})
}
