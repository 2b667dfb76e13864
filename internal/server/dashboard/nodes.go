package dashboard

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pollwire/pollwire/internal/server"
)

// nodesPath is where the nodes are.
const nodesPath = "/nodes"

// shownPrint is how much of a fingerprint tells one configuration from another.
const shownPrint = 8

// nodesView is what the page of nodes shows.
type nodesView struct {
	Rows []nodeRow
	// Free is how much no node has.
	Free int
	// Unlike are in what nodes are unlike each other, and what to do about it.
	Unlike []unlikeness
}

// unlikeness is in what nodes are unlike each other.
type unlikeness struct {
	Title, Text string
}

// nodeRow is a node as pages show it.
type nodeRow struct {
	server.Node
	Badge badge
	// Share is how much of all that nodes have it has.
	Share template.HTML
	// Print is the beginning of the fingerprint of its configuration.
	Print string
	// Clock says by how much its clock is off; empty where it is not.
	Clock string
	// OtherVersion and OtherConfiguration say in what it is unlike most of the others.
	OtherVersion, OtherConfiguration bool
}

// nodePath is where a node is shown.
func nodePath(n *server.Node) string { return nodesPath + "/" + url.PathEscape(n.ID) }

// Path is where it is shown.
func (r nodeRow) Path() string { return nodePath(&r.Node) }

// newNodeRow shows one of nodes that have so many leases together.
func newNodeRow(n *server.Node, together int) nodeRow {
	return nodeRow{
		Node: *n, Clock: clockOff(n.ClockAhead), Badge: nodeBadge(n.State), Print: n.Configuration[:min(len(n.Configuration), shownPrint)],
		Share:              drawMeter(fmt.Sprintf("%d of %d leases", n.Held, together), meterPart{toneOK, float64(n.Held) / float64(max(together, 1))}),
		OtherVersion:       slices.Contains(n.Differs, server.NodeVersion),
		OtherConfiguration: slices.Contains(n.Differs, server.NodeConfiguration),
	}
}

// clockOff says by how much a clock that is so many seconds ahead is off.
func clockOff(ahead float64) string {
	switch {
	case ahead > 0:
		return fmt.Sprintf("clock %.1f s ahead", ahead)
	case ahead < 0:
		return fmt.Sprintf("clock %.1f s behind", -ahead)
	}
	return ""
}

// heldTogether is how many leases nodes have.
func heldTogether(nodes []server.Node) (total int) {
	for i := range nodes {
		total += nodes[i].Held
	}
	return total
}

// nodes shows who shares the database.
func (h *Handler) nodes(r *http.Request) (*view, error) {
	list, err := h.opts.Controller.Nodes(r.Context())
	if err != nil {
		return nil, fmt.Errorf("look at nodes: %w", err)
	}
	v := &nodesView{Free: list.Free, Unlike: unlikenesses(list.Nodes)}
	together := heldTogether(list.Nodes)
	for i := range list.Nodes {
		v.Rows = append(v.Rows, newNodeRow(&list.Nodes[i], together))
	}
	return &view{Title: "Nodes", Page: v}, nil
}

// unlikenesses are in what nodes are unlike each other.
func unlikenesses(nodes []server.Node) []unlikeness {
	var found []unlikeness
	for _, u := range []struct {
		aspect server.NodeAspect
		unlikeness
	}{
		{server.NodeVersion, unlikeness{
			"Nodes run different versions",
			"That is as it should be while they are upgraded one after the other; bring the rest to the same version.",
		}},
		{server.NodeConfiguration, unlikeness{
			"Nodes have different configurations",
			"What a source is asked for and who is told depends on which node has it. Give all of them the same files and reload each one.",
		}},
		{server.NodeClock, unlikeness{
			"Clocks are apart",
			"A node goes by its own clock when it polls, tries again and counts what is left of a limit, which others read after it. Set the clocks of all nodes, and of the database's machine, by NTP, as chrony does it. Where all nodes are off by the same, it is the database's that is wrong.",
		}},
	} {
		if slices.ContainsFunc(nodes, func(n server.Node) bool { return slices.Contains(n.Differs, u.aspect) }) {
			found = append(found, u.unlikeness)
		}
	}
	return found
}

// leasesPerPage is how much of what a node has a page lists.
const leasesPerPage = 100

// leaseKinds are what leases are for, in the words of resources, and where pages
// of those are; empty for none.
var leaseKinds = []struct{ kind, label, path string }{
	{"source", "sources", "/sources/"},
	{"endpoint", "endpoints", "/endpoints/"},
	{"limit", "limits", "/limits#limit-"},
	{"token", "tokens", ""},
	{"task", "tasks", ""},
}

// nodeView is what the page of one node shows.
type nodeView struct {
	nodeRow
	Filters []filter
	Leases  []leaseRow
	Pager   pager
}

// leaseRow is what a node has.
type leaseRow struct {
	server.Lease
	// Kind says what it is, Name which one; Path is where it is shown, empty where it
	// is nowhere.
	Kind, Name, Path string
}

func newLeaseRow(l server.Lease) leaseRow {
	kind, name, _ := strings.Cut(l.Resource, "/")
	row := leaseRow{Lease: l, Kind: kind, Name: name}
	for _, k := range leaseKinds {
		if k.kind == kind && k.path != "" {
			row.Path = k.path + url.PathEscape(name)
		}
	}
	return row
}

// node shows one node and what it has.
func (h *Handler) node(r *http.Request) (*view, error) {
	ctx := r.Context()
	n, err := h.opts.Controller.Node(ctx, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	list, err := h.opts.Controller.Nodes(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at nodes: %w", err)
	}
	v := &nodeView{nodeRow: newNodeRow(n, heldTogether(list.Nodes))}
	q := leaseQuery{node: n, kind: r.URL.Query().Get("kind"), page: 1}
	if page, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil && page > 1 {
		q.page = page
	}
	found := make([]leaseRow, 0, len(n.Leases))
	counts := make(map[string]int)
	for _, l := range n.Leases {
		row := newLeaseRow(l)
		counts[row.Kind]++
		if q.kind == "" || q.kind == row.Kind {
			found = append(found, row)
		}
	}
	v.Filters = q.filters(counts, len(n.Leases))
	v.Leases, v.Pager = cut(found, leasesPerPage, q.page, "Pages of what it has", q.at)
	return &view{Title: n.Name, Page: v}, nil
}

// leaseQuery is what a reader wants to see of what a node has.
type leaseQuery struct {
	node *server.Node
	kind string
	// page counts from 1.
	page int
}

func (q leaseQuery) address() string {
	values := make(url.Values)
	if q.kind != "" {
		values.Set("kind", q.kind)
	}
	if q.page > 1 {
		values.Set("page", strconv.Itoa(q.page))
	}
	if len(values) == 0 {
		return nodePath(q.node)
	}
	return nodePath(q.node) + "?" + values.Encode()
}

// filters are the kinds that there are.
func (q leaseQuery) filters(counts map[string]int, total int) []filter {
	current := q.kind
	q.kind, q.page = "", 1
	filters := []filter{{Label: "all", Address: q.address(), Count: total, Current: current == ""}}
	for _, k := range leaseKinds {
		if counts[k.kind] == 0 && current != k.kind {
			continue
		}
		q.kind = k.kind
		filters = append(filters, filter{Label: k.label, Address: q.address(), Count: counts[k.kind], Current: current == k.kind})
	}
	return filters
}

// at is the address of a page of the list.
func (q leaseQuery) at(page int) string {
	q.page = page
	return q.address()
}
