package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/store/postgres/postgrestest"
)

// postgresDSN starts a server and returns an empty database, with a password that
// the server does not ask for.
func postgresDSN(t *testing.T) string {
	t.Helper()
	server := postgrestest.Own(t, postgrestest.Options{})
	dsn, err := server.Create()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(dsn, "postgres@", "postgres:hidden-password@", 1)
}

// TestCopy moves a database to PostgreSQL and back: where the daemon goes on,
// nothing is told again, and the chain of changes holds.
func TestCopy(t *testing.T) {
	t.Parallel()
	s, dsn := newSetup(t, before), postgresDSN(t)
	b := s.runDaemon(t)
	s.awaitPolls(t, 3)
	pollwire(t, "copy", "--from", "sqlite:"+s.database, "--to", dsn).
		want(t, exitFailed, "! database "+s.database+" is in use by pollwire ", "! stop that one first")
	s.api.says(200, after)
	first := hashes(t, s.hooks.next(t), s.hooks.next(t))
	b.stop(t)

	back := filepath.Join(s.dir, "back.db")
	for _, way := range []struct{ from, to string }{{"sqlite:" + s.database, dsn}, {dsn, "sqlite:" + back}} {
		got := pollwire(t, "copy", "--from", way.from, "--to", way.to)
		got.want(t, exitOK, "TABLE ", " FROM  TO  SAME\n", "sources ", "events ", ": set storage.dsn to it\n")
		if strings.Contains(got.stdout, "hidden-password") || strings.Contains(got.stdout, "NO\n") {
			t.Errorf("printed:\n%s", got.stdout)
		}
	}
	pollwire(t, "copy", "--from", "sqlite:"+s.database, "--to", dsn).want(t, exitFailed, "! is not empty: its table sources has 1 rows")
	s.change(t, "sqlite:"+s.database, dsn)
	goOn := func(status string) {
		t.Helper()
		b := s.runDaemon(t)
		s.awaitPolls(t, 3)
		s.api.says(200, strings.Replace(after, "paid", status, 1))
		for key, h := range hashes(t, s.hooks.next(t)) {
			if h.previous == "" || h.previous != first[key].hash {
				t.Errorf("%s: %s goes on from %s, and not from %s", status, key, h.previous, first[key].hash)
			}
			first[key] = h
		}
		b.stop(t)
	}
	goOn("sent")
	pollwire(t, "copy", "--from", dsn, "--to", "sqlite:"+back).want(t, exitFailed, "! "+back+" is there already")
	if err := os.Remove(back); err != nil {
		t.Fatal(err)
	}
	pollwire(t, "copy", "--from", dsn, "--to", "sqlite:"+back).want(t, exitOK)
	s.change(t, dsn, "sqlite:"+back)
	goOn("lost")
}

// chained is how a change hangs on the one before.
type chained struct{ hash, previous string }

// hashes returns the links of what was told, by key.
func hashes(t *testing.T, told ...*hook) map[string]chained {
	t.Helper()
	links := make(map[string]chained)
	for _, h := range told {
		var envelope struct {
			Data struct {
				Key          string `json:"key"`
				Hash         string `json:"hash"`
				PreviousHash string `json:"previous_hash"`
			} `json:"data"`
		}
		if err := json.Unmarshal(h.body, &envelope); err != nil {
			t.Fatal(err)
		}
		links[envelope.Data.Key] = chained{envelope.Data.Hash, envelope.Data.PreviousHash}
	}
	return links
}

func TestCopyIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pollwire(t, "copy").want(t, exitUsage, "! wants both --from and --to")
	pollwire(t, "copy", "--from", "sqlite:a.db").want(t, exitUsage, "! wants both --from and --to")
	pollwire(t, "copy", "--from", "sqlite:"+dir+"/a.db", "--to", "sqlite:"+dir+"/b.db").want(t, exitFailed, "! pollwire backup copies one of these")
	got := pollwire(t, "copy", "--from", "sqlite:"+dir+"/a.db", "--to", "mysql://u:hidden-password@db")
	got.want(t, exitFailed, "! the database to copy to is neither sqlite: and the path of a file, nor postgres://user@host/database")
	if strings.Contains(got.stderr, "hidden-password") {
		t.Error(got.stderr)
	}
	if _, err := os.Stat(dir + "/b.db"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was made: %v", err)
	}
}
