// Package rapidtest chooses how much the property tests of a package try.
package rapidtest

import (
	"flag"
	"fmt"
	"strconv"
)

// Checks parses the flags of a test binary, and has each property tried with n
// histories where -rapid.checks does not say. It is for TestMain of a package whose
// properties are dear, and that uses pgregory.net/rapid.
func Checks(n int) {
	flag.Parse()
	f := flag.Lookup("rapid.checks")
	if f.Value.String() != f.DefValue {
		return
	}
	if err := f.Value.Set(strconv.Itoa(n)); err != nil {
		panic(fmt.Errorf("set rapid.checks: %w", err)) // the flag takes any number
	}
}
