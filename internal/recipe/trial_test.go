package recipe_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/robfig/cron/v3"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/internal/recipe"
	"github.com/pollwire/pollwire/notify"
)

// update writes the examples of the guide anew.
var update = flag.Bool("update", false, "write the examples in testdata anew")

// trial is what a recipe has to stand: a daemon that has nothing but it polls a
// fake of the API, on a clock of its own, and tells a receiver.
type trial struct {
	// set are the values of the recipe's settings.
	set map[string]string
	// hosts are the fakes, by host: api.stripe.com.
	hosts map[string]http.Handler
	// dull changes what detect.ignore names, and is no change at all: it is not even
	// in the log; nil where the API has nothing of the kind.
	dull func()
	// untold are changes that are in the log, but of which when tells nobody; nil
	// where change alone shows what when is for.
	untold func()
	// change is one that is told, as told says: TYPE SUBJECT, in any order. The
	// webhook of the first line is the example of the guide.
	change func()
	told   []string
	// sick are answers that are no observation. After each the API is well again.
	sick []sickness
}

// sickness is a state of an API in which nothing is to be seen.
type sickness struct {
	name string
	// begin makes the API sick, and end heals it.
	begin, end func()
	// reason is a part of what the log says why the poll failed.
	reason string
}

// try runs a recipe through its trial: the first look is silent and whole, what is
// dull is no change, a change is told once, and no sickness is a change.
func try(t *testing.T, name string, tr trial) {
	t.Helper()
	inWorld(t, name, tr, func(t *testing.T, w *world) {
		w.round()
		w.wantTold(t, "the first look")
		w.wantFailures(t, "the first look", "")
		if tr.dull != nil {
			w.log.takeChanges()
			tr.dull()
			w.round()
			w.wantTold(t, "a dull change")
			w.wantFailures(t, "a dull change", "")
			if changes := w.log.takeChanges(); len(changes) > 0 {
				t.Errorf("what is dull is in the log: %s", changes)
			}
		}
		if tr.untold != nil {
			w.log.takeChanges()
			tr.untold()
			w.round()
			w.wantTold(t, "a change that when tells nobody")
			w.wantFailures(t, "a change that when tells nobody", "")
			if len(w.log.takeChanges()) == 0 {
				t.Error("what when tells nobody is no change: it belongs to dull")
			}
		}
		tr.change()
		w.round()
		w.example(t, name, tr.told[0])
		w.wantTold(t, "the change", tr.told...)
		w.wantFailures(t, "the change", "")
		w.round()
		w.wantTold(t, "no further change")
		for _, s := range tr.sick {
			s.begin()
			w.sicken()
			w.wantTold(t, s.name)
			w.wantFailures(t, s.name, s.reason)
			s.end()
			w.settle()
			w.wantTold(t, "well again after "+s.name)
			w.wantFailures(t, "well again after "+s.name, "")
		}
		w.wantBlind(t)
	})
}

// strangers are answers with the code 200 that no API gives, but what stands before
// it: a page for people, a service with another answer, and a proxy with none.
var strangers = map[string]answer{
	"a page in place of the API": {status: http.StatusOK, header: http.Header{"Content-Type": {"text/html"}}, body: "<!DOCTYPE html><title>Log in</title>"},
	"an empty object":            {status: http.StatusOK, body: "{}"},
	"an answer of nothing":       {status: http.StatusOK},
}

// wantBlind wants the polls of every source to fail that are answered by a stranger.
func (w *world) wantBlind(t *testing.T) {
	t.Helper()
	for name, a := range strangers {
		w.mu.Lock()
		for host := range w.hosts {
			if host != receiverHost {
				w.hosts[host] = http.HandlerFunc(a.write)
			}
		}
		w.mu.Unlock()
		w.log.take()
		w.sicken()
		w.wantTold(t, name)
		for _, source := range w.sources {
			if !w.log.hasFailed(source) {
				t.Errorf("%s: no poll of %s failed", name, source)
			}
		}
	}
}

// tryDenied runs a recipe with a credential that is refused: every poll fails for
// a reason, and nothing is told.
func tryDenied(t *testing.T, name string, tr trial, secret, wrong, reason string) {
	t.Helper()
	tr.set = maps.Clone(tr.set)
	tr.set[secret] = wrong
	inWorld(t, name, tr, func(t *testing.T, w *world) {
		w.round()
		w.wantTold(t, "a wrong "+secret)
		w.wantFailures(t, "a wrong "+secret, reason)
	})
}

// inWorld runs a test with the daemon of a recipe, in a bubble of synctest.
func inWorld(t *testing.T, name string, tr trial, test func(t *testing.T, w *world)) {
	t.Helper()
	// A path too long for a socket: the daemon has none, and nothing in the bubble
	// waits for the network.
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 25))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, name, tr)
		cfg := w.configure(t, filepath.Join(dir, "pollwire.db"))
		d := daemon.New(cfg, daemon.Options{Version: "test", Logger: slog.New(&w.log), Transport: w, Upstream: w})
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := d.Stop(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		}()
		test(t, w)
	})
}

// world is all that a daemon under trial can reach.
type world struct {
	t      *testing.T
	recipe *recipe.Recipe
	hosts  map[string]http.Handler
	set    map[string]string
	secret string
	// sources are the names of those that are polled.
	sources []string
	// period is how long it takes until every source was polled.
	period time.Duration
	log    failures

	mu sync.Mutex
	// asked says which sources were asked for their first page, by host and path.
	asked map[string]bool
	told  []receiver.Envelope
	raw   [][]byte
}

// receiverHost is where the daemon's webhooks go.
const receiverHost = "receiver.test"

