package daemon_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
)

// TestBackupOfAServer is refused with the program that makes one, and no password.
func TestBackupOfAServer(t *testing.T) {
	t.Parallel()
	storage := config.Storage{DSN: config.NewDSN("postgres://pollwire:topsecret@db.example.com/pollwire")}
	_, err := daemon.Backup(t.Context(), storage, filepath.Join(t.TempDir(), "copy.db"), nil)
	if err == nil || !strings.Contains(err.Error(), "pg_dump") || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("it gives %v", err)
	}
}
