package daemon_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/store/sqlite"
	"github.com/pollwire/pollwire/internal/store/storetest"
	"github.com/pollwire/pollwire/notify"
)

// defaultSoak is how long the test of the long run takes; make soak sets more in
// POLLWIRE_LONG.
const defaultSoak = 45 * time.Second

// soakEnv says that the process has nothing else to do.
const soakEnv = "POLLWIRE_SOAK_ALONE"

// TestSoak runs a daemon with 1,000 sources of all kinds for long, beside
// receivers of which one answers, one fails, one is slow and one hangs. Memory and
// goroutines stay as they are, its loops go round, and the log has no gap.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	length := defaultSoak
	if text := os.Getenv("POLLWIRE_LONG"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("POLLWIRE_LONG: %v", err)
		}
	}
	if length == defaultSoak && os.Getenv(soakEnv) == "" {
		t.Parallel()
		soakAlone(t)
		return
	}
	peer := startPeer(t)
	path := filepath.Join(t.TempDir(), "soak.db")
	yaml := fmt.Sprintf("storage: {dsn: \"sqlite:%s\"}\nserver: {listen: \"\"}\nsources:\n%sendpoints:\n%s", path, soakSources(peer), soakEndpoints(peer))
	cfg, err := config.Parse("soak.yaml", []byte(yaml), config.Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	d := daemon.New(cfg, daemon.Options{Version: "soak", Logger: logger})
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopDaemon(t, d) })

	const looks = 18
	ticker := time.NewTicker(length / looks)
	defer ticker.Stop()
	var heap, routines []int
	for range looks {
		select {
		case <-ticker.C:
		case err := <-d.Fatal():
			t.Fatal(err)
		}
		if err := d.Alive(t.Context()); err != nil {
			t.Error(err)
		}
		h, g := weigh()
		heap, routines = append(heap, h), append(routines, g)
	}
	s := received(t, peer)
	t.Logf("heap KiB %v, goroutines %v, %d webhooks, p99 %v", heap, routines, s.Received, s.P99)
	if s.Received < 100 {
		t.Errorf("%d webhooks were received", s.Received)
	}
	// The first third is for what fills up once: connections, and the last polls.
	wantFlat(t, "heap KiB", heap[looks/3:], 4<<10)
	wantFlat(t, "goroutines", routines[looks/3:], 30)

	stopDaemon(t, d)
	kept, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	storetest.VerifyLog(t, kept)
}

// soakAlone runs the test in a process of its own, so that what others use beside it
// does not count.
func soakAlone(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestSoak$", "-test.v", "-test.timeout=10m")
	cmd.Env = append(os.Environ(), soakEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestSoak")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// weigh returns the heap that is in use, in KiB, and the number of goroutines.
func weigh() (heap, routines int) {
	runtime.GC()
	runtime.GC() // what the first one has finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc >> 10), runtime.NumGoroutine()
}

// wantFlat compares the medians of the two halves of what was measured.
func wantFlat(t *testing.T, what string, values []int, slack int) {
	t.Helper()
	half := len(values) / 2
	before, after := median(values[:half]), median(values[half:])
	if after > before+before/10+slack {
		t.Errorf("%s grew from %d to %d", what, before, after)
	}
}

func median(values []int) int {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// soakSources are 1,000 sources: most do not change, some do, some fail.
func soakSources(peer string) string {
	var out strings.Builder
	for _, kind := range []struct {
		name, path, every, extra string
		n                        int
	}{
		{"same", "/same", "5s", "", 400},
		{"cached", "/cached", "5s", "", 300},
		{"counter", "/counter", "10s", ", event_type: soak.counter", 200},
		{"list", "/list/5", "10s", ", items: {key: id}, event_type: soak.list", 50},
		{"missing", "/nothing", "5s", ", retry: {max_attempts: 1}", 50},
	} {
		for i := range kind.n {
			fmt.Fprintf(&out, "  - {name: %s%d, schedule: \"@every %s\", jitter: 4s, request: {url: \"%s%s\"}%s}\n", kind.name, i, kind.every, peer, kind.path, kind.extra)
		}
	}
	return out.String()
}

func soakEndpoints(peer string) string {
	out := benchEndpoint("well", peer+"/hook")
	for _, sick := range []string{"fail", "slow", "hang"} {
		out += fmt.Sprintf("  - {name: %[1]s, url: \"%[2]s/%[1]s\", secrets: [\"%[3]s\"], timeout: 2s, order: item, events: [\"soak.list.*\"]}\n", sick, peer, notify.GenerateSecret())
	}
	return out
}
