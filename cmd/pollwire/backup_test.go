package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestBackupAndRestore is what the help of backup says: copy while the daemon
// runs, lose the database, put the copy in its place, start.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	copied := filepath.Join(s.dir, "copy.db")
	b := s.runDaemon(t)
	s.awaitPolls(t, 3)
	pollwire(t, "backup", copied, "-c", s.config).want(t, exitOK, copied+": 0.", " MiB of "+s.database+", schema version ", ", checked\n")
	pollwire(t, "backup", copied, "-c", s.config).want(t, exitFailed, "! "+copied+" is there already, and is not overwritten")
	s.api.says(200, after)
	told := []*hook{s.hooks.next(t), s.hooks.next(t)}
	b.stop(t)

	for _, suffix := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(s.database + suffix) // as far as there is one
	}
	text, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.database, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s.runDaemon(t)
	for _, first := range told {
		again := s.hooks.next(t) // seen anew, from the state of the backup
		if again.header.Get("Webhook-Id") == first.header.Get("Webhook-Id") {
			t.Error("another event has the id of the one that was lost")
		}
	}
}

// TestBackupWithoutADaemon, and without a database.
func TestBackupWithoutADaemon(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	to := filepath.Join(s.dir, "copy.db")
	pollwire(t, "backup", to, "-c", s.config).want(t, exitFailed, "! back up database: there is none at "+s.database+": check storage.dsn")
	s.baseline(t)
	pollwire(t, "backup", to, "-c", s.config).want(t, exitOK, to+": ")
	pollwire(t, "backup", filepath.Join(s.dir, "no", "copy.db"), "-c", s.config).want(t, exitFailed, "! create backup: ", "! no such file or directory")
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	pollwire(t, "migrate", "-c", s.config).want(t, exitFailed, "! there is none at "+s.database)
	if _, err := os.Stat(s.database); !os.IsNotExist(err) {
		t.Errorf("one was made: %v", err)
	}
	s.baseline(t)
	pollwire(t, "migrate", "-c", s.config).want(t, exitOK, s.database+": has schema version ", ", and nothing is to be done\n")
	s.runDaemon(t)
	pollwire(t, "migrate", "-c", s.config).want(t, exitFailed, "! database "+s.database+" is in use by pollwire ", "! stop that one first")
}
