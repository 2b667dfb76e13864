package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/notify"
)

// readmeBlock is the README's first block of a language that holds a text.
func readmeBlock(t *testing.T, language, holds string) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(readme), "\n```"+language+"\n")[1:] {
		code, _, _ := strings.Cut(block, "\n```")
		if strings.Contains(code, holds) {
			return code + "\n"
		}
	}
	t.Fatalf("the README has no %s block with %q", language, holds)
	return ""
}

// verifiers make a program of the README's function: it takes id, timestamp,
// signature, body and secret as arguments and prints true or false.
var verifiers = map[string]struct {
	file, head, tail string
	command          []string
}{
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
`, []string{"go", "run"}},
	"python": {"verify.py", "", `
import sys
a = sys.argv
h = {"webhook-id": a[1], "webhook-timestamp": a[2], "webhook-signature": a[3]}
print(str(verify(h, a[4].encode(), a[5])).lower())
`, []string{"python3"}},
	"js": {"verify.js", "", `
const [id, timestamp, signature, body, secret] = process.argv.slice(2);
const h = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
console.log(verify(h, Buffer.from(body), secret));
`, []string{"node"}},
}

// TestReadmeVerifies runs the README's verifiers on webhooks that are right and
// on ones that are not.
func TestReadmeVerifies(t *testing.T) {
	t.Parallel()
	text, other := notify.GenerateSecret(), notify.GenerateSecret()
	secret, err := notify.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	const id, body = "evt_1", `{"n":"ü"}`
	now := time.Now()
	old := now.Add(-time.Hour)
	sign := func(at time.Time) string { return notify.Sign(id, at, []byte(body), []notify.Secret{secret}) }
	cases := map[string]struct {
		at                      time.Time
		signature, body, secret string
		want                    bool
	}{
		"right":         {now, sign(now), body, text, true},
		"second of two": {now, "v1,c2ln " + sign(now), body, text, true},
		"altered body":  {now, sign(now), body + " ", text, false},
		"other secret":  {now, sign(now), body, other, false},
		"old":           {old, sign(old), body, text, false},
	}
	for language, v := range verifiers {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(v.command[0]); err != nil {
				t.Skip(err)
			}
			file := filepath.Join(t.TempDir(), v.file)
			if err := os.WriteFile(file, []byte(v.head+readmeBlock(t, language, "verify(")+v.tail), 0o600); err != nil {
				t.Fatal(err)
			}
			for name, tc := range cases {
				args := append(v.command[1:len(v.command):len(v.command)], file,
					id, strconv.FormatInt(tc.at.Unix(), 10), tc.signature, tc.body, tc.secret)
				out, err := exec.CommandContext(t.Context(), v.command[0], args...).CombinedOutput()
				if err != nil || strings.TrimSpace(string(out)) != strconv.FormatBool(tc.want) {
					t.Errorf("%s: %s, %v; want %v", name, out, err, tc.want)
				}
			}
		})
	}
}

// TestReadmeCurl runs the README's curl against a receiver.
func TestReadmeCurl(t *testing.T) {
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
	block := readmeBlock(t, "sh", "openssl")
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

// TestReadmeSources loads the README's sources, and has their rules compiled.
func TestReadmeSources(t *testing.T) {
	t.Parallel()
	lookup := config.Lookup{Env: func(name string) (string, bool) { return fmt.Sprintf("value of %s, long enough for a key", name), true }}
	for _, holds := range []string{"name: orders", "name: articles", "name: deals"} {
		cfg, err := config.Parse("README.md", []byte(readmeBlock(t, "yaml", holds)), lookup)
		if err == nil {
			err = daemon.Check(cfg)
		}
		if err != nil {
			t.Errorf("%s: %v", holds, err)
		}
	}
}

// TestReadmeEndpoints loads the README's endpoints, of which the recipes are
// those that are held against what their services demand.
func TestReadmeEndpoints(t *testing.T) {
	t.Parallel()
	recipes, err := os.ReadFile("../../internal/daemon/testdata/recipes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if block := readmeBlock(t, "yaml", "name: sms"); block != string(recipes) {
		t.Errorf("the README's recipes are not those of internal/daemon/testdata/recipes.yaml:\n%s", block)
	}
	secret := notify.GenerateSecret()
	lookup := config.Lookup{Env: func(name string) (string, bool) {
		if strings.HasSuffix(name, "_SECRET") {
			return secret, true
		}
		return "value-of-" + name, true
	}}
	const source = "sources: [{name: orders, schedule: \"@hourly\", request: {url: https://shop.example.com/orders}}]\n"
	for _, holds := range []string{"name: warehouse", "name: sms"} {
		cfg, err := config.Parse("README.md", []byte(source+readmeBlock(t, "yaml", holds)), lookup)
		if err == nil {
			err = daemon.Check(cfg)
		}
		if err != nil {
			t.Errorf("%s: %v", holds, err)
		}
	}
}

// TestReadmeMakesPrivateKeys runs the command that makes a whsk_ secret.
func TestReadmeMakesPrivateKeys(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed")
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, command, found := strings.Cut(string(readme), "`openssl genpkey")
	command, _, ended := strings.Cut(command, "`")
	if !found || !ended {
		t.Fatal("the README has no command with openssl genpkey")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", "openssl genpkey"+strings.ReplaceAll(command, "\n", " "))
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	secret, err := notify.ParseSecret("whsk_" + strings.TrimSpace(string(out)))
	if err != nil || !strings.HasPrefix(secret.Public(), "whpk_") {
		t.Errorf("made %q: %v", out, err)
	}
}
