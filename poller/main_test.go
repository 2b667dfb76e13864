package poller

import (
	"os"
	"testing"

	"github.com/pollwire/pollwire/internal/rapidtest"
)

// checks is how many histories each property is tried with, where the flag does not
// say: under the race detector some take half a second each.
const checks = 30

func TestMain(m *testing.M) {
	rapidtest.Checks(checks)
	os.Exit(m.Run())
}
