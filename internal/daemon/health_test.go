package daemon_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/server"
)

// TestHealthOfAll: all that is checked of a daemon that is well.
func TestHealthOfAll(t *testing.T) {
	t.Parallel()
	r := startDaemon(t, watch(newAPI(t, `{}`), newHooks(t), ""))
	got, err := r.client.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range got.Checks {
		if got.Checks[i].Name == "disk" { // what that says depends on this machine
			got.Checks[i] = server.CheckResult{Name: "disk", OK: true, Warning: true}
		}
	}
	want := &server.Health{Ready: true, Checks: []server.CheckResult{
		{Name: "database", OK: true}, {Name: "loops", OK: true}, {Name: "deliveries", OK: true}, {Name: "disk", OK: true, Warning: true},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
