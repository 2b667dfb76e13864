package recipe_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
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

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/robfig/cron/v3"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/internal/recipe"
	"github.com/pollwire/pollwire/internal/store/sqlite"
	"github.com/pollwire/pollwire/notify"
)

// inWorld runs a test with the daemon of a recipe, in a bubble of synctest.
func inWorld(t *testing.T, name string, tr trial, test func(t *testing.T, w *world)) {
	t.Helper()
	// A path too long for a socket: the daemon has none, and nothing in the bubble
	// waits for the network.
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 25))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	empty, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	database := filepath.Join(dir, "pollwire.db")
	if err := os.WriteFile(database, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, name, tr)
		cfg := w.configure(t, database)
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

// migrated is an empty database. It is made once: to read the migrations is the
// dearest part of a start.
var migrated = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "recipe")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "pollwire.db")
	s, err := sqlite.Open(context.Background(), sqlite.Options{Path: path}) // of no test
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// world is all that a daemon under trial can reach.
type world struct {
	t      *testing.T
	recipe *recipe.Recipe
	hosts  map[string]http.Handler
	set    map[string]string
	secret string
	// sources are the names of those that are polled.
	sources []string
	// runs are when they are, late is how long after that they are at the latest.
	runs []cron.Schedule
	late time.Duration
	log  failures

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
		w.runs = append(w.runs, schedule(t, &cfg.Sources[i]))
		w.late = max(w.late, 30*time.Second+time.Duration(cfg.Sources[i].Jitter))
		w.keepsLimit(t, cfg, &cfg.Sources[i])
		if u, err := url.Parse(cfg.Sources[i].Request.URL.Reveal()); err != nil {
			t.Error(err)
		} else {
			w.asked[u.Host+u.Path] = false
		}
	}
	return cfg
}

// keepsLimit wants the budget of a source to be no more than its API documents,
// however little of it a trial uses up.
func (w *world) keepsLimit(t *testing.T, cfg *config.Config, s *config.Source) {
	t.Helper()
	u, err := url.Parse(s.Request.URL.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	api, ok := w.hosts[u.Host].(interface{ allows() (int, time.Duration) })
	if !ok {
		return
	}
	var rate config.Rate
	if s.RateLimit.Inline != nil {
		rate = *s.RateLimit.Inline
	}
	for _, limit := range cfg.RateLimits {
		if limit.Name == s.RateLimit.Name {
			rate = limit.Rate
		}
	}
	requests, per := api.allows()
	if rate.Requests == 0 || float64(rate.Requests)/float64(rate.Per) > float64(requests)/float64(per) {
		t.Errorf("%s may ask %d times in %v, %s allows %d in %v", s.Name, rate.Requests, time.Duration(rate.Per), u.Host, requests, per)
	}
}

// schedule is when a source is polled.
func schedule(t *testing.T, s *config.Source) cron.Schedule {
	t.Helper()
	runs, err := cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor).
		Parse("CRON_TZ=" + cmp.Or(s.Timezone, "Local") + " " + s.Schedule)
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

// round lets so much time pass that every source is polled at least once, and what
// came of it is told.
func (w *world) round() {
	var longest time.Duration
	for _, runs := range w.runs {
		now := time.Now()
		until := runs.Next(now).Sub(now)
		if every, ok := runs.(cron.ConstantDelaySchedule); ok {
			until = every.Delay + every.Delay/2 // It has an offset, and is none of the clock's.
		}
		longest = max(longest, until)
	}
	pass(longest + w.late)
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
	if diff := gocmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
		t.Errorf("told after %s (-want +got):\n%s%s", when, diff, bytes.Join(w.raw, []byte("\n")))
	}
	w.told, w.raw = nil, nil
}

// wantChanged compares which members changed of what was told, by TYPE SUBJECT.
func (w *world) wantChanged(t *testing.T, want map[string]string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.told {
		e := &w.told[i]
		if want, ok := want[e.Type+" "+e.Subject]; ok && strings.Join(e.Data.Changed, " ") != want {
			t.Errorf("of %s %s changed %s, want %s", e.Type, e.Subject, e.Data.Changed, want)
		}
	}
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
