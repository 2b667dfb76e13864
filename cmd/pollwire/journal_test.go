package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// journalOf is a logger whose lines go to a buffer, as they would to the journal.
func journalOf(w io.Writer, format string) *slog.Logger {
	return slog.New(newJournal(w, format, func(w io.Writer, o slog.HandlerOptions) slog.Handler {
		o.Level = slog.LevelDebug
		if format == "json" {
			return slog.NewJSONHandler(w, &o)
		}
		return slog.NewTextHandler(w, &o)
	}))
}

// TestJournalPriorities: each record is one line, whatever is in it, with its
// priority before it, and without the time that the journal has itself.
func TestJournalPriorities(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := journalOf(&out, "text").With("source", "orders")
	log.Debug("fine")
	log.Info("said", "time", "now") // its own time is no attribute of ours
	log.WithGroup("more").Warn("strange", "time", 1)
	log.Error("broken", "err", errors.New("first\n<1>second\r\nthird"))
	log.Log(t.Context(), slog.LevelError+4, "worse")
	want := `<7>level=DEBUG msg=fine source=orders
<6>level=INFO msg=said source=orders time=now
<4>level=WARN msg=strange source=orders more.time=1
<3>level=ERROR msg=broken source=orders err="first\n<1>second\r\nthird"
<3>level=ERROR+4 msg=worse source=orders
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error("-want +got:\n" + d)
	}
}

// TestJournalOfJSON leaves nothing out: it goes on to other tools.
func TestJournalOfJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	journalOf(&out, "json").Warn("strange", "err", "a\nb")
	if !regexp.MustCompile(`^<4>\{"time":"[^"]+","level":"WARN","msg":"strange","err":"a\\nb"\}\n$`).Match(out.Bytes()) {
		t.Errorf("logged %q", out.String())
	}
}

// TestJournalLinesStayWhole, many goroutines at once.
func TestJournalLinesStayWhole(t *testing.T) {
	t.Parallel()
	out := newOutput()
	log := journalOf(out, "text")
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			for i := range 200 {
				log.Log(t.Context(), slog.Level(4*(i%4)-4), "line", "n", n, "i", i)
			}
		})
	}
	group.Wait()
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	whole := regexp.MustCompile(`^<[3467]>level=\w+ msg=line n=\d i=\d+$`)
	for _, line := range lines {
		if !whole.MatchString(line) {
			t.Fatalf("a line is %q", line)
		}
	}
	if len(lines) != 1600 {
		t.Errorf("%d lines", len(lines))
	}
}

// underJournal runs the real binary with a standard error that it takes for the
// journal's, or with names that lead to another file.
func underJournal(t *testing.T, really bool, args ...string) *process {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var stat syscall.Stat_t
	if err := syscall.Fstat(int(w.Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	if !really {
		stat.Ino++
	}
	p := &process{cmd: exec.CommandContext(t.Context(), buildBinary(t), args...), stdout: newOutput(), stderr: newOutput()}
	p.cmd.Env = append(os.Environ(), "RUNTIME_DIRECTORY=", fmt.Sprintf("JOURNAL_STREAM=%d:%d", stat.Dev, stat.Ino))
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, w
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(p.stderr, r)
		read <- errors.Join(err, r.Close())
	}()
	t.Cleanup(func() {
		if err := <-read; err != nil {
			t.Error(err)
		}
	})
	return p
}

// TestRunUnderTheJournal: what it logs, and what ends it, has its priority there,
// and nowhere else.
func TestRunUnderTheJournal(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	p := underJournal(t, true, "run", "-c", s.config)
	p.stderr.await(t, "<6>level=INFO msg=\"pollwire started\"")
	if got := p.signal(t, syscall.SIGTERM); got.code != exitOK {
		t.Errorf("exit code %d", got.code)
	}
	p = underJournal(t, false, "run", "-c", s.config)
	p.stderr.await(t, "time=", "msg=\"pollwire started\"")
	p.signal(t, syscall.SIGTERM)
	if text := p.stderr.String(); strings.Contains(text, "<6>") {
		t.Errorf("a priority that nobody reads: %s", text)
	}

	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("sources: [{name: a, no_such_key: 1}]\nendpoints: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p = underJournal(t, true, "run", "-c", bad)
	if got := p.signal(t, 0); got.code != exitBadConfig {
		t.Errorf("exit code %d", got.code)
	}
	text := p.stderr.await(t, "no_such_key", "endpoints")
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "<3>") {
			t.Errorf("a line of an error without its priority: %s", line)
		}
	}
}

// TestRunLogLevel: the flag wins over the configuration, and is checked first.
func TestRunLogLevel(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.change(t, "server:", "log: {level: error}\nserver:")
	d := start(t, "run", "-c", s.config, "--log-level", "info")
	d.stderr.await(t, "pollwire started")
	d.stop(t)
	pollwire(t, "run", "-c", s.config, "--log-level", "loud").want(t, exitUsage, `! no log level "loud": want debug, info, warn, error`)
	pollwire(t, "run", "-c", "no-such-file.yaml", "--log-level", "WARN").want(t, exitUsage, `! no log level "WARN"`)
}
