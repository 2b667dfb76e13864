package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(tb testing.TB) storetest.Open {
		path := filepath.Join(tb.TempDir(), "pollwire.db")
		return func(tb testing.TB) store.Store { return mustOpen(tb, path) }
	})
}
