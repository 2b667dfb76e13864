package notify

import (
	"context"
	"slices"
	"sync"
	"testing"
)

// leases says which node serves which endpoint of a queue, as the rows of a
// database do.
type leases struct {
	*memQueue

	mu     sync.Mutex
	owners map[string]string
}

func newLeases(q *memQueue) *leases { return &leases{memQueue: q, owners: make(map[string]string)} }

// give makes a node the owner of an endpoint: what others write of it from now on
// is refused.
func (l *leases) give(endpoint, node string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.owners[endpoint] = node
}

// under runs a write while nobody gets another owner; only with the leases of all
// these endpoints.
func (l *leases) under(node string, endpoints []string, write func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(endpoints, func(name string) bool { return l.owners[name] != node }) {
		return errTaken
	}
	return write()
}

// nodeQueue is the queue as one node writes it.
type nodeQueue struct {
	*leases
	node string
}

var _ Queue = nodeQueue{}

func (q nodeQueue) SaveBatch(ctx context.Context, endpoint, batch string, ids []int64) (saved []int64, err error) {
	err = q.under(q.node, []string{endpoint}, func() (err error) {
		saved, err = q.memQueue.SaveBatch(ctx, endpoint, batch, ids)
		return err
	})
	return saved, err
}

func (q nodeQueue) SaveEndpointState(ctx context.Context, s EndpointState) error {
	return q.under(q.node, []string{s.Name}, func() error { return q.memQueue.SaveEndpointState(ctx, s) })
}

func (q nodeQueue) Hasten(ctx context.Context, endpoint string, delivery int64) (d Delivery, err error) {
	err = q.under(q.node, []string{endpoint}, func() (err error) {
		d, err = q.memQueue.Hasten(ctx, endpoint, delivery)
		return err
	})
	return d, err
}

func (q nodeQueue) SavePaces(ctx context.Context, paces []Pace) error {
	if err := wait(ctx, q.paceDelay); err != nil {
		return err
	}
	var names []string
	for _, p := range paces {
		names = append(names, p.Endpoint)
	}
	return q.under(q.node, names, func() error { return q.keepPaces(paces) })
}

// Record leaves out what the node does not hold.
func (q nodeQueue) Record(ctx context.Context, outcomes []Outcome) error {
	if err := wait(ctx, q.recordDelay); err != nil {
		return err
	}
	return q.under(q.node, nil, func() error {
		return q.keepOutcomes(slices.DeleteFunc(slices.Clone(outcomes), func(o Outcome) bool { return q.owners[o.Endpoint] != q.node }))
	})
}

// newNode returns a dispatcher of one node, started, that has adopted nothing.
func newNode(tb testing.TB, l *leases, node string, rec *receiver, endpoints ...Endpoint) *rig {
	tb.Helper()
	r := leasedRig(l.memQueue, rec, endpoints...)
	r.options.Queue = nodeQueue{l, node}
	r.mustStart(tb)
	return r
}
