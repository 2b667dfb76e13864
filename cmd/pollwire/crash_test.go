package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/pollwire/pollwire/internal/store/sqlite"
	"github.com/pollwire/pollwire/notify"
)

// defaultKills is how often the test kills the daemon; make crash sets more in
// POLLWIRE_KILLS.
const defaultKills = 12

// TestCrash kills the real binary again and again while an API changes all the
// time, and holds what two receivers were told against what the API said and
// against the log: nothing lost, nothing out of order, the chain unbroken.
func TestCrash(t *testing.T) {
	t.Parallel()
	kills := defaultKills
	if s := os.Getenv("POLLWIRE_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("POLLWIRE_KILLS: %v", err)
		}
		kills = n
	}
	c := newCrash(t)
	c.baseline(t)
	c.api.letLoose(true)
	for range kills {
		c.killSoon(t)
	}
	c.api.letLoose(false)
	c.settle(t)
	c.checkBooks(t, kills)
	c.checkLog(t)
}

// crash is a daemon to be killed, with all that is around it.
type crash struct {
	random   *rand.Rand
	binary   string
	database string
	// text is the configuration, with RUN for the number of the daemon's run; the
	// file config has that of the present one.
	text, config string
	runs         int
	sources      []string
	api          *ledgerAPI
	books        map[string]*books // by endpoint
}

func newCrash(t *testing.T) *crash {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	c := &crash{
		random:  rand.New(rand.NewPCG(seed, 0)),
		binary:  buildBinary(t),
		sources: []string{"alpha", "beta", "gamma"},
		books:   make(map[string]*books),
	}
	dir := t.TempDir()
	c.database, c.config = filepath.Join(dir, "crash.db"), filepath.Join(dir, "pollwire.yaml")
	c.api = newLedgerAPI(rand.New(rand.NewPCG(seed, 1)), c.sources...)
	upstream := httptest.NewServer(c.api)
	t.Cleanup(upstream.Close)
	config := fmt.Sprintf("storage: {dsn: \"sqlite:%s\"}\nserver: {listen: \"\"}\nlog: {level: error}\nsources:\n", c.database)
	for _, name := range c.sources {
		config += fmt.Sprintf(`  - name: %s
    schedule: "@every 100ms"
    request: {url: "%s/%[1]s"}
    items: {path: items, key: id}
    expect: {max_removed: 100%%}
`, name, upstream.URL)
	}
	config += "endpoints:\n"
	for i, e := range crashEndpoints() {
		secret := notify.GenerateSecret()
		judge, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		b := newBooks(rand.New(rand.NewPCG(seed, uint64(i)+2)), judge)
		b.order, b.latest = e.order, e.latest
		c.books[e.name] = b
		server := httptest.NewServer(b)
		t.Cleanup(server.Close)
		server.Config.ErrorLog = nil
		config += fmt.Sprintf(`  - name: %s
    url: %s/hook
    secrets: ["%s"]
    timeout: 2m
    retry: {schedule: [%s 1m], jitter: 0.5}
    order: %s
    headers: {X-Run: "RUN"}
    breaker: {failures: %d, cooldown: 1s, max_cooldown: 1s}
    %s
`, e.name, server.URL, secret, repeat("20ms, ", 60), e.order, cmp.Or(e.failures, 5), e.keys)
	}
	c.text = config
	return c
}

// crashEndpoint is an endpoint of the test, and what it may leave out.
type crashEndpoint struct {
	name   string
	order  notify.Order
	keys   string
	latest bool
	// failures are how many in a row open its breaker, if not as many as by default.
	failures int
}

// crashEndpoints are one for each way of keeping order and of telling together.
func crashEndpoints() []crashEndpoint {
	return []crashEndpoint{
		{name: "ops", order: notify.OrderSource, keys: "rate_limit: {requests: 2000, per: 1s, burst: 50}"},
		{name: "audit", order: notify.OrderItem, failures: 2},
		{name: "batches", order: notify.OrderSource, keys: "batch: {max_events: 4, max_wait: 10ms}"},
		{name: "all", order: notify.OrderEndpoint, keys: "format: cloudevents"},
		{name: "any", order: notify.OrderNone, keys: "batch: {max_events: 3, max_wait: 5ms}"},
		{name: "latest", order: notify.OrderItem, keys: "coalesce: latest\n    rate_limit: {requests: 40, per: 1s}", latest: true},
	}
}

func repeat(s string, n int) (out string) {
	for range n {
		out += s
	}
	return out
}

