package notify

import (
	"flag"
	"os"
	"testing"
)

// checks is how many histories each property is tried with, where the flag does not
// say: under the race detector some take half a second each.
const checks = "30"

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set(checks); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
