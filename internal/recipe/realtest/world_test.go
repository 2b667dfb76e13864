// Package realtest tries recipes against servers that none of us wrote: each runs
// on loopback, and a daemon with nothing but the recipe polls it. It consists of
// tests alone.
//
// Those that need much to be fetched or built have the build tag real, and run by
// make real.
package realtest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/internal/recipe"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/server/client"
	"github.com/pollwire/pollwire/notify"
)

// patience is how long a test waits for what must come. A broker takes half a minute
// to start where others have the machine.
const patience = 4 * time.Minute

// subject is a recipe before a real server.
type subject struct {
	name string
	// written is the recipe itself where it is none of those that there are.
	written *recipe.Recipe
	// set are the values of its settings.
	set map[string]string
	// lead says where requests to a host go: api.stripe.com. With none, all go where the
	// recipe's settings say.
	lead map[string]http.RoundTripper
	// only is the source of the recipe that is tried; empty for all.
	only string
	// onePage leaves out how the recipe pages.
	onePage bool
	// more is configuration besides: for a recipe of an endpoint, what it is told.
	more string
}

// world is a daemon with a recipe, and the receiver that it tells.
type world struct {
	client *client.Client
	leader *leader

	mu   sync.Mutex
	told []receiver.Envelope
	news chan struct{} // closed and replaced whenever told grows
}

