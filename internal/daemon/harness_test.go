package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
	"github.com/pollwire/pollwire/notify"
)

// patience is how long a test waits for what must come, on a machine that has much
// else to do.
const patience = 2 * time.Minute

// awaited is what must come from a channel.
func awaited[T any](t *testing.T, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(patience):
		t.Fatal("what must come has not come")
	}
	return got
}

// running is a daemon under test.
type running struct {
	*daemon.Daemon
	cfg    *config.Config
	client *client.Client
}

// startDaemon starts a daemon with a configuration, on a database of its own.
func startDaemon(t *testing.T, yaml string) *running {
	t.Helper()
	return restartDaemon(t, daemon.MustMigrate(t), yaml)
}

// database makes an empty database of a PostgreSQL server and returns its DSN; it
// skips a test where there is no server.
var database func(tb testing.TB) string

// restartDaemon starts a daemon on the database in dir.
func restartDaemon(t *testing.T, dir, yaml string) *running {
	t.Helper()
	cfg := configured(t, "sqlite:"+filepath.Join(dir, "pollwire.db"), yaml)
	return start(t, cfg, daemon.Options{Version: "test", Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
}

// configured is a configuration on a database.
func configured(t *testing.T, dsn, yaml string) *config.Config {
	t.Helper()
	if !strings.HasPrefix(yaml, "server:") {
		yaml = "server: {listen: \"127.0.0.1:0\"}\n" + yaml
	}
	yaml = fmt.Sprintf("storage: {dsn: %q, encryption_key: an-encryption-key-of-32-characters}\n", dsn) + yaml
	cfg, err := config.Parse("test.yaml", []byte(yaml), config.Lookup{File: os.ReadFile})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// start starts a daemon, which is stopped at the test's end.
func start(t *testing.T, cfg *config.Config, o daemon.Options) *running {
	t.Helper()
	d := daemon.New(cfg, o)
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopDaemon(t, d) })
	c, err := client.New(client.Options{URL: "http://" + d.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &running{Daemon: d, cfg: cfg, client: c}
}

func stopDaemon(t *testing.T, d *daemon.Daemon) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	if err := d.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// poll makes a source due now.
func (r *running) poll(t *testing.T, source string) {
	t.Helper()
	eventually(t, func() error {
		err := r.client.Poll(t.Context(), source)
		if problem, ok := errors.AsType[*server.Problem](err); !ok || problem.Status < 500 {
			must(t, err)
		}
		return err // no node has it at the moment
	})
}

// eventually tries something again until it has no error.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	timeout := time.After(patience)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-timeout:
			t.Fatal(err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// hooks is a receiver that keeps what it was told. Every body is verified by
// the official Standard Webhooks library and read by the CloudEvents SDK.
type hooks struct {
	url, secret string
	handler     http.Handler
	mu          sync.Mutex
	told        []receiver.Envelope
	news        chan struct{} // closed and replaced whenever told grows
}

func newHooks(t *testing.T) *hooks {
	t.Helper()
	h := &hooks{secret: notify.GenerateSecret(), news: make(chan struct{})}
	judge, err := standardwebhooks.NewWebhook(h.secret)
	if err != nil {
		t.Fatal(err)
	}
	h.handler = receiver.New(nil, func(w *receiver.Webhook) {
		if err := judge.Verify(w.Body, w.Header); err != nil {
			t.Errorf("standard webhooks: %v", err)
		}
		var ce cloudevents.Event
		if err := ce.UnmarshalJSON(w.Body); err != nil {
			t.Errorf("cloudevents: %v", err)
		} else if err := ce.Validate(); err != nil || ce.ID() != w.ID {
			t.Errorf("cloudevents: id %s of %s: %v", ce.ID(), w.ID, err)
		}
		e, err := w.Envelope()
		if err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.told = append(h.told, e)
		close(h.news)
		h.news = make(chan struct{})
	})
	server := httptest.NewServer(h.handler)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

// await returns the first event of a subject, or with an empty one of any, that
// is wanted.
func (h *hooks) await(t *testing.T, subject string, wanted func(receiver.Envelope) bool) receiver.Envelope {
	t.Helper()
	timeout := time.After(patience)
	for {
		h.mu.Lock()
		news := h.news
		for _, e := range h.told {
			if (subject == "" || e.Subject == subject) && wanted(e) {
				h.mu.Unlock()
				return e
			}
		}
		h.mu.Unlock()
		select {
		case <-news:
		case <-timeout:
			t.Fatalf("nothing wanted was told of %q:\n%s", subject, h.dump())
		}
	}
}

func (h *hooks) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.told)
}

// of returns what was told of a subject.
func (h *hooks) of(subject string) (told []receiver.Envelope) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.told {
		if e.Subject == subject {
			told = append(told, e)
		}
	}
	return told
}

func (h *hooks) dump() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out strings.Builder
	for _, e := range h.told {
		fmt.Fprintf(&out, "%s %s %s %v %s\n", e.Sequence, e.Type, e.Subject, e.Data.Changed, e.Data.After)
	}
	return out.String()
}

// kind wants an event of a kind.
func kind(change string) func(receiver.Envelope) bool {
	return func(e receiver.Envelope) bool { return e.Data.Change == change }
}
