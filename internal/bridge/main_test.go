package bridge

import (
	"os"
	"testing"

	"github.com/pollwire/pollwire/internal/rapidtest"
)

// checks is how many histories each property is tried with, where the flag does not
// say: each makes a database and goes through dozens of polls.
const checks = 15

func TestMain(m *testing.M) {
	rapidtest.Checks(checks)
	os.Exit(m.Run())
}
