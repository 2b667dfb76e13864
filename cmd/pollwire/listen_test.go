package main

import (
	"bytes"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/notify"
)

// startListen runs a receiver and returns it with its URL.
func startListen(t *testing.T, args ...string) (b *background, url string) {
	t.Helper()
	b = start(t, append([]string{"listen", "--addr", "127.0.0.1:0"}, args...)...)
	b.stderr.await(t, "(Ctrl-C ends it)\n")
	found := regexp.MustCompile(`listening on (http://\S+) `).FindStringSubmatch(b.stderr.String())
	if found == nil {
		t.Fatalf("no address:\n%s", b.stderr)
	}
	return b, found[1]
}

// post posts a webhook, signed with a secret, and returns the status.
func post(t *testing.T, url, id, secret, body string, more ...string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/any/path", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = signed(t, id, secret, time.Now(), []byte(body))
	for _, header := range more {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// signed are the headers of a webhook.
func signed(t *testing.T, id, secret string, at time.Time, body []byte) http.Header {
	t.Helper()
	parsed, err := notify.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return http.Header{
		notify.HeaderID:        {id},
		notify.HeaderTimestamp: {strconv.FormatInt(at.Unix(), 10)},
		notify.HeaderSignature: {notify.Sign(id, at, body, []notify.Secret{parsed})},
	}
}

func TestListenVerifies(t *testing.T) {
	t.Parallel()
	mine, older, wrong := notify.GenerateSecret(), notify.GenerateSecret(), notify.GenerateSecret()
	b, url := startListen(t, "--secret", mine, "--secret", older)
	for _, tc := range []struct {
		id, secret, body string
		more             []string
		status           int
		prints           string
	}{
		{"evt_1", mine, `{"a":1}`, nil, 204, "  evt_1  signature ok\n{\n  \"a\": 1\n}\n"},
		{"evt_2", older, `{"a":2}`, []string{"pollwire-attempt: 2"}, 204, "  evt_2  signature ok, attempt 2\n"},
		{"evt_3", wrong, `{"a":3}`, nil, 401, "  evt_3  refused: webhook-signature matches none of the secrets\n{\n  \"a\": 3\n}\n"},
		{"evt_3", mine, `{"a":3}`, nil, 204, "  evt_3  signature ok\n"}, // refused is not seen
		{"evt_1", mine, `{"a":1}`, []string{"pollwire-replay: true"}, 204, "  evt_1  signature ok, repeat, replay\n"},
		{"evt_4", mine, "plain\x1b[31m text", nil, 204, "  evt_4  signature ok\n\"plain\\x1b[31m text\"\n"},
		{"bat_1", mine, `[{"a":1},{"a":2}]`, []string{"content-type: application/cloudevents-batch+json"}, 204, "  bat_1  signature ok, \"application/cloudevents-batch+json\", a batch of 2\n[\n"},
		{"evt_5", mine, `{"a":1}`, []string{"content-type: application/json; charset=utf-8"}, 204, "  evt_5  signature ok\n{\n"},
		{
			"evt_6", mine, "To=%2B49&Body=a+%22b%22%1b",
			[]string{"content-type: application/x-www-form-urlencoded"},
			204,
			"  evt_6  signature ok, \"application/x-www-form-urlencoded\"\n\"Body\": \"a \\\"b\\\"\\x1b\"\n\"To\": \"+49\"\n",
		},
	} {
		if got := post(t, url, tc.id, tc.secret, tc.body, tc.more...); got != tc.status {
			t.Errorf("%s is answered with %d, want %d", tc.id, got, tc.status)
		}
		b.stdout.await(t, tc.prints)
	}
	if code := b.stop(t); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if all := b.stdout.String() + b.stderr.String(); strings.Contains(all, mine) || strings.Contains(all, "not verified") {
		t.Errorf("printed:\n%s", all)
	}
}

// A receiver of asymmetric signatures has the public key only.
func TestListenVerifiesByAPublicKey(t *testing.T) {
	t.Parallel()
	const private = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
	parsed, err := notify.ParseSecret(private)
	if err != nil {
		t.Fatal(err)
	}
	b, url := startListen(t, "--secret", parsed.Public())
	if got := post(t, url, "evt_1", private, `{"a":1}`); got != 204 {
		t.Errorf("answered with %d", got)
	}
	b.stdout.await(t, "  evt_1  signature ok\n")
	if got := post(t, url, "evt_2", notify.GenerateSecret(), `{"a":2}`); got != 401 {
		t.Errorf("another key is answered with %d", got)
	}
	b.stdout.await(t, "  evt_2  refused: ")
	if code := b.stop(t); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

func TestListenWithoutSecret(t *testing.T) {
	t.Parallel()
	b, url := startListen(t)
	if got := post(t, url, "evt_1", notify.GenerateSecret(), `{"a":1}`); got != 204 {
		t.Errorf("answered with %d", got)
	}
	b.stdout.await(t, "  evt_1  signature not verified\n")
	b.stderr.await(t, "no --secret given: signatures are not verified\n")
	resp, err := http.DefaultTransport.RoundTrip(must(http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader([]byte("{}")))))
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	b.stdout.await(t, "  no webhook-id  signature not verified\n")
}

func must(req *http.Request, err error) *http.Request {
	if err != nil {
		panic(err)
	}
	return req
}

// TestListenRefusesABadSecret without repeating it: terminals are recorded.
func TestListenRefusesABadSecret(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"hidden-secret", "whsec_hidden", "whsec_hiddenhidden==", ""} {
		got := pollwire(t, "listen", "--addr", "127.0.0.1:0", "--secret", secret)
		got.want(t, exitUsage, "! pollwire: --secret: secret ")
		if strings.Contains(got.stderr, "hidden") {
			t.Errorf("the secret is printed: %s", got.stderr)
		}
	}
}

func TestListenWhereItCannot(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	addr := l.Addr().String()
	pollwire(t, "listen", "--addr", addr).want(t, exitFailed, "! listen on "+addr+": another process does; choose another port with --addr")
	pollwire(t, "listen", "--addr", "nonsense").want(t, exitFailed, "! listen on nonsense: address nonsense: missing port in address")
}

// TestListenKnowsWhatPollSends takes both ends from the command line.
func TestListenKnowsWhatPollSends(t *testing.T) {
	t.Parallel()
	s := newSetup(t, before)
	s.baseline(t)
	s.api.says(http.StatusOK, after)
	b, url := startListen(t, "--secret", s.hooks.secret)
	s.change(t, s.hooks.url, url)
	pollwire(t, "poll", "orders", "-c", s.config, "--send").want(t, exitOK, " to you: 204 in ", "! asks by itself")
	text := b.stdout.await(t, `"type": "shop.order.updated"`, `"type": "shop.order.created"`)
	if strings.Count(text, "signature ok") != 2 || !strings.Contains(text, "  test_") {
		t.Errorf("printed:\n%s", text)
	}
}
