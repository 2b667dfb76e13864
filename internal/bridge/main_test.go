package bridge

import (
	"flag"
	"os"
	"testing"
)

// checks is how many histories each property is tried with, where the flag does not
// say: each makes a database and goes through dozens of polls.
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
