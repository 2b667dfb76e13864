package daemon_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
)

// resident is the memory that this process has in RAM, in bytes (proc(5)).
func resident(tb testing.TB) int64 {
	tb.Helper()
	f, err := os.Open("/proc/self/status")
	if err != nil {
		tb.Skip(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var kib int64
		if value, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			if _, err := fmt.Sscan(value, &kib); err != nil {
				tb.Fatal(err)
			}
			return kib << 10
		}
	}
	tb.Fatal("no VmRSS in /proc/self/status")
	return 0
}
