package realtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// firstPort and lastPort are below those that systems give away by themselves:
// Linux from 32768, others from 49152.
const firstPort, lastPort = 20000, 32000

// skip skips a test that cannot run here, or fails it where POLLWIRE_NO_SKIP
// says that it must run.
func skip(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("POLLWIRE_NO_SKIP") != "" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// need skips a test where there is none of the files of a server; install says how
// to get it.
func need(t *testing.T, install string, files ...string) {
	t.Helper()
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			skip(t, fmt.Sprintf("not installed (%s): %v", install, err))
		}
	}
}

// startProcess runs a program until the test ends; what it prints is for the
// case that it does not start.
func startProcess(t *testing.T, env []string, program string, args ...string) fmt.Stringer {
	t.Helper()
	output := new(printed)
	cmd := exec.CommandContext(context.Background(), program, args...) // outlives the test's context, for a clean end
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), env...), output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 10 * time.Second // its children in groups of their own may hold what it prints to
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The group, since some are shell scripts that start the real one.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	return output
}

// printed is what a process prints. It may be looked at meanwhile.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// awaitServer waits until a URL answers, whatever it answers; log is what the server
// prints.
func awaitServer(t *testing.T, at string, log fmt.Stringer) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server at %s:\n%s", at, log)
		}
	})
	eventually(t, func() error {
		_, err := call(t, http.MethodGet, at, nil, nil)
		return err
	})
}

// call makes one request with headers and returns the body of its answer.
func call(t *testing.T, method, at string, header map[string]string, body []byte) ([]byte, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, at, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// freePorts returns loopback ports for programs that must be told theirs. They are
// none that the system gives away by itself, to whoever listens or dials meanwhile,
// and no other test of this machine takes them until this one ends.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for tries := 0; len(ports) < n; tries++ {
		if tries == 1000 {
			t.Fatal("no free ports are found")
		}
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		// The name of a socket that is no file: it ends with this process at the latest.
		claim, err := net.Listen("unix", fmt.Sprintf("@pollwire-test-port-%d", port))
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			claim.Close()
			continue
		}
		l.Close()
		t.Cleanup(func() { claim.Close() })
		ports = append(ports, port)
	}
	return ports
}

// write writes a file of a server and returns its path.
func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
