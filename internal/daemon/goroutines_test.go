package daemon

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// goroutines are the stacks of all that run, by the lines that started them.
func goroutines() map[string]int {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	count := make(map[string]int)
	for stack := range strings.SplitSeq(string(buf), "\n\n") {
		_, by, ok := strings.Cut(stack, "created by ")
		if !ok {
			continue // the first one
		}
		by, _, _ = strings.Cut(by, " in goroutine")
		count[by]++
	}
	return count
}

// mustReturnTo waits until no more goroutines run than before. Those of closed
// connections take a moment to end. No other test may run meanwhile.
func mustReturnTo(t *testing.T, before map[string]int) {
	t.Helper()
	timeout := time.After(patience)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		left := make(map[string]int)
		for by, n := range goroutines() {
			if n > before[by] {
				left[by] = n - before[by]
			}
		}
		if len(left) == 0 {
			return
		}
		select {
		case <-again.C:
		case <-timeout:
			t.Fatalf("goroutines left: %v", left)
		}
	}
}
