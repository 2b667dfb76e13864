package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/notify"
)

// webhookPage is where the functions are that verify.
const webhookPage = "docs/webhook.md"

// verifier makes a program of a function of docs/webhook.md: it takes id, timestamp,
// signature, body and secret as arguments and prints true or false.
type verifier struct {
	file, head, tail string
	// command runs the file; the go command builds it first.
	command string
}

var verifiers = map[string]verifier{
	"go": {"main.go", `package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

`, `
func main() {
	h := http.Header{}
	h.Set("webhook-id", os.Args[1])
	h.Set("webhook-timestamp", os.Args[2])
	h.Set("webhook-signature", os.Args[3])
	fmt.Println(verify(h, []byte(os.Args[4]), os.Args[5]))
}
`, "go"},
	"python": {"verify.py", "", `
import sys
a = sys.argv
h = {"webhook-id": a[1], "webhook-timestamp": a[2], "webhook-signature": a[3]}
print(str(verify(h, a[4].encode(), a[5])).lower())
`, "python3"},
	"js": {"verify.js", "", `
const [id, timestamp, signature, body, secret] = process.argv.slice(2);
const h = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
console.log(verify(h, Buffer.from(body), secret));
`, "node"},
	"ruby": {"verify.rb", "", `
id, timestamp, signature, body, secret = ARGV
h = { 'webhook-id' => id, 'webhook-timestamp' => timestamp, 'webhook-signature' => signature }
puts verify(h, body, secret)
`, "ruby"},
	"php": {"verify.php", "<?php\n", `
[, $id, $timestamp, $signature, $body, $secret] = $argv;
$h = ['webhook-id' => $id, 'webhook-timestamp' => $timestamp, 'webhook-signature' => $signature];
echo verify($h, $body, $secret) ? "true\n" : "false\n";
`, "php"},
}

// verifierCase is a webhook, and whether it is to be taken.
type verifierCase struct {
	id, at, signature, body, secret string
	want                            bool
}

// verifierCases are a webhook as it was posted just now, and others that are not
// right.
func verifierCases(t *testing.T) map[string]verifierCase {
	t.Helper()
	text, other := notify.GenerateSecret(), notify.GenerateSecret()
	secret, err := notify.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	posted := mustPost(t, secret, `{"n":"ü"}`)
	id, body := posted.Header.Get("webhook-id"), string(posted.Body)
	at, signature := posted.Header.Get("webhook-timestamp"), posted.Header.Get("webhook-signature")
	now, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	hourAgo := time.Unix(now-3600, 0)
	signedThen := notify.Sign(id, hourAgo, posted.Body, []notify.Secret{secret})
	return map[string]verifierCase{
		"right":         {id, at, signature, body, text, true},
		"second of two": {id, at, "v1,c2ln " + signature, body, text, true},
		"altered body":  {id, at, signature, body + " ", text, false},
		"other secret":  {id, at, signature, body, other, false},
		"other time":    {id, strconv.FormatInt(now-1, 10), signature, body, text, false},
		"old":           {id, strconv.FormatInt(hourAgo.Unix(), 10), signedThen, body, text, false},
	}
}

// TestVerifiers runs the functions of docs/webhook.md on webhooks. Each language has
// its own: the tests of others may take longer than a webhook is fresh.
func TestVerifiers(t *testing.T) {
	t.Parallel()
	for language, v := range verifiers {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			program := v.program(t, language)
			for name, tc := range verifierCases(t) {
				args := append(program[1:len(program):len(program)], tc.id, tc.at, tc.signature, tc.body, tc.secret)
				out, err := exec.CommandContext(t.Context(), program[0], args...).CombinedOutput()
				if err != nil || strings.TrimSpace(string(out)) != strconv.FormatBool(tc.want) {
					t.Errorf("%s: %s, %v; want %v", name, out, err, tc.want)
				}
			}
		})
	}
}

// program is a command line that runs the function, without its arguments.
func (v verifier) program(t *testing.T, language string) []string {
	t.Helper()
	if _, err := exec.LookPath(v.command); err != nil {
		t.Skip(err)
	}
	file := filepath.Join(t.TempDir(), v.file)
	if err := os.WriteFile(file, []byte(v.head+docsBlock(t, webhookPage, language, "verify(")+v.tail), 0o600); err != nil {
		t.Fatal(err)
	}
	if language != "go" {
		return []string{v.command, file}
	}
	built := strings.TrimSuffix(file, ".go")
	if out, err := exec.CommandContext(t.Context(), v.command, "build", "-o", built, file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return []string{built}
}

// mustPost has a webhook posted, and returns it as it arrived.
func mustPost(t *testing.T, secret notify.Secret, body string) *receiver.Webhook {
	t.Helper()
	var got receiver.Webhook
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got.Header = r.Header
		got.Body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	sender := notify.NewSender(notify.SenderOptions{Version: "1.2.3"})
	defer sender.Close()
	endpoint := notify.Endpoint{Name: "ops", URL: server.URL, Enabled: true, Secrets: []notify.Secret{secret}}
	attempt, verdict := sender.Send(t.Context(), &endpoint, notify.Message{ID: "evt_1", Body: []byte(body), Number: 1})
	if verdict.Action != notify.Deliver {
		t.Fatalf("post: %+v", attempt)
	}
	return &got
}

// TestCurl runs the curl of docs/webhook.md against a receiver.
func TestCurl(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"sh", "curl", "openssl"} {
		if _, err := exec.LookPath(command); err != nil {
			t.Skip(err)
		}
	}
	text := notify.GenerateSecret()
	secret, err := notify.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	hooks := make(chan *receiver.Webhook, 1)
	server := httptest.NewServer(receiver.New([]notify.Secret{secret}, func(w *receiver.Webhook) { hooks <- w }))
	t.Cleanup(server.Close)
	block := docsBlock(t, webhookPage, "sh", "curl")
	for _, tc := range []struct {
		name, secret, code string
		want               error
	}{
		{"right", text, block, nil},
		{"other secret", notify.GenerateSecret(), block, notify.ErrSignature},
		{"old", text, strings.Replace(block, "$(date +%s)", "$(($(date +%s) - 3600))", 1), notify.ErrTimestamp},
	} {
		cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", tc.code)
		cmd.Env = append(cmd.Environ(), "SECRET="+tc.secret, "URL="+server.URL)
		out, err := cmd.CombinedOutput()
		if (err == nil) != (tc.want == nil) {
			t.Errorf("%s: %v: %s", tc.name, err, out)
		}
		if w := <-hooks; !errors.Is(w.Err, tc.want) || !bytes.Equal(w.Body, []byte(`{"hello": "world"}`)) {
			t.Errorf("%s: received %s: %v", tc.name, w.Body, w.Err)
		}
	}
}

// TestPrivateKeys runs the commands that make a whsk_ secret.
func TestPrivateKeys(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", docsBlock(t, webhookPage, "sh", "genpkey"))
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	secret, err := notify.ParseSecret(strings.TrimSpace(string(out)))
	if err != nil || !strings.HasPrefix(secret.Public(), "whpk_") {
		t.Errorf("made %q: %v", out, err)
	}
}
