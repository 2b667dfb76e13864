package realtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pollwire/pollwire/internal/server"
)

// stripeMock is where the module stands that says which stripe-mock there is.
const stripeMock = "stripemock"

// TestStripe holds the recipe against Stripe's own description of its API, by
// stripe-mock: it refuses parameters that Stripe does not have. It keeps no state,
// but answers with what it is given as it starts.
func TestStripe(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "stripe-mock")
	buildModule(t, stripeMock, program, "github.com/stripe/stripe-mock")
	serve := func(more ...string) map[string]http.RoundTripper {
		ports := freePorts(t, 2)
		here := fmt.Sprintf("127.0.0.1:%d", ports[0])
		log := startProcess(t, nil, program, append([]string{"-http-addr", here, "-https-addr", fmt.Sprintf("127.0.0.1:%d", ports[1])}, more...)...)
		awaitServer(t, "http://"+here, log)
		return map[string]http.RoundTripper{"api.stripe.com": at(here)}
	}
	lead := serve()
	w := start(t, subject{name: "stripe", set: map[string]string{"STRIPE_KEY": "sk_test_123"}, lead: lead})
	w.wantFirst(t, "stripe-events")
	w.wantPoll(t, "stripe-events", server.PollUnchanged)

	w.leadTo(serve("-fixtures", failedPayment(t)))
	w.wantPoll(t, "stripe-events", server.PollChanged)
	w.await(t, "stripe.event.created", "evt_failed")
	w.wantTold(t, 1)

	wrong := start(t, subject{name: "stripe", set: map[string]string{"STRIPE_KEY": "wrong"}, lead: lead})
	wrong.next(t, "stripe-events", 0)
	wrong.wantFailed(t, "stripe-events", "401 Unauthorized")
}

// buildModule builds a program of a module that stands beside the tests.
func buildModule(t *testing.T, dir, program, pkg string) {
	t.Helper()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, pkg)
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
}

// failedPayment is a file with what stripe-mock answers, in which the event is a
// payment that failed.
func failedPayment(t *testing.T) string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/stripe/stripe-mock")
	list.Dir = stripeMock
	dir, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "embedded", "openapi", "fixtures3.json"))
	if err != nil {
		t.Fatal(err)
	}
	var fixtures struct {
		Resources map[string]json.RawMessage `json:"resources"`
	}
	if err := json.Unmarshal(text, &fixtures); err != nil {
		t.Fatal(err)
	}
	var event, intent map[string]any
	for name, into := range map[string]*map[string]any{"event": &event, "payment_intent": &intent} {
		d := json.NewDecoder(bytes.NewReader(fixtures.Resources[name]))
		d.UseNumber()
		if err := d.Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	event["id"], event["type"] = "evt_failed", "payment_intent.payment_failed"
	event["data"] = map[string]any{"object": intent}
	if fixtures.Resources["event"], err = json.Marshal(event); err != nil {
		t.Fatal(err)
	}
	changed, err := json.Marshal(fixtures)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, t.TempDir(), "fixtures.json", string(changed))
}
