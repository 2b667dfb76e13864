package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// binaryFolder is where the binary under test is built, for TestMain to remove.
var binaryFolder string

func TestMain(m *testing.M) {
	// Where the tests themselves run in a service, it is not theirs to speak for.
	for _, name := range []string{"RUNTIME_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		if err := os.Unsetenv(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	code := m.Run()
	if binaryFolder != "" {
		if err := os.RemoveAll(binaryFolder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// buildBinary builds the command as it is shipped, once for all tests, and returns its path.
func buildBinary(t *testing.T) string {
	t.Helper()
	path, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var buildOnce = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "pollwire-test-")
	if err != nil {
		return "", err
	}
	binaryFolder = dir
	path := filepath.Join(dir, "pollwire")
	cmd := exec.Command("../../systemd/package/program", path)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})
