package server_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/server"
)

const ordersSecret = "orders+secret/0123456789="

// poked is a Poker that says which source it was told to poll.
type poked chan string

func (p poked) Poke(source string) (time.Duration, error) {
	p <- source
	return 0, nil
}

func (p poked) MayPoke(source string) error {
	if source == "held" {
		return &server.Refusal{Reason: `source "held" is paused`}
	}
	return nil
}

// waiting is how many polls were asked for and not taken yet.
func (p poked) waiting() int { return len(p) }

func startPoked(t *testing.T, opts server.Options) (*server.Server, poked, *controller) {
	t.Helper()
	p, ctl := make(poked, 1000), &controller{}
	opts.Controller, opts.Poker = ctl, p
	opts.Pokes = map[string]string{"orders": ordersSecret, "other": "other-secret-0123456789", "held": ordersSecret}
	return start(t, opts), p, ctl
}

// TestPokeSecretPlaces tries each place that a provider can put a secret into.
func TestPokeSecretPlaces(t *testing.T) {
	t.Parallel()
	s, p, ctl := startPoked(t, server.Options{Token: "s3cret", PublicURL: &url.URL{Scheme: "https", Host: "pollwire.example.com"}})
	bearer, raw, escaped := headers("Authorization", "Bearer "+ordersSecret), "?secret="+ordersSecret, "?secret="+url.QueryEscape(ordersSecret)
	for _, tc := range []struct {
		name string
		question
		want int
	}{
		{"bearer", question{header: bearer}, 202},
		{"bearer, lower case", question{header: headers("Authorization", "bearer  "+ordersSecret+" ")}, 202},
		{"header", question{header: headers("X-Pollwire-Secret", ordersSecret)}, 202},
		{"query", question{path: "/poke/orders" + raw}, 202},
		{"escaped query", question{path: "/poke/orders" + escaped}, 202},
		{"query beside what a provider adds", question{path: "/poke/orders" + raw + "&validationToken=x"}, 202},
		{"beside an Authorization of the provider's own", question{path: "/poke/orders" + raw, header: headers("Authorization", "Basic eDp5")}, 202},
		{"beside a bearer token of the provider's own", question{path: "/poke/orders" + raw, header: headers("Authorization", "Bearer x")}, 202},
		{"public host", question{header: bearer, host: "pollwire.example.com"}, 202},
		{"other origin", question{header: headers("X-Pollwire-Secret", ordersSecret, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")}, 202},
		{"JSON", question{header: bearer, body: `{"event":"order.created"}`}, 202},
		{"form", question{header: headers("X-Pollwire-Secret", ordersSecret, "Content-Type", "application/x-www-form-urlencoded"), body: "a=b"}, 202},
		{"no JSON", question{header: bearer, body: "{"}, 202},
		{"large body", question{header: bearer, body: strings.Repeat("x", 1<<20)}, 202},

		{"of a source that is held back", question{header: bearer, path: "/poke/held"}, 409},
		{"none", question{}, 404},
		{"empty", question{header: headers("Authorization", "Bearer ", "X-Pollwire-Secret", ""), path: "/poke/orders?secret="}, 404},
		{"in the body", question{body: "secret=" + ordersSecret, header: headers("Content-Type", "application/x-www-form-urlencoded")}, 404},
		{"other case", question{header: headers("X-Pollwire-Secret", strings.ToUpper(ordersSecret))}, 404},
		{"a beginning", question{header: headers("X-Pollwire-Secret", ordersSecret[:20])}, 404},
		{"the token of the API", question{header: headers("Authorization", "Bearer s3cret")}, 404},
		{"the secret of another source", question{path: "/poke/other" + raw}, 404},
		{"unknown source", question{path: "/poke/nothing" + raw}, 404},
		{"unknown host", question{header: bearer, host: "evil.example"}, 421},
		{"GET", question{method: "GET", path: "/poke/orders" + raw}, 405},
		{"no source", question{path: "/poke/" + raw}, 404},
		{"below", question{path: "/poke/orders/x" + raw}, 404},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.method == "" {
				tc.method = "POST"
			}
			if tc.path == "" {
				tc.path = "/poke/orders"
			}
			// A server of its own for each refusal, as these are counted.
			addr, p := s.Addr(), p
			if tc.want != 202 {
				var own *server.Server
				own, p, _ = startPoked(t, server.Options{Token: "s3cret"})
				addr = own.Addr()
			}
			got := ask(t, addr, tc.question)
			if got.status != tc.want {
				t.Fatalf("answered %d, want %d: %s", got.status, tc.want, got.body)
			}
			if tc.want == 202 && got.body != "{\"source\":\"orders\"}\n" {
				t.Errorf("answered %s", got.body)
			}
			if tc.want != 202 && p.waiting() > 0 {
				t.Errorf("refused, yet polled %s", <-p)
			}
		})
	}
	if source := <-p; source != "orders" {
		t.Errorf("polled %s", source)
	}
	if calls := ctl.taken(); len(calls) > 0 {
		t.Errorf("called %v", calls)
	}
}

// TestPokeOpensNothingElse: the secret of a poke is no token.
func TestPokeOpensNothingElse(t *testing.T) {
	t.Parallel()
	s, p, ctl := startPoked(t, server.Options{Token: "s3cret"})
	for _, path := range []string{"/v1/sources/orders/poll", "/v1/sources/orders/accept", "/v1/events/1"} {
		got := ask(t, s.Addr(), question{method: "POST", path: path + "?secret=" + ordersSecret, header: headers("Authorization", "Bearer "+ordersSecret, "X-Pollwire-Secret", ordersSecret)})
		if got.status != 401 {
			t.Errorf("%s answered %d", path, got.status)
		}
	}
	// The exception from the check of the origin ends where the path does.
	for _, path := range []string{"/poke/../v1/sources/orders/accept", "/poke/%2e%2e/v1/sources/orders/accept", "/poke/..%2Fv1/sources/orders/accept"} {
		got := ask(t, s.Addr(), question{method: "POST", path: path, header: headers("Origin", "https://evil.example", "Authorization", "Bearer s3cret")})
		if got.status < 300 {
			t.Errorf("%s answered %d", path, got.status)
		}
	}
	if calls := ctl.taken(); len(calls) > 0 || p.waiting() > 0 {
		t.Errorf("called %v, polled %d", calls, p.waiting())
	}
}

// TestUnknownSourcesLookLikeWrongSecrets in all that a stranger sees.
func TestUnknownSourcesLookLikeWrongSecrets(t *testing.T) {
	t.Parallel()
	s, _, _ := startPoked(t, server.Options{})
	wrong := headers("X-Pollwire-Secret", "a-wrong-secret-0123456789")
	known := ask(t, s.Addr(), question{method: "POST", path: "/poke/orders", header: wrong, body: "{}"})
	unknown := ask(t, s.Addr(), question{method: "POST", path: "/poke/nobody", header: wrong, body: "{}"})
	known.header.Del("Date")
	unknown.header.Del("Date")
	if a, b := fmt.Sprint(known), fmt.Sprint(unknown); a != strings.ReplaceAll(b, "nobody", "orders") {
		t.Errorf("a wrong secret is answered\n%s\nan unknown source\n%s", a, b)
	}
}

// TestWrongSecretsAreBounded, and keep no right one away.
func TestWrongSecretsAreBounded(t *testing.T) {
	t.Parallel()
	var logged lockedBuffer
	s, p, _ := startPoked(t, server.Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	counts := make(map[int]int)
	for range 200 {
		got := ask(t, s.Addr(), question{method: "POST", path: "/poke/orders?secret=wrong-wrong-wrong-wrong", body: "x"})
		counts[got.status]++
		if got.status == 429 && got.header.Get("Retry-After") != "1" {
			t.Errorf("no Retry-After: %v", got.header)
		}
	}
	if got := ask(t, s.Addr(), question{method: "POST", path: "/poke/orders?secret=" + ordersSecret}); got.status != 202 {
		t.Errorf("a right one was answered with %d", got.status)
	}
	<-p
	if counts[404]+counts[429] != 200 || counts[404] < 10 {
		t.Errorf("answered %v", counts)
	}
	text := logged.String()
	if n := strings.Count(text, "\n"); n > 3 || !strings.Contains(text, `msg="pokes refused, the secret is wrong" source=orders count=1`) {
		t.Errorf("%d lines were logged: %.500s", n, text)
	}
	if strings.Contains(text, "wrong-wrong") || strings.Contains(text, ordersSecret) {
		t.Errorf("a secret was logged: %s", text)
	}
}

// TestPokeLogsNoSecret, not even of a handler that panics or a name that is one.
func TestPokeLogsNoSecret(t *testing.T) {
	t.Parallel()
	var logged lockedBuffer
	s, _, _ := startPoked(t, server.Options{Logger: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	for _, path := range []string{
		"/poke/" + url.PathEscape(ordersSecret), "/poke/orders?secret=" + ordersSecret, "/poke/orders?secret=" + ordersSecret + "x",
		"//poke/orders?secret=" + ordersSecret, "/poke/orders/?secret=" + ordersSecret,
	} {
		ask(t, s.Addr(), question{method: "POST", path: path})
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := logged.String(); strings.Contains(text, "0123456789") || !strings.Contains(text, "there is no such source to poke") {
		t.Errorf("logged %s", text)
	}
}

// lockedBuffer can be read while others write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
