package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/rapidtest"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/blob"
	"github.com/pollwire/pollwire/internal/store/blob/blobtest"
)

const (
	childRole = "POLLWIRE_TEST_CHILD"
	childPath = "POLLWIRE_TEST_PATH"
)

// checks is how many histories the model of the suite goes through, where the flag
// does not say: each makes a database, and waits for the disk again and again.
const checks = 15

// TestMain lets the test binary be its own child process, to be killed or to
// meet a broken disk.
func TestMain(m *testing.M) {
	roles := map[string]func(context.Context, *Store) error{
		"commit":       commitForever,
		"stage":        stageForever,
		"replay":       replayForever,
		"full file":    meetFileLimit,
		"fail":         commitUntilFatal,
		"unprivileged": nil,
	}
	role, isChild := os.LookupEnv(childRole)
	if !isChild {
		rapidtest.Checks(checks)
		os.Exit(m.Run())
	}
	if err := runChild(role, roles[role]); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func runChild(role string, work func(context.Context, *Store) error) error {
	ctx := context.Background() // of the whole process
	if role == "unprivileged" {
		if err := unix.Setuid(65534); err != nil {
			return err
		}
	}
	s, err := Open(ctx, Options{Path: os.Getenv(childPath), Version: "child"})
	if err != nil || work == nil {
		return err
	}
	return errors.Join(work(ctx, s), s.Close())
}

// commitForever prints "source sequence" for each commit that was acknowledged.
func commitForever(ctx context.Context, s *Store) error {
	var all sync.WaitGroup
	var failed error
	var once, out sync.Mutex
	for n := range 4 {
		all.Go(func() {
			name := fmt.Sprint("source-", n)
			src, err := s.Source(ctx, name)
			if errors.Is(err, store.ErrNotFound) {
				src, err = store.Source{Name: name}, nil
			}
			for err == nil {
				c := benchCommit(&src, src.Version)
				c.Snapshot.Body, c.Snapshot.Pages = childAnswer(name, src.Version+1)
				c.Events[0].ID = fmt.Sprintf("evt_%s_%d", name, src.Sequence+1)
				if err = s.Commit(ctx, c); err == nil {
					out.Lock()
					fmt.Println(name, src.Sequence)
					out.Unlock()
				}
			}
			once.Lock()
			failed = err
			once.Unlock()
		})
	}
	all.Wait()
	return failed
}

// childBody is the body of a version that commitForever commits: long enough for
// older ones to be kept as differences.
func childBody(source string, version int64) []byte {
	body := fmt.Appendf(nil, `{"source":%q,"version":%d,"items":[`, source, version)
	for n := range int64(40) {
		body = fmt.Appendf(body, `{"id":%d,"seen":%d},`, n, version/(n+1))
	}
	return append(body, "{}]}"...)
}

// childAnswer is the answer of a version that commitForever commits. That of
// some sources has pages, of others not.
func childAnswer(source string, version int64) ([]byte, diff.Pages) {
	if source < "source-2" || source == "source-3" && version%4 == 0 {
		return childBody(source, version), nil
	}
	return nil, testPages{
		childBody(source, version), childBody("all", version/5), childBody(source, -version), blobtest.Noise(byte(version), 2000),
	}
}

// stageForever commits pages, says so, and then waits for ever for the last page
// of others.
func stageForever(ctx context.Context, s *Store) error {
	src := store.Source{Name: "orders"}
	if err := s.Commit(ctx, pagesCommit(&src, stagedPages(1))); err != nil {
		return err
	}
	fmt.Println("acknowledged")
	stuck := hookedPages{testPages: stagedPages(2), before: func(i int) {
		if i == 3 {
			fmt.Println("staged")
			select {}
		}
	}}
	return s.Commit(ctx, pagesCommit(&src, stuck))
}

// stagedPages are four pages, each large enough for a transaction of its own.
func stagedPages(seed byte) testPages {
	return testPages{blobtest.Noise(seed, blob.StageBytes), blobtest.Noise(seed+10, blob.StageBytes), blobtest.Noise(seed+20, blob.StageBytes), blobtest.Noise(seed+30, blob.StageBytes)}
}

// meetFileLimit lets no file grow beyond a limit, which a write meets as EFBIG.
func meetFileLimit(ctx context.Context, s *Store) error {
	signal.Ignore(unix.SIGXFSZ)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}); err != nil {
		return err
	}
	return commitUntilFatal(ctx, s)
}

// commitUntilFatal commits until the disk fails, prints the last sequence that
// was acknowledged, and checks what must hold from then on.
func commitUntilFatal(ctx context.Context, s *Store) error {
	src := store.Source{Name: "orders"}
	var err error
	for err == nil {
		select {
		case <-s.Fatal():
			return errors.New("fatal without a failed write")
		default:
		}
		c := benchCommit(&src, src.Version)
		c.Events[0].ID = fmt.Sprint("evt_", src.Sequence+1)
		err = s.Commit(ctx, c)
	}
	var disk *store.DiskError
	if !errors.As(err, &disk) || disk.Hint() == "" || disk.Path != os.Getenv(childPath) {
		return fmt.Errorf("not a DiskError: %w", err)
	}
	<-s.Fatal()
	for _, later := range []error{s.Err(), s.Ping(ctx), s.Commit(ctx, &store.Commit{Source: &src})} {
		var same *store.DiskError
		if !errors.As(later, &same) || same != disk {
			return fmt.Errorf("a later write gave %w, not the first error", later)
		}
	}
	read, err := s.Source(ctx, "orders")
	if err != nil || read.Sequence != src.Sequence {
		return fmt.Errorf("read: sequence %d, acknowledged %d: %w", read.Sequence, src.Sequence, err)
	}
	fmt.Println("acknowledged", src.Sequence)
	fmt.Println(disk)
	return nil
}

// child starts the test binary in a role on a database. The words before it
// may be a command that runs it.
func child(t *testing.T, role, path string, before ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	words := append(before, self)
	cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
	cmd.Env = append(os.Environ(), childRole+"="+role, childPath+"="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// lines returns what a child printed, by line, as it comes.
func lines(t *testing.T, cmd *exec.Cmd) *bufio.Scanner {
	t.Helper()
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	return bufio.NewScanner(out)
}

// skip skips a test that this machine cannot run, by name; where nothing may be
// skipped it fails.
func skip(t *testing.T, name, reason string) {
	t.Helper()
	if os.Getenv("POLLWIRE_NO_SKIP") == "1" {
		t.Fatalf("%s: cannot run here: %s", name, reason)
	}
	t.Skipf("%s: %s", name, strings.TrimSpace(reason))
}
