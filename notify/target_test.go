package notify

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pollwire/pollwire/internal/httpclient"
)

func mustTarget(tb testing.TB, e *Endpoint) *target {
	tb.Helper()
	t, err := newTarget(e, httpclient.NewRoutes(httpclient.Options{}))
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func TestLocationShowsWhereARedirectLeadsAndNoSecret(t *testing.T) {
	t.Parallel()
	e := testEndpoint(t, "ops")
	e.URL = "http://user:pass%2Fword@hooks.example.com/hooks/T0/secret%20path?token=secret-query"
	at := mustTarget(t, &e)
	for header, want := range map[string]string{
		"":                                    "no Location",
		"http://%zz":                          "an unreadable Location",
		"mailto:ops@example.com":              "an unreadable Location",
		"https://login.example.com/sign-in":   `Location "https://login.example.com/sign-in"`,
		"/login":                              `Location "http://hooks.example.com/login"`,
		"/login?next=/hooks/T0/secret%20path": `Location "http://hooks.example.com/login?next=…"`,
		"https://hooks.example.com/hooks/T0/secret%20path":   `Location "https://hooks.example.com/hooks/T0/…"`,
		"https://hooks.example.com/v2/secret%20path/":        `Location "https://hooks.example.com/v2/…/"`,
		"https://hooks.example.com/v2/secret%2520path/":      `Location "https://hooks.example.com/v2/…/"`,
		"https://hooks.example.com/to/x-secret-query-x#part": `Location "https://hooks.example.com/to/…"`,
		"https://joe:pass%2Fword@elsewhere.example.com/":     `Location "https://elsewhere.example.com/"`,
		"/" + strings.Repeat("é", 200):                       "",
	} {
		got := at.location(header)
		if want != "" && got != want {
			t.Errorf("%q is shown as %s, want %s", header, got, want)
		}
		if len(got) > maxLocationBytes+len(`Location ""`) || !utf8.ValidString(got) {
			t.Errorf("%q is shown as %s", header, got)
		}
		for _, leak := range []string{"secret", "pass", "word"} {
			if strings.Contains(got, leak) {
				t.Errorf("%q is shown as %s", header, got)
			}
		}
	}
}

func TestFailureShowsOriginOnly(t *testing.T) {
	t.Parallel()
	e := testEndpoint(t, "ops")
	e.URL = "https://hooks.example.com/a/b?c=d"
	at := mustTarget(t, &e)
	for err, want := range map[error]string{
		errors.New("refused"):                      "post to https://hooks.example.com: refused",
		errors.New("POST " + e.URL + ": broken"):   "post to https://hooks.example.com: POST <secret>: broken",
		errors.New("path /a/b is odd"):             "post to https://hooks.example.com: path <secret> is odd",
		errors.New("bytes \xff"):                   "post to https://hooks.example.com: bytes \uFFFD",
		errors.New("key " + vectorSecret + " bad"): "post to https://hooks.example.com: key <secret> bad",
	} {
		if got := at.failure(err); got != want {
			t.Errorf("%q is shown as %q, want %q", err, got, want)
		}
	}
	if got := at.failure(errors.New(strings.Repeat("long ", 1000))); len(got) > 1200 {
		t.Errorf("%d bytes are shown of a long error", len(got))
	}
}

// What was prepared for an endpoint must not serve the one that replaced it.
func TestSenderSeesThatAnEndpointWasReplaced(t *testing.T) {
	t.Parallel()
	s := NewSender(SenderOptions{Transport: &fixedAnswer{}})
	for i, url := range []string{"https://one.example.com/hook", "https://two.example.com/hook", "https://one.example.com/hook"} {
		e := testEndpoint(t, "ops")
		e.URL = url
		first, err := s.target(&e)
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.target(&e)
		if err != nil || again != first {
			t.Errorf("%d: the target was prepared twice: %v", i, err)
		}
		if got := first.url.String(); got != url {
			t.Errorf("%d: the target leads to %s", i, got)
		}
	}
	if len(s.targets) != 1 {
		t.Errorf("%d targets are kept for one name", len(s.targets))
	}
}

// An attempt must not change what the others of its endpoint are made from.
func TestAttemptsShareNoHeader(t *testing.T) {
	t.Parallel()
	rt := &fixedAnswer{}
	s := NewSender(SenderOptions{Transport: rt})
	e := testEndpoint(t, "ops")
	e.Header = http.Header{"x-two": {"one value", "another"}}
	s.Send(t.Context(), &e, testMessage)
	rt.header.Set("X-Two", "changed")
	rt.header["X-Other"] = []string{"added"}
	s.Send(t.Context(), &e, testMessage)
	if got := rt.header["X-Two"]; len(got) != 2 || got[0] != "one value" || rt.header.Get("X-Other") != "" {
		t.Errorf("the second attempt has %v", rt.header)
	}
}

// Answers that are kept are searched for secrets on every attempt.
func BenchmarkAnswerIsMasked(b *testing.B) {
	e := testEndpoint(b, "ops")
	e.Header = http.Header{"X-Api-Key": {"a-configured-key"}}
	at := mustTarget(b, &e)
	body := bytes.Repeat([]byte(`{"ok":true}`), 20)
	b.ReportAllocs()
	for b.Loop() {
		at.body(answer{body: body})
	}
}