// start starts a daemon with a recipe. It polls when the test says, and once as it
// starts.
func start(t *testing.T, s subject) *world {
	t.Helper()
	w := &world{news: make(chan struct{}), leader: new(leader)}
	hooks := httptest.NewServer(receiver.New(nil, func(hook *receiver.Webhook) {
		e, err := hook.Envelope()
		if err != nil {
			t.Error(err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told = append(w.told, e)
		close(w.news)
		w.news = make(chan struct{})
	}))
	t.Cleanup(hooks.Close)
	cfg := configure(t, s, hooks.URL)
	options := daemon.Options{Version: "test", Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if s.lead != nil {
		w.leadTo(s.lead)
		options.Upstream, options.Transport = w.leader, w.leader
	}
	d := daemon.New(cfg, options)
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := d.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	var err error
	if w.client, err = client.New(client.Options{URL: "http://" + d.Addr()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.client.Close)
	return w
}

// configure is the configuration of a recipe as its user would have it, but for its
// schedules: the test says when.
func configure(t *testing.T, s subject, hooks string) *config.Config {
	t.Helper()
	r := s.written
	if r == nil {
		var err error
		if r, err = recipe.Find(s.name); err != nil {
			t.Fatal(err)
		}
	}
	text := fmt.Sprintf("storage: {dsn: %q, encryption_key: an-encryption-key-of-32-characters}\nserver: {listen: \"127.0.0.1:0\"}\n",
		"sqlite:"+filepath.Join(t.TempDir(), "pollwire.db"))
	if !r.IsEndpoint() {
		text += fmt.Sprintf("endpoints: [{name: me, url: %q, secrets: [%q]}]\n", hooks, notify.GenerateSecret())
	}
	cfg, err := config.Parse(s.name+".yaml", []byte(text+s.more+r.Text), config.Lookup{
		File: os.ReadFile,
		Env: func(name string) (string, bool) {
			value, ok := s.set[name]
			return value, ok
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.only != "" {
		cfg.Sources = slices.DeleteFunc(cfg.Sources, func(source config.Source) bool { return source.Name != s.only })
	}
	for i := range cfg.Sources {
		cfg.Sources[i].Schedule, cfg.Sources[i].Jitter = "@yearly", 0
		if s.onePage {
			cfg.Sources[i].Pagination = config.Pagination{}
		}
	}
	return cfg
}

// leader is an http.RoundTripper that leads hosts to servers on loopback.
type leader struct {
	mu sync.Mutex
	to map[string]http.RoundTripper
}

// leadTo leads to other servers from now on.
func (w *world) leadTo(to map[string]http.RoundTripper) {
	w.leader.mu.Lock()
	defer w.leader.mu.Unlock()
	w.leader.to = to
}

// RoundTrip implements http.RoundTripper.
func (l *leader) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	to := l.to[r.URL.Host]
	l.mu.Unlock()
	switch {
	case to != nil:
		return to.RoundTrip(r)
	case strings.HasPrefix(r.URL.Host, "127.0.0.1:"): // the receiver
		return http.DefaultTransport.RoundTrip(r)
	default:
		return nil, fmt.Errorf("%s %s: no server here stands in for this host", r.Method, r.URL)
	}
}

// at is an http.RoundTripper to the server at 127.0.0.1:PORT, without TLS. To it the
// host that was meant is said.
type at string

// RoundTrip implements http.RoundTripper.
func (to at) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	r.URL.Scheme, r.URL.Host = "http", string(to)
	return http.DefaultTransport.RoundTrip(r)
}

// polls are the polls of a source so far, the newest first.
func (w *world) polls(t *testing.T, source string) []server.Poll {
	t.Helper()
	polls, err := w.client.Polls(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	return polls
}

// wantFirst waits for the poll of the start and wants it to be a good first look.
func (w *world) wantFirst(t *testing.T, source string) {
	t.Helper()
	if p := w.next(t, source, 0); p.Outcome != server.PollBaseline {
		t.Fatalf("the first look at %s: %s %s", source, p.Outcome, p.Error)
	}
}

// wantPoll polls a source and wants an outcome.
func (w *world) wantPoll(t *testing.T, source string, want server.PollOutcome) server.Poll {
	t.Helper()
	p := w.poll(t, source)
	if p.Outcome != want {
		t.Errorf("poll of %s: %s %s, want %s", source, p.Outcome, p.Error, want)
	}
	return p
}

// wantFailed polls a source and wants that to fail for a reason.
func (w *world) wantFailed(t *testing.T, source, reason string) {
	t.Helper()
	if p := w.poll(t, source); p.Outcome != server.PollFailed || !strings.Contains(p.Error, reason) {
		t.Errorf("poll of %s: %s %q, want it to fail for %q", source, p.Outcome, p.Error, reason)
	}
}

// poll polls a source now.
func (w *world) poll(t *testing.T, source string) server.Poll {
	t.Helper()
	before := len(w.polls(t, source))
	if err := w.client.Poll(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	return w.next(t, source, before)
}

// next waits for the poll after so many.
func (w *world) next(t *testing.T, source string, before int) server.Poll {
	t.Helper()
	var polls []server.Poll
	eventually(t, func() error {
		if polls = w.polls(t, source); len(polls) <= before {
			return fmt.Errorf("%s was not polled", source)
		}
		return nil
	})
	return polls[len(polls)-1-before]
}

// pollUntil polls a source until something of a subject was told, for servers that
// show late what was done to them, and returns that.
func (w *world) pollUntil(t *testing.T, source, kind, subject string) receiver.Envelope {
	t.Helper()
	var found receiver.Envelope
	eventually(t, func() error {
		if p := w.poll(t, source); p.Outcome == server.PollFailed {
			t.Fatalf("poll of %s: %s", source, p.Error)
		}
		var ok bool
		if found, ok = w.find(kind, subject); !ok {
			return fmt.Errorf("%s of %s was not told", kind, subject)
		}
		return nil
	})
	return found
}

// await waits for an event of a type and a subject; an empty one is any.
func (w *world) await(t *testing.T, kind, subject string) receiver.Envelope {
	t.Helper()
	timeout := time.After(patience)
	for {
		w.mu.Lock()
		news := w.news
		w.mu.Unlock()
		if e, ok := w.find(kind, subject); ok {
			return e
		}
		select {
		case <-news:
		case <-timeout:
			t.Fatalf("%s of %q was not told:\n%s", kind, subject, w)
		}
	}
}

func (w *world) find(kind, subject string) (receiver.Envelope, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.told {
		if e.Type == kind && (subject == "" || e.Subject == subject) {
			return e, true
		}
	}
	return receiver.Envelope{}, false
}

// wantTold wants so many webhooks so far.
func (w *world) wantTold(t *testing.T, want int) {
	t.Helper()
	w.mu.Lock()
	got := len(w.told)
	w.mu.Unlock()
	if got != want {
		t.Errorf("%d webhooks, want %d:\n%s", got, want, w)
	}
}

// String is what was told.
func (w *world) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out strings.Builder
	for _, e := range w.told {
		fmt.Fprintf(&out, "%s %s %v %s\n", e.Type, e.Subject, e.Data.Changed, e.Data.After)
	}
	return out.String()
}

// eventually tries something again until it has no error.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	timeout := time.After(patience)
	again := time.NewTicker(100 * time.Millisecond)
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
