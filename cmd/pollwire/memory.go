package main

import (
	"os"
	"runtime/debug"
)

// gcPercent is how much the heap may grow between two collections, unless GOGC
// says otherwise. A daemon of many sources holds much and makes little garbage:
// half of Go's default costs no CPU that could be measured and saves a quarter
// of the memory.
const gcPercent = 50

// tuneMemory sets how the garbage collector works in a daemon.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// releaseStartMemory gives back what reading the configuration took: the tree
// of a large file is several times what remains of it.
func releaseStartMemory() { debug.FreeOSMemory() }