func newWorld(t *testing.T, name string, tr trial) *world {
	t.Helper()
	r, err := recipe.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, recipe: r, set: tr.set, hosts: make(map[string]http.Handler), asked: make(map[string]bool), secret: notify.GenerateSecret()}
	w.log.out = slog.NewTextHandler(t.Output(), nil)
	for host, h := range tr.hosts {
		w.hosts[host] = h
	}
	w.hosts[receiverHost] = receiver.New(nil, w.take)
	return w
}

// configure is the configuration of the recipe, with all its settings set.
func (w *world) configure(t *testing.T, database string) *config.Config {
	t.Helper()
	text := fmt.Sprintf("storage: {dsn: %q, encryption_key: an-encryption-key-of-32-characters}\nserver: {listen: \"\"}\n", "sqlite:"+database)
	if w.recipe.IsEndpoint() {
		text += shopSource
	} else {
		text += fmt.Sprintf("endpoints: [{name: me, url: \"https://%s/\", secrets: [%q]}]\n", receiverHost, w.secret)
	}
	for _, s := range w.recipe.Settings {
		if _, ok := w.set[s.Name]; !ok && !s.HasDefault {
			t.Fatalf("the trial has no value for %s", s.Name)
		}
	}
	cfg, err := config.Parse(w.recipe.Name+".yaml", []byte(text+w.recipe.Text), config.Lookup{
		File: os.ReadFile,
		Env: func(name string) (string, bool) {
			value, ok := w.set[name]
			return value, ok
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range cfg.Warnings(time.Now()) {
		t.Errorf("check would warn: %s", warning)
	}
	for i := range cfg.Sources {
		w.sources = append(w.sources, cfg.Sources[i].Name)
		w.period = max(w.period, interval(t, cfg.Sources[i].Schedule)+time.Duration(cfg.Sources[i].Jitter))
		if u, err := url.Parse(cfg.Sources[i].Request.URL.Reveal()); err != nil {
			t.Error(err)
		} else {
			w.asked[u.Host+u.Path] = false
		}
	}
	return cfg
}

// interval is the longest time between two runs of a schedule in the days to come.
func interval(t *testing.T, schedule string) time.Duration {
	t.Helper()
	runs, err := cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor).Parse(schedule)
	if err != nil {
		t.Fatal(err)
	}
	var longest time.Duration
	for at, n := time.Now(), 0; n < 50; n++ {
		next := runs.Next(at)
		longest, at = max(longest, next.Sub(at)), next
	}
	return longest
}

// round lets so much time pass that every source is polled at least once, and what
// came of it is told.
func (w *world) round() {
	pass(w.period + w.period/2 + 30*time.Second)
}

// pass lets time of the bubble pass, and what it brings about come to rest.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// sicken lets polls fail: each attempt may have to wait for as long as the API says.
func (w *world) sicken() {
	for limit := time.Now().Add(2 * time.Hour); w.log.count() == 0 && time.Now().Before(limit); {
		w.round()
	}
}

// settle lets what was sick be asked again, all of it: a poll that failed may hold
// its limit back for as long as the API said.
func (w *world) settle() {
	for limit := time.Now().Add(2 * time.Hour); time.Now().Before(limit); {
		w.mu.Lock()
		for place := range w.asked {
			w.asked[place] = false
		}
		w.mu.Unlock()
		w.log.take()
		w.round()
		if w.allAsked() && w.log.count() == 0 {
			return
		}
	}
}

func (w *world) allAsked() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, asked := range w.asked {
		if !asked {
			return false
		}
	}
	return true
}

// RoundTrip implements http.RoundTripper: it asks the fake of the host.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	h, ok := w.hosts[r.URL.Host]
	w.mu.Unlock()
	if !ok {
		w.t.Errorf("%s %s: there is no such host in this trial", r.Method, r.URL)
		return nil, fmt.Errorf("no such host %s", r.URL.Host)
	}
	w.mu.Lock()
	if _, begins := w.asked[r.URL.Host+r.URL.Path]; begins {
		w.asked[r.URL.Host+r.URL.Path] = true
	}
	w.mu.Unlock()
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.Host = r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	out := httptest.NewRecorder()
	h.ServeHTTP(out, in)
	res := out.Result()
	res.ContentLength = int64(out.Body.Len()) // as a server says it
	res.Request = r
	return res, r.Context().Err()
}

// take keeps a webhook.
func (w *world) take(hook *receiver.Webhook) {
	envelope, err := hook.Envelope()
	if err != nil {
		w.t.Error(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, envelope)
	w.raw = append(w.raw, bytes.Clone(hook.Body))
}

// wantTold compares what was told since it was last called: TYPE SUBJECT.
func (w *world) wantTold(t *testing.T, when string, want ...string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	got := make([]string, len(w.told))
	for i, e := range w.told {
		got[i] = e.Type + " " + e.Subject
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
		t.Errorf("told after %s (-want +got):\n%s%s", when, diff, bytes.Join(w.raw, []byte("\n")))
	}
	w.told, w.raw = nil, nil
}

// wantFailures wants every poll that failed since it was last called to have failed
// for a reason, and one at least to have failed; with none, no poll.
func (w *world) wantFailures(t *testing.T, when, reason string) {
	t.Helper()
	reasons := w.log.take()
	if reason != "" && len(reasons) == 0 {
		t.Errorf("%s: no poll failed, want %q", when, reason)
	}
	for _, r := range reasons {
		if reason == "" || !strings.Contains(r, reason) {
			t.Errorf("%s: a poll failed: %s, want %q", when, r, reason)
		}
	}
}
