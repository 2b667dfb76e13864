package daemon_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pollwire/pollwire/internal/daemon"
)

// subjects are the keys of what was told, in its order.
func (h *hooks) subjects() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	keys := make([]string, len(h.told))
	for i, e := range h.told {
		keys[i] = e.Subject
	}
	return strings.Join(keys, " ")
}

// TestNewEndpointsAreToldThePast from where they say, once, before what happens
// now, and as their filter and the source's notify have it.
func TestNewEndpointsAreToldThePast(t *testing.T) {
	t.Parallel()
	list := func(n int) string {
		var items []string
		for id := range n {
			items = append(items, fmt.Sprintf(`{"id":%d,"big":%t}`, id+1, id%2 == 1))
		}
		return `{"data":[` + strings.Join(items, ",") + `]}`
	}
	a := newAPI(t, list(1))
	you, all, big, now, stranger := newHooks(t), newHooks(t), newHooks(t), newHooks(t), newHooks(t)
	before := orders(a, you, "    when: 'key != \"4\"'\n    notify: [you, all, big, now]\n")
	add := func(name string, h *hooks, extra string) string {
		return fmt.Sprintf("  - {name: %s, url: %q, secrets: [%q], %s}\n", name, h.url, h.secret, extra)
	}
	after := before + add("all", all, "from: beginning, order: source") + add("big", big, "from: beginning, filter: item.big, order: source") +
		add("now", now, "from: now") + add("stranger", stranger, "from: beginning")
	before = strings.Replace(before, "[you, all, big, now]", "[you]", 1)

	dir := daemon.MustMigrate(t)
	d := restartDaemon(t, dir, before)
	d.baseline(t, "orders")
	a.says(list(5))
	d.poll(t, "orders")
	you.await(t, "5", kind("created"))
	stopDaemon(t, d.Daemon)
	for n := 6; n <= 7; n++ {
		d = restartDaemon(t, dir, after)
		a.says(list(n))
		d.poll(t, "orders")
		for _, h := range []*hooks{you, all, now} {
			h.await(t, fmt.Sprint(n), kind("created"))
		}
		big.await(t, "6", kind("created"))
		stopDaemon(t, d.Daemon)
	}
	want := map[string]string{"all": "2 3 5 6 7", "big": "2 6", "now": "6 7", "stranger": ""}
	got := map[string]string{"all": all.subjects(), "big": big.subjects(), "now": now.subjects(), "stranger": stranger.subjects()}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}
