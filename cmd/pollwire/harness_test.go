package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must come. Where it ends, something is
// broken.
const patience = 3 * time.Minute

// result is what a command line came to.
type result struct {
	code           int
	stdout, stderr string
}

// pollwire runs a command line to its end.
func pollwire(t *testing.T, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, strings.NewReader(""), &stdout, &stderr)
	if ctx.Err() != nil {
		t.Fatalf("pollwire %s did not end", strings.Join(args, " "))
	}
	return result{code, stdout.String(), stderr.String()}
}

// want fails unless a command ended with a code, and printed all the parts: a
// part that begins with "! " to stderr, any other to stdout.
func (r result) want(t *testing.T, code int, parts ...string) {
	t.Helper()
	wrong := func(format string, args ...any) {
		t.Helper()
		t.Errorf(format+"\nstdout:\n%s\nstderr:\n%s", append(args, r.stdout, r.stderr)...)
	}
	if r.code != code {
		wrong("exit code %d, want %d", r.code, code)
	}
	speaks := code != exitOK
	for _, part := range parts {
		in := r.stdout
		part, onStderr := strings.CutPrefix(part, "! ")
		if onStderr {
			in, speaks = r.stderr, true
		}
		if !strings.Contains(in, part) {
			wrong("%q is not printed", part)
		}
	}
	if r.stderr != "" && !speaks {
		wrong("something went to stderr")
	}
}

// output collects what a command prints while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{} // closed and replaced at each Write
}

func newOutput() *output { return &output{news: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.news)
	o.news = make(chan struct{})
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await returns what has been printed when it has all the parts.
func (o *output) await(t *testing.T, parts ...string) string {
	t.Helper()
	return o.awaitSince(t, 0, parts...)
}

// awaitSince returns what has been printed after so many bytes when that has all the
// parts.
func (o *output) awaitSince(t *testing.T, from int, parts ...string) string {
	t.Helper()
	timeout := time.After(patience)
	for {
		o.mu.Lock()
		text, news := o.text.String()[from:], o.news
		o.mu.Unlock()
		if hasAll(text, parts) {
			return text
		}
		select {
		case <-news:
		case <-timeout:
			t.Fatalf("not printed: %q; but:\n%s", parts, text)
		}
	}
}

// awaitCount returns when a part has been printed so many times.
func (o *output) awaitCount(t *testing.T, part string, n int) {
	t.Helper()
	timeout := time.After(patience)
	for {
		o.mu.Lock()
		text, news := o.text.String(), o.news
		o.mu.Unlock()
		if strings.Count(text, part) >= n {
			return
		}
		select {
		case <-news:
		case <-timeout:
			t.Fatalf("not printed %d times: %q; but:\n%s", n, part, text)
		}
	}
}

func hasAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// eventually asks until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	timeout := time.After(patience)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-timeout:
			t.Fatalf("waiting for %s, %v have passed in vain", what, patience)
		}
	}
}

// background is a command that runs until it is stopped.
type background struct {
	stdout, stderr *output
	cancel         context.CancelFunc
	code           chan int
}

// start runs a command line in this process, until the test ends or stop.
func start(t *testing.T, args ...string) *background {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	b := &background{stdout: newOutput(), stderr: newOutput(), cancel: cancel, code: make(chan int, 1)}
	go func() { b.code <- run(ctx, args, strings.NewReader(""), b.stdout, b.stderr) }()
	t.Cleanup(func() { b.stop(t) })
	return b
}

// stop ends a command as a signal would, and returns its exit code.
func (b *background) stop(t *testing.T) int {
	t.Helper()
	b.cancel()
	select {
	case code := <-b.code:
		b.code <- code // for the next stop
		return code
	case <-time.After(patience):
		t.Errorf("did not stop:\n%s", b.stderr)
		return -1
	}
}

// process is the real binary at work.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr *output
}

// startProcess runs the real binary with more in its environment.
func startProcess(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(t.Context(), buildBinary(t), args...), stdout: newOutput(), stderr: newOutput()}
	p.cmd.Env = append(os.Environ(), append([]string{"RUNTIME_DIRECTORY="}, env...)...)
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// waitFor waits for the end of a process, which says what it is at and ends where it
// comes to none.
func waitFor(cmd *exec.Cmd) error {
	stuck := time.AfterFunc(patience, func() { _ = cmd.Process.Signal(syscall.SIGQUIT) })
	defer stuck.Stop()
	return cmd.Wait()
}

// signal sends a signal, if one is given, and returns what the process came to.
func (p *process) signal(t *testing.T, signal syscall.Signal) result {
	t.Helper()
	if signal != 0 {
		if err := p.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	err := waitFor(p.cmd)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{p.cmd.ProcessState.ExitCode(), p.stdout.String(), p.stderr.String()}
}
