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
	// Where a configuration names no database, it is made in the folder of who runs it.
	const database = "pollwire.db"
	_, before := os.Stat(database)
	code := m.Run()
	if _, after := os.Stat(database); before != nil && after == nil {
		fmt.Fprintf(os.Stderr, "a test left %s here: give its configuration a database, or run it in a folder of its own\n", database)
		code = 1
	}
	if binaryFolder != "" {
		if err := os.RemoveAll(binaryFolder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// buildBinary returns the path of the command as it is shipped: a copy of
// POLLWIRE_BINARY, or one built for all tests.
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
	produce := exec.Command("../../systemd/package/program", path)
	if built := os.Getenv("POLLWIRE_BINARY"); built != "" {
		// Not by this process: what another test starts at that moment would hold the
		// file open for writing, and it could not be run.
		produce = exec.Command("cp", built, path)
	}
	if out, err := produce.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", produce, err, out)
	}
	return path, nil
})
