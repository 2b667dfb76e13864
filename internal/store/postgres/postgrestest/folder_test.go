package postgrestest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestSweep removes the folder of a process that is gone, and none that is somebody's
// or may be about to be.
func TestSweep(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	alive, owner, err := makeFolder()
	if err != nil {
		t.Fatal(err)
	}
	dead, gone, err := makeFolder()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(filepath.Join(dead, "data", "base"), 0o700), gone.Close()); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(os.TempDir(), "another-pg-1")
	begun := filepath.Join(os.TempDir(), folders+"1")
	for _, dir := range []string{other, begun} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	for dir, want := range map[string]bool{alive: true, dead: false, other: true, begun: true} {
		if _, err := os.Stat(dir); (err == nil) != want || err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is there: %v, want %v", filepath.Base(dir), err == nil, want)
		}
	}
	if err := owner.Close(); err != nil {
		t.Fatal(err)
	}
	sweep()
	if _, err := os.Stat(alive); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is left once its owner is gone: %v", err)
	}
}
