package notify

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// capture posts a message to a server and returns the request as it arrived.
func capture(t *testing.T, e *Endpoint, m Message) (*http.Request, []byte) {
	t.Helper()
	var got *http.Request
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}))
	t.Cleanup(srv.Close)
	e.URL = srv.URL
	if attempt, verdict := ownSender(t).Send(t.Context(), e, m); verdict.Action != Deliver {
		t.Fatalf("Send gave %+v", attempt)
	}
	return got, body
}

// interopMessages are what an endpoint of a format is told, alone and in a batch.
func interopMessages(t *testing.T, e *Endpoint) map[string]Message {
	t.Helper()
	var bodies [][]byte
	for _, id := range []string{"evt_01JABCDEF0123456789ABCDEFG", "evt_01JABCDEF0123456789ABCDEFH"} {
		body, err := Render(e, &Event{
			Position: 7, ID: id, Type: "test.item.updated", Source: "orders", Subject: "ünïcode <key>",
			Time: time.Unix(1767323045, 678e6), Sequence: 42, Data: []byte(`{"change":"updated","n":12345678901234567890,"s":"\u2028 é"}`),
		}, "https://pollwire.example.com")
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, body)
	}
	return map[string]Message{
		"alone": {ID: "evt_01JABCDEF0123456789ABCDEFG", Body: bodies[0], ContentType: e.ContentType(false), Number: 1},
		"batch": {ID: "bat_01JABCDEF0123456789ABCDEFG", Body: RenderBatch(e, bodies), ContentType: e.ContentType(true), Number: 1},
	}
}

func TestOfficialGoLibrariesTakeWhatIsSent(t *testing.T) {
	t.Parallel()
	for _, format := range []Format{FormatStandard, FormatCloudEvents} {
		e := testEndpoint(t, "ops")
		e.Format = format
		for name, m := range interopMessages(t, &e) {
			to := e
			req, body := capture(t, &to, m)
			official, err := standardwebhooks.NewWebhook(vectorSecret)
			if err != nil {
				t.Fatal(err)
			}
			if err := official.Verify(body, req.Header); err != nil {
				t.Errorf("%s, %s: Standard Webhooks says %v", format, name, err)
			}
			events, mediaType := make([]cloudevents.Event, 1), cloudevents.ApplicationCloudEventsJSON
			var into any = &events[0]
			if name == "batch" {
				into, mediaType = &events, cloudevents.ApplicationCloudEventsBatchJSON
			}
			if err := json.Unmarshal(body, into); err != nil {
				t.Errorf("%s: the CloudEvents SDK says %v", name, err)
			}
			if got := req.Header.Get("Content-Type"); format == FormatCloudEvents && !strings.HasPrefix(got, mediaType) {
				t.Errorf("%s: sent as %s, want %s", name, got, mediaType)
			}
			for _, event := range events {
				if err := event.Validate(); err != nil || event.Type() != "test.item.updated" || event.Subject() != "ünïcode <key>" {
					t.Errorf("%s: the CloudEvents SDK reads %s: %v", name, event, err)
				}
			}
			if want := 1 + strings.Count(name, "batch"); len(events) != want {
				t.Errorf("%s: the CloudEvents SDK reads %d events, want %d", name, len(events), want)
			}
		}
	}
}

// The libraries of JavaScript are those that most receivers are written with.
func TestOfficialJavaScriptLibrariesTakeWhatIsSent(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	dir := filepath.Join("testdata", "interop")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "standardwebhooks")); err != nil {
		t.Skip("the libraries are not installed: npm ci --ignore-scripts --prefix notify/testdata/interop")
	}
	e := testEndpoint(t, "ops")
	e.Format, e.AlsoSign = FormatCloudEvents, []Provider{GitHub, Stripe}
	for name, m := range interopMessages(t, &e) {
		to := e
		req, body := capture(t, &to, m)
		headers := make(map[string]string)
		for key := range req.Header {
			headers[strings.ToLower(key)] = req.Header.Get(key)
		}
		input, err := json.Marshal(map[string]any{"headers": headers, "body": body, "secret": vectorSecret})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), node, "verify.mjs")
		cmd.Dir, cmd.Stdin = dir, bytes.NewReader(input)
		var complaint strings.Builder
		cmd.Stderr = &complaint
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", name, err, &complaint)
		}
		var said map[string]string
		if err := json.Unmarshal(out, &said); err != nil {
			t.Fatalf("%s: %v in %s", name, err, out)
		}
		for _, library := range []string{"standardwebhooks", "svix", "stripe", "github", "cloudevents"} {
			if said[library] != "ok" {
				t.Errorf("%s: %s says %s", name, library, said[library])
			}
		}
	}
}
