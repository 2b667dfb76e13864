package dashboard

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/server"
)

// withNodes makes the dashboard that of a node among others.
func withNodes(f *fake) func(*server.Options) {
	return func(o *server.Options) {
		o.Dashboard = New(Options{Controller: f, LastReload: f.LastReload, Subscriptions: subscribers{f}, Shared: true, Version: "v0.9.1", Logger: o.Logger})
	}
}

// askNode is what the dashboard of a node among others answers.
func askNode(t *testing.T, f *fake, path string) *http.Response {
	t.Helper()
	return askOf(New(Options{Controller: f, Shared: true, Version: "v0.9.1", Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}), http.MethodGet, path, "")
}

func TestNodesLookWell(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.share()
	base := serve(t, f, withNodes(f))
	for name, path := range map[string]string{
		"nodes":           "/nodes",
		"node":            "/nodes/" + f.nodes[0].ID,
		"node-none":       "/nodes/" + f.nodes[0].ID + "?kind=none",
		"shared-overview": "/",
		"shared-sources":  "/sources",
		"shared-source":   "/sources/fx-rates",
		"shared-endpoint": "/endpoints/billing",
		"shared-limits":   "/limits",
		"shared-told":     "/endpoints",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			browse(t, base).judge(path, name)
		})
	}
}

// TestOneDaemonShowsNoNodes: where nothing is shared there is nothing to tell of it.
func TestOneDaemonShowsNoNodes(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/sources", "/sources/orders", "/endpoints", "/endpoints/billing", "/limits"} {
		page := body(t, ask(t, newFake(), http.MethodGet, path, ""))
		if strings.Contains(page, "/nodes") || strings.Contains(page, ">Node") {
			t.Errorf("%s speaks of nodes", path)
		}
	}
	if got := ask(t, newFake(), http.MethodGet, "/nodes", ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("the page of nodes: %d", got.StatusCode)
	}
}

func TestNodesSayInWhatTheyAreUnlike(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.share()
	page := body(t, askNode(t, f, "/nodes"))
	for _, want := range []string{
		"Nodes run different versions", "Nodes have different configurations", "12 things no node has at the moment", "answers this page",
		"988 sources, 4 endpoints, 3 limits", "<code>51b7e0d9</code>", "suspended", "Clocks are apart", "clock 2.5 s ahead", "clock 12.3 s behind", `href="/nodes/01KA4D0T7C6N3R9G2V5X8Y1ZCC"`,
	} {
		if !strings.Contains(strings.ReplaceAll(page, "\u202f", ""), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if page = body(t, askNode(t, f, nodePath(&f.nodes[2]))); !strings.Contains(page, "clock 12.3 s behind") {
		t.Error("the page of a node lacks its clock")
	}
	f.free = 0
	for i := range f.nodes {
		f.nodes[i].Differs, f.nodes[i].ClockAhead = nil, 0
	}
	page = body(t, askNode(t, f, "/nodes"))
	for _, gone := range []string{"different", "no node has", "unlike", "clock"} {
		if strings.Contains(page, gone) {
			t.Errorf("nodes that are alike: the page has %q", gone)
		}
	}
}

// TestOverviewTellsOfSilentNodes, in other words where it is the node itself.
func TestOverviewTellsOfSilentNodes(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.share()
	f.nodes[0].State = server.NodeSuspended
	page := body(t, askNode(t, f, "/"))
	for _, want := range []string{"It cannot tell the others that it lives", "others take over what it has"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestNodeListsWhatItHas(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.share()
	f.leases = nil
	for i := range 250 {
		f.leases = append(f.leases, server.Lease{Resource: fmt.Sprintf("source/s-%03d", i), Since: *f.past(time.Hour)})
	}
	f.leases = append(f.leases, server.Lease{Resource: "token/abc"}, server.Lease{Resource: "limit/a b"})
	path := "/nodes/" + f.nodes[1].ID
	for _, tc := range []struct {
		query      string
		rows       int
		want, none string
	}{
		{"", 100, `href="/sources/s-000"`, "s-100"},
		{"?page=2", 100, `href="/nodes/01KA4D0T7C6N3R9G2V5X8Y1ZBB?page=3"`, "s-099"},
		{"?page=3", 52, `href="/limits#limit-a%20b"`, "s-199"},
		{"?page=99", 52, "201 to 252 of 252", "s-199"},
		{"?kind=token", 1, ">abc</span>", "s-0"},
		{"?kind=source&page=3", 50, "s-249", "abc"},
		{"?kind=nothing", 0, "Nothing", "s-0"},
	} {
		page := body(t, askNode(t, f, path+tc.query))
		if got := strings.Count(page, `<td class="grow">`); got != tc.rows || !strings.Contains(page, tc.want) || strings.Contains(page, tc.none) {
			t.Errorf("%q: %d rows, want %d with %q and without %q", tc.query, got, tc.rows, tc.want, tc.none)
		}
	}
	if got := askNode(t, f, "/nodes/nobody"); got.StatusCode != http.StatusNotFound {
		t.Errorf("a node that there is not: %d", got.StatusCode)
	}
}

// TestSourcesAreSearchedByNode finds what a node polls.
func TestSourcesAreSearchedByNode(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.share()
	page := body(t, askNode(t, f, "/sources?q=poll-3"))
	if got := strings.Count(page, `<span class="under node">poll-3</span>`); got != 4 {
		t.Errorf("%d sources of the node", got)
	}
}

// TestSourceOfAnotherNodeIsShown, also where that node cannot tell of its polls.
func TestSourceOfAnotherNodeIsShown(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.share()
	f.pollsErr = &server.Refusal{Status: 503, Reason: "node poll-2 did not answer in time", RetryAfter: time.Second}
	got := askNode(t, f, "/sources/fx-rates")
	page := body(t, got)
	if got.StatusCode != http.StatusOK || !strings.Contains(page, "node poll-2 did not answer in time") || !strings.Contains(page, "could not be asked in time") {
		t.Errorf("%d %s", got.StatusCode, page)
	}
	f.pollsErr = errors.New("lost")
	if got := askNode(t, f, "/sources/fx-rates"); got.StatusCode != http.StatusInternalServerError {
		t.Errorf("an error of another kind: %d", got.StatusCode)
	}
}
