package transfer

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/storetest"
)

// TestNodes: a database that nodes use is neither copied nor filled, and none can
// begin to use one while it is.
func TestNodes(t *testing.T) {
	t.Parallel()
	path, dsn := filled(t), newPostgres(t)
	mustCopy(t, "sqlite:"+emptyDatabase(t), dsn)
	const (
		join = `INSERT INTO nodes (id, name, host, pid, version, config, started_at, configured_at, seen_at)
			VALUES ('01A', 'alpha', 'host-a', 4711, 'v1', '', 0, 0, now() - make_interval(secs => $1))`
		want = "node alpha (process 4711 on host-a) use it: stop all nodes first"
	)
	query(t, dsn, join, 5)
	for _, o := range []Options{{From: "sqlite:" + path, To: dsn}, {From: dsn, To: "sqlite:" + filepath.Join(t.TempDir(), "back.db")}} {
		if _, err := Copy(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	query(t, dsn, "DELETE FROM nodes")
	query(t, dsn, join, 60) // was killed a while ago
	tried := false
	_, err := Copy(t.Context(), Options{From: "sqlite:" + path, To: dsn, Version: "test", Progress: func(p Progress) {
		if tried || p.Done < p.Total/2 {
			return
		}
		tried = true
		if n := query(t, dsn, "WITH one AS (SELECT id FROM cluster FOR UPDATE SKIP LOCKED) SELECT count(*) FROM one"); n != int64(0) {
			t.Error("a node could join")
		}
	}})
	must(t, err)

	tried = false
	dir := t.TempDir()
	_, err = Copy(t.Context(), Options{From: dsn, To: "sqlite:" + filepath.Join(dir, "back.db"), Version: "test", Progress: func(p Progress) {
		if !tried {
			tried = true
			query(t, dsn, "UPDATE cluster SET generation = generation + 1") // one that came and went
		}
	}})
	if err == nil || !strings.Contains(err.Error(), "a node ran on it while it was copied: stop all nodes, and copy again") {
		t.Errorf("got %v", err)
	}
	wantFiles(t, dir, "back.db.lock")
}

// emptyDatabase makes a database that has nothing, and returns its path.
func emptyDatabase(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "empty.db")
	must(t, openSQLite(t, path).Close())
	return path
}

// TestKilled: a copy that is killed leaves nothing in the other database.
func TestKilled(t *testing.T) {
	t.Parallel()
	path, dsn := filled(t), newPostgres(t)
	killHalfway(t, "sqlite:"+path, dsn)
	mustCopy(t, "sqlite:"+path, dsn)
	to := filepath.Join(t.TempDir(), "back.db")
	killHalfway(t, dsn, "sqlite:"+to)
	if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("there is something: %v", err)
	}
	mustCopy(t, dsn, "sqlite:"+to)
	storetest.Same(t, openSQLite(t, to), openSQLite(t, path))
}

// killHalfway copies in a process of its own, and kills it in the middle.
func killHalfway(t *testing.T, from, to string) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	child := exec.CommandContext(t.Context(), self)
	child.Env = append(os.Environ(), childFrom+"="+from, childTo+"="+to)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	must(t, err)
	defer in.Close()
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "halfway\n" {
		t.Errorf("the child says %q, %v", line, err)
	}
	must(t, child.Process.Kill())
	_ = child.Wait() // it was killed
}

// TestFullTarget: a target that has no room fails the copy, and has nothing of it.
func TestFullTarget(t *testing.T) {
	t.Parallel()
	path, dsn := filled(t), newPostgres(t)
	mustCopy(t, "sqlite:"+emptyDatabase(t), dsn)
	query(t, dsn, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$`)
	query(t, dsn, "CREATE TRIGGER full_disk BEFORE INSERT ON attempts EXECUTE FUNCTION full_disk()")
	if _, err := Copy(t.Context(), Options{From: "sqlite:" + path, To: dsn}); !errors.Is(err, store.ErrFull) || !strings.Contains(err.Error(), "copy table attempts") {
		t.Errorf("got %v, want ErrFull", err)
	}
	query(t, dsn, "DROP TRIGGER full_disk ON attempts")
	mustCopy(t, "sqlite:"+path, dsn)

	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=400k"); err != nil {
		if os.Getenv("POLLWIRE_NO_SKIP") == "1" {
			t.Fatal("mount a tmpfs: ", err)
		}
		t.Skip("mount a tmpfs: ", err)
	}
	t.Cleanup(func() { must(t, unix.Unmount(dir, 0)) })
	if _, err := Copy(t.Context(), Options{From: dsn, To: "sqlite:" + filepath.Join(dir, "back.db")}); !errors.Is(err, store.ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	wantFiles(t, dir, "back.db.lock")
}

// TestDamagedOriginal: a file that does not hold together is not taken for a
// smaller one.
func TestDamagedOriginal(t *testing.T) {
	t.Parallel()
	path, dsn := filled(t), newPostgres(t)
	info, err := os.Stat(path)
	must(t, err)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	const page = 4096
	for at := int64(40 * page); at < info.Size()-page; at += 7 * page {
		_, err := file.WriteAt(make([]byte, page), at)
		must(t, err)
	}
	must(t, file.Close())
	if _, err := Copy(t.Context(), Options{From: "sqlite:" + path, To: dsn}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("got %v, want ErrDamaged", err)
	}
	mustCopy(t, "sqlite:"+filled(t), dsn)
}
