package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/server"
)

// rebinder is a name server that says of any name that it is a public host,
// while the network finds another there.
type rebinder struct{}

func (rebinder) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("1.1.1.1")}, nil
}

// logged is what a daemon logs, line by line.
type logged struct{ lines chan string }

func (l logged) Write(p []byte) (int, error) {
	select {
	case l.lines <- string(p):
	default: // nobody reads so much
	}
	return len(p), nil
}

// await returns the first line that holds a text.
func (l logged) await(t *testing.T, text string) string {
	t.Helper()
	for timeout := time.After(patience); ; {
		select {
		case line := <-l.lines:
			if strings.Contains(line, text) {
				return line
			}
		case <-timeout:
			t.Fatalf("nothing is logged of %s", text)
		}
	}
}

// TestNameThatRebinds: what a name was when it was registered opens nothing. The
// address that is dialled is judged, by challenge and delivery alike.
func TestNameThatRebinds(t *testing.T) {
	t.Parallel()
	for _, verify := range []string{"none", "challenge"} {
		var asked atomic.Int32
		inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
		t.Cleanup(inside.Close)
		upstream := newBusy(t)
		cfg, err := config.Parse("test.yaml", fmt.Appendf(nil, `
storage: {dsn: "sqlite:%s", encryption_key: an-encryption-key-of-32-characters}
server: {listen: "", subscriptions: {verify: %s}}
sources:
  - {name: shop, schedule: "@every 1s", request: {url: "%s/api"}}
`, filepath.Join(t.TempDir(), "pollwire.db"), verify, upstream.URL), config.Lookup{})
		if err != nil {
			t.Fatal(err)
		}
		log := logged{make(chan string, 1000)}
		d := New(cfg, Options{Version: "test", Logger: slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), log), nil))})
		d.resolver = rebinder{}
		mustStart(t, d)
		_, port, _ := strings.Cut(strings.TrimPrefix(inside.URL, "http://"), ":")
		made, _, err := subscriptions{d.subscriptions}.Subscribe(t.Context(), server.NewSubscription{URL: "http://localhost:" + port + "/top-secret"})
		refusal := fmt.Sprint(err)
		if verify == "none" {
			if err != nil {
				t.Fatal(err)
			}
			refusal = log.await(t, `msg="delivery failed" endpoint=`+made.ID)
		}
		for _, want := range []string{"(loopback) is refused", "server.subscriptions.allow_networks"} {
			if !strings.Contains(refusal, want) || strings.Contains(refusal, "top-secret") {
				t.Errorf("verify: %s: %s, want %s", verify, refusal, want)
			}
		}
		if asked.Load() > 0 {
			t.Errorf("verify: %s: what is inside was asked", verify)
		}
	}
}
