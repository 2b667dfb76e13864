package metrics

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// depthsFresh is for how long the depths are told that were read last: to
	// count a long queue takes a while, and several may scrape.
	depthsFresh = 5 * time.Second
	// depthsTimeout bounds the reading.
	depthsTimeout = 5 * time.Second
)

// Queue knows what waits.
type Queue interface {
	// Depths returns how many deliveries of each endpoint wait or are dead;
	// endpoints that have none of either may be left out.
	Depths(ctx context.Context) ([]store.Depth, error)
}

// queueCollector tells what waits when it is asked.
type queueCollector struct {
	queue               Queue
	telling             *telling
	tenancy             tenancy
	waiting, dead, aged *prometheus.Desc

	mu     sync.Mutex
	depths []store.Depth
	readAt time.Time
}

var _ prometheus.Collector = (*queueCollector)(nil)

func newQueueCollector(q Queue, t *telling, held tenancy) *queueCollector {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("pollwire_delivery_queue_"+name, help, []string{"endpoint"}, nil)
	}
	return &queueCollector{
		queue: q, telling: t, tenancy: held,
		waiting: desc("depth", "Deliveries that wait for an endpoint."),
		aged:    desc("oldest_age_seconds", "How long the oldest delivery that waits for an endpoint has waited; 0 where none does."),
		dead:    desc("dead", "Deliveries of an endpoint that are dead, and kept to be replayed."),
	}
}

// Describe is a [prometheus.Collector]'s.
func (c *queueCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.waiting
	ch <- c.aged
	ch <- c.dead
}

// Collect is a [prometheus.Collector]'s.
func (c *queueCollector) Collect(ch chan<- prometheus.Metric) {
	depths, err := c.read()
	if err != nil {
		ch <- prometheus.NewInvalidMetric(c.waiting, err)
		return
	}
	all := make(map[string]store.Depth)
	for _, label := range c.telling.labels() {
		if label == subscribed || c.tenancy.endpoint(label, label) {
			all[label] = store.Depth{}
		}
	}
	for _, d := range depths {
		label := c.telling.label(d.Endpoint)
		if !c.tenancy.endpoint(d.Endpoint, label) {
			continue
		}
		sum := all[label]
		sum.Waiting += d.Waiting
		sum.Dead += d.Dead
		if sum.Oldest.IsZero() || !d.Oldest.IsZero() && d.Oldest.Before(sum.Oldest) {
			sum.Oldest = d.Oldest
		}
		all[label] = sum
	}
	now := time.Now()
	for label, d := range all {
		labels := labelled("endpoint", label)
		var age time.Duration
		if !d.Oldest.IsZero() {
			age = max(0, now.Sub(d.Oldest))
		}
		ch <- &sample{desc: c.waiting, labels: labels, value: float64(d.Waiting)}
		ch <- &sample{desc: c.aged, labels: labels, value: age.Seconds()}
		ch <- &sample{desc: c.dead, labels: labels, value: float64(d.Dead)}
	}
}

// read returns what was read not long ago, or reads it. A scrape that comes
// meanwhile waits for it.
func (c *queueCollector) read() ([]store.Depth, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.readAt.IsZero() && time.Since(c.readAt) < depthsFresh {
		return c.depths, nil
	}
	// A collector is given no context; the store's own Close ends the read too.
	ctx, cancel := context.WithTimeout(context.Background(), depthsTimeout)
	defer cancel()
	depths, err := c.queue.Depths(ctx)
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	c.depths, c.readAt = depths, time.Now()
	return depths, nil
}
