package metrics

import (
	"strings"
	"testing"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// node is one that stands so, and has these resources; with none it has all.
type node struct {
	status NodeStatus
	has    map[string]bool
}

var _ Nodes = node{}

func (n node) NodeStatus() NodeStatus     { return n.status }
func (n node) Holds(resource string) bool { return n.has == nil || n.has[resource] }

// shared is the account of a node that has some of what there is.
func shared(has ...string) *Metrics {
	n := node{has: make(map[string]bool), status: NodeStatus{Suspended: true}}
	for _, resource := range has {
		n.has[resource] = true
	}
	q := busyQueue()
	m := New(Options{
		Nodes: n, Queue: q,
		Limits: limitList{{Limit: poller.Limit{Name: "github", Requests: 5}}, {Limit: poller.Limit{Name: "source/orders", Requests: 1}}},
		Endpoints: endpointList{
			{EndpointState: notify.EndpointState{Name: "chat"}, Enabled: true, Breaker: notify.BreakerClosed},
			{EndpointState: notify.EndpointState{Name: "ops"}, Enabled: true, Breaker: notify.BreakerClosed},
			{EndpointState: notify.EndpointState{Name: "sub_1"}, Enabled: true, Breaker: notify.BreakerClosed},
			{EndpointState: notify.EndpointState{Name: "sub_2"}, Enabled: true, Breaker: notify.BreakerClosed},
		},
	})
	m.SetSources([]string{"orders", "releases", "users"})
	m.SetEndpoints([]string{"ops", "chat"})
	for _, name := range []string{"orders", "releases"} {
		m.Polled(&poller.Source{Name: name}, poller.Result{At: time.Now(), Requests: 1, Err: errLost})
	}
	return m
}

// TestEachNodeTellsOfWhatItHas: what stands somehow is told by one node, what was
// counted by the one that counted it.
func TestEachNodeTellsOfWhatItHas(t *testing.T) {
	t.Parallel()
	text := scrape(t, shared(store.SourceResource("orders"), store.EndpointResource("ops"), store.EndpointResource("sub_1")))
	for _, want := range []string{
		`pollwire_source_consecutive_failures{source="orders"} 1`, `pollwire_source_poll_failures_total{source="releases"} 1`,
		"pollwire_sources 1", "pollwire_sources_failing 1", `pollwire_limit_requests{limit="source/orders"} 1`,
		`pollwire_delivery_queue_depth{endpoint="ops"} 5`, `pollwire_delivery_queue_depth{endpoint="@subscriptions"} 1`,
		`pollwire_endpoint_state{endpoint="@subscriptions",state="ok"} 1`, `pollwire_endpoint_state{endpoint="ops",state="ok"} 1`,
		"pollwire_node_suspended 1", `pollwire_node_leases{kind="token"} 0`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no %s in\n%s", want, own(text))
		}
	}
	for _, others := range []string{
		`consecutive_failures{source="releases"}`, `{source="users"}`, `{limit="github"}`, `_state{endpoint="chat"`, `_depth{endpoint="chat"}`, "@removed",
	} {
		if strings.Contains(text, others) {
			t.Errorf("what another node has is told: %s", others)
		}
	}
	if text := scrape(t, shared(store.TaskPrune)); !strings.Contains(text, "\n"+`pollwire_delivery_queue_depth{endpoint="@removed"} 2`+"\n") {
		t.Errorf("who removes what is old does not tell of it:\n%s", own(text))
	}
}

// TestReleasedSourcesBeginAnew: how a source stood in an earlier term is no news in
// the next one.
func TestReleasedSourcesBeginAnew(t *testing.T) {
	t.Parallel()
	m := shared(store.SourceResource("orders"))
	m.Polled(&poller.Source{Name: "orders"}, poller.Result{At: time.Now(), Requests: 1})
	m.Polled(&poller.Source{Name: "orders"}, poller.Result{At: time.Now(), Requests: 1, Err: errLost})
	m.Released([]string{"orders", "unknown"})
	text := scrape(t, m)
	if !strings.Contains(text, `pollwire_source_consecutive_failures{source="orders"} 0`) || strings.Contains(text, "last_success_timestamp_seconds{") ||
		!strings.Contains(text, `pollwire_source_polls_total{source="orders"} 3`) {
		t.Errorf("told:\n%s", own(text))
	}
}

// TestOneDaemonTellsOfNoNodes: where nothing is shared nothing is told of that.
func TestOneDaemonTellsOfNoNodes(t *testing.T) {
	t.Parallel()
	if text := scrape(t, New(Options{})); strings.Contains(text, "pollwire_node_") {
		t.Error(own(text))
	}
}
