package daemon_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/server"
)

// TestAnyNodeAnswersForAll: what is asked of one node is done by the one that has it,
// over a real database, and lists have everything.
func TestAnyNodeAnswersForAll(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	f := newFleet(t, 12)
	one, two := startNode(t, dsn, "one", f.yaml()), startNode(t, dsn, "two", f.yaml())
	f.awaitAllBy(t, "one", "two")
	ctx := t.Context()
	for _, asked := range []*running{one, two} {
		var sources []server.Source
		eventually(t, func() (err error) { // each node reads now and then who has what
			sources, err = asked.client.Sources(ctx)
			must(t, err)
			by := make(map[string]int)
			for i := range sources {
				by[sources[i].Node]++
			}
			if len(sources) != 12 || by["one"] == 0 || by["two"] == 0 || len(by) != 2 {
				return fmt.Errorf("sources by node: %v", by)
			}
			return nil
		})
		var took []time.Duration
		for i := range sources {
			s := &sources[i]
			eventually(t, func() error { // who has just got it has not polled it yet
				begun := time.Now()
				whole, err := asked.client.Source(ctx, s.Name)
				took = append(took, time.Since(begun))
				if err == nil && (whole.Saved || whole.Node == "" || whole.LastPoll == nil) {
					err = fmt.Errorf("source %+v", whole)
				}
				return err
			})
		}
		// Any of them may have to wait for a machine that does other things.
		slices.Sort(took)
		if half := took[len(took)/2]; half > 5*time.Second {
			t.Errorf("half of the questions took longer than %s", half)
		}
		changed, err := asked.client.ChangeSource(ctx, "s00", server.PauseSource)
		if err != nil || changed.State != server.SourcePaused {
			t.Errorf("pause: %+v, %v", changed, err)
		}
		changed, err = asked.client.ChangeSource(ctx, "s00", server.ResumeSource)
		if err != nil || changed.Paused {
			t.Errorf("resume: %+v, %v", changed, err)
		}
		for _, name := range f.endpoints {
			if e, err := asked.client.ChangeEndpoint(ctx, name, server.Pause); err != nil || !e.Paused {
				t.Errorf("pause: %+v, %v", e, err)
			}
			if e, err := asked.client.ChangeEndpoint(ctx, name, server.Resume); err != nil || e.Paused {
				t.Errorf("resume: %+v, %v", e, err)
			}
		}
		endpoints, err := asked.client.Endpoints(ctx)
		if err != nil || len(endpoints) != len(f.endpoints) {
			t.Errorf("endpoints %+v, %v", endpoints, err)
		}
	}
	nodes, err := one.client.Nodes(ctx)
	must(t, err)
	if len(nodes) != 2 || nodes[0].Name != "one" || !nodes[0].Self || nodes[0].Sources+nodes[1].Sources != 12 || nodes[0].Configuration == "" ||
		nodes[0].Configuration != nodes[1].Configuration || len(nodes[0].Differs)+len(nodes[1].Differs) != 1 {
		t.Errorf("nodes %+v", nodes)
	}
	n, err := one.client.Node(ctx, "two")
	if err != nil || len(n.Leases) == 0 || n.Self || n.Leases[0].Since.IsZero() {
		t.Errorf("node %+v, %v", n, err)
	}
	for path, want := range map[string]string{"/metrics": "pollwire_node_members 2", "/nodes": "Nodes run different versions", "/": "All of them"} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+one.Addr()+path, http.NoBody)
		must(t, err)
		resp, err := http.DefaultTransport.RoundTrip(req)
		must(t, err)
		text, err := io.ReadAll(resp.Body)
		must(t, err)
		must(t, resp.Body.Close())
		if !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %q", path, want)
		}
	}
}