// configure writes the configuration of the next run.
func (c *crash) configure(t *testing.T) {
	t.Helper()
	c.runs++
	config := strings.ReplaceAll(c.text, "RUN", strconv.Itoa(c.runs))
	if err := os.WriteFile(c.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
}

// start starts the daemon.
func (c *crash) start(t *testing.T) *exec.Cmd {
	t.Helper()
	c.configure(t)
	cmd := exec.CommandContext(t.Context(), c.binary, "run", "--config", c.config)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// stop ends the daemon as systemd would.
func (c *crash) stop(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := waitFor(cmd); err != nil {
		t.Fatalf("stop: %v", err)
	}
}

// baseline runs the daemon until every source has been asked twice: a source
// is not asked again before its first answer has been committed.
func (c *crash) baseline(t *testing.T) {
	t.Helper()
	cmd := c.start(t)
	c.await(t, "all lists to be asked twice", c.api.asked, func() bool { return c.api.answered(2) })
	c.stop(t, cmd)
}

// killSoon starts the daemon and kills it at a random moment: of its start, or of
// its work, which on a slow machine begins later.
func (c *crash) killSoon(t *testing.T) {
	t.Helper()
	answered := c.api.count("alpha")
	cmd := c.start(t)
	if c.random.IntN(4) > 0 {
		c.await(t, "a list to be asked", c.api.asked, func() bool { return c.api.count("alpha") > answered })
	}
	select {
	case <-time.After(time.Duration(c.random.IntN(500)) * time.Millisecond):
	case <-t.Context().Done():
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
}

// settle runs the daemon until both receivers know what the API says.
func (c *crash) settle(t *testing.T) {
	t.Helper()
	cmd := c.start(t)
	c.awaitBooks(t)
	c.stop(t, cmd)
}

// awaitBooks waits until all receivers know what the API says.
func (c *crash) awaitBooks(t *testing.T) {
	t.Helper()
	answered := c.api.count("alpha")
	c.await(t, "all lists to be asked again", c.api.asked, func() bool { return c.api.answered(answered + 1) })
	for name, b := range c.books {
		for _, source := range c.sources {
			c.await(t, name+" to agree on "+source, b.told, func() bool { return b.holds(source, c.api.state(source)) })
		}
	}
}

// await returns when a condition holds that may come true with each token.
func (c *crash) await(t *testing.T, what string, token <-chan struct{}, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !holds() {
		select {
		case <-token:
		case <-ctx.Done():
			for name, b := range c.books {
				b.mu.Lock()
				t.Logf("%s: %s; wrong is %v", name, b.summary(), b.wrongs)
				b.mu.Unlock()
			}
			t.Fatalf("waiting for %s, %v have passed in vain", what, patience)
		}
	}
}

// checkBooks fails for everything that a receiver saw and should not have.
func (c *crash) checkBooks(t *testing.T, kills int) {
	t.Helper()
	for name, b := range c.books {
		b.mu.Lock()
		for _, wrong := range b.wrongs {
			t.Errorf("%s: %s", name, wrong)
		}
		t.Logf("%s over %d kills: %s", name, kills, b.summary())
		b.mu.Unlock()
	}
}

// checkLog holds the receivers' books against the log: each has every event of
// it, and nothing else.
func (c *crash) checkLog(t *testing.T) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: c.database})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	events, err := s.Events(t.Context(), 0, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	// An endpoint whose breaker opened is an alert, which nobody here asked for.
	events = slices.DeleteFunc(events, func(e notify.Event) bool { return e.Alert })
	for name, b := range c.books {
		waiting, err := s.Waiting(t.Context(), name, 0, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		b.mu.Lock()
		for i := range events {
			e := &events[i]
			_, told := b.events[e.ID]
			// An item that came and went while nobody was told of it makes no
			// difference to what the receiver holds, which was all that was waited for.
			told = told || slices.ContainsFunc(waiting, func(d notify.Delivery) bool { return d.Position == e.Position })
			superseded := b.latest && slices.ContainsFunc(events[i+1:], func(l notify.Event) bool { return l.Source == e.Source && l.Subject == e.Subject })
			if !told && !superseded {
				t.Errorf("%s was never told %s %s", name, e.Source, e.ID)
			}
		}
		if len(b.events) > len(events) {
			t.Errorf("%s was told %d events, the log has %d", name, len(b.events), len(events))
		}
		b.mu.Unlock()
	}
}
