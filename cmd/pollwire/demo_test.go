package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestDemo runs the real thing for a moment: webhooks arrive and are right, it
// ends by itself and by a signal, and nothing is left behind.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := startProcess(t, []string{"TMPDIR=" + dir, "TERM=xterm-256color"}, "demo", "--seed", "7")
	b.stdout.await(t, "Ctrl-C ends it", "the API ", "the receiver ", "order 1001 is paid", "#1 shop.order.updated 1001", "status placed → paid  verified")
	got := b.signal(t, syscall.SIGINT)
	got.want(t, exitOK, "Webhooks: ", " verified, 0 refused. For an API of your own: pollwire init\n")
	for line := range strings.Lines(got.stdout) {
		if len([]rune(line)) > 110 {
			t.Errorf("a line is too long: %s", line)
		}
	}
	if strings.Contains(got.stdout, "\x1b") {
		t.Errorf("colour where there is no terminal: %q", got.stdout)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestDemoEndsByItself: its time begins with it, however long a start takes.
func TestDemoEndsByItself(t *testing.T) {
	t.Parallel()
	for _, time := range []string{"2s", "1ns"} {
		pollwire(t, "demo", "--for", time).want(t, exitOK, "Ctrl-C ends it", " verified, 0 refused.")
	}
}
