package daemon_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/daemon"
	"github.com/pollwire/pollwire/internal/server"
)

// reloading is a node whose configuration can be another one.
type reloading struct {
	*running
	dsn string

	mu   sync.Mutex
	yaml string
}

func startReloading(t *testing.T, dsn, name, yaml string) *reloading {
	t.Helper()
	r := &reloading{dsn: dsn, yaml: yaml}
	r.running = start(t, configured(t, dsn, yaml), daemon.Options{
		Version: name, Node: name, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)).With("node", name),
		Load: func() (*config.Config, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			return configured(t, r.dsn, r.yaml), nil
		},
	})
	return r
}

func (r *reloading) reload(t *testing.T, yaml string) {
	t.Helper()
	r.mu.Lock()
	r.yaml = yaml
	r.mu.Unlock()
	done, err := r.Reload(t.Context())
	must(t, err)
	if !done.OK {
		t.Fatalf("not reloaded: %v", done.Errors)
	}
}

// TestNodesReload one after the other: sources are added, removed, given another
// name and moved to another limit, and all that stays goes on in order.
func TestNodesReload(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	f := newFleet(t, 12)
	limits := "rate_limits: [{name: la, requests: 1000, per: 1m, burst: 100}, {name: lb, requests: 1000, per: 1m, burst: 100}]\n"
	limited := func(yaml, source, limit string) string {
		return strings.Replace(yaml, "{name: "+source+",", "{name: "+source+", rate_limit: "+limit+",", 1)
	}
	f.rest = limits
	first := limited(limited(limited(f.yaml(), "s00", "la"), "s01", "la"), "s02", "lb")
	one := startReloading(t, dsn, "one", first)
	two := startReloading(t, dsn, "two", first)
	f.awaitAllBy(t, "one", "two")

	// s01 goes to another limit, s03 is called s99, s04 goes, and s12 is new.
	f.mu.Lock()
	f.sources, f.formerly = 13, map[string]string{"/sources/s99": "/sources/s03"}
	f.mu.Unlock()
	next := limited(limited(limited(f.yaml(), "s00", "la"), "s01", "lb"), "s02", "lb")
	next = strings.Replace(next, "{name: s03,", "{name: s99, formerly: s03,", 1)
	from := strings.Index(next, "  - {name: s04,")
	next = next[:from] + next[from+strings.Index(next[from:], "\n")+1:]
	one.reload(t, next)
	two.reload(t, next)
	changed := time.Now()
	f.mu.Lock()
	f.sources = 12 // s04 is asked no more
	f.mu.Unlock()
	f.awaitAllBy(t, "one", "two")
	f.await(t, "s12 is told", func() bool {
		return f.told["ea/sources/s12"].ID != "" && f.told["ed/sources/s12"].ID != ""
	})
	f.await(t, "s99 goes on where s03 was", func() bool { return f.told["ea/sources/s99"].ID != "" })
	f.mu.Lock()
	defer f.mu.Unlock()
	longest := f.here(3 * time.Second)
	for _, a := range f.asked {
		if a.source == "s04" && a.at.After(changed.Add(longest)) {
			t.Errorf("s04 is asked still, %s after it has gone", a.at.Sub(changed))
		}
	}
}

// TestNodesTellWhoIsNew: an endpoint that is added on one node, and one that
// subscribes there, are told by all, and miss nothing.
func TestNodesTellWhoIsNew(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	f := newFleet(t, 8)
	f.endpoints = nil
	h := newHooks(t)
	yaml := strings.Replace(f.yaml(), "endpoints:\n", "", 1)
	yaml = "server: {listen: \"127.0.0.1:0\", subscriptions: {allow_networks: [127.0.0.0/8]}}\n" + yaml
	one := startReloading(t, dsn, "one", yaml)
	startReloading(t, dsn, "two", yaml)
	f.awaitAllBy(t, "one", "two")
	one.subscribe(t, server.NewSubscription{URL: h.url, Secret: h.secret})
	f.await(t, "who subscribed is told of each source", func() bool { return h.sources() == f.sources })
	before := h.unbroken()
	f.await(t, "it is told on", func() bool {
		for source, n := range h.unbroken() {
			if n < before[source]+3 {
				return false
			}
		}
		return true
	})
}

// sources is how many sources were told of.
func (h *hooks) sources() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := make(map[string]bool)
	for _, e := range h.told {
		of[e.Source] = true
	}
	return len(of)
}

// unbroken returns up to which number the changes of each source were told without
// one missing, from the first that was. In which order they came is another thing:
// whoever subscribes is promised none.
func (h *hooks) unbroken() map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	told := make(map[string]map[int]bool)
	first := make(map[string]int)
	for _, e := range h.told {
		n := number(e.Sequence)
		if told[e.Source] == nil {
			told[e.Source], first[e.Source] = make(map[int]bool), n
		}
		told[e.Source][n] = true
		first[e.Source] = min(first[e.Source], n)
	}
	last := make(map[string]int)
	for source, n := range first {
		for told[source][n+1] {
			n++
		}
		last[source] = n
	}
	return last
}
