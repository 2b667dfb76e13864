package notify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// handover is one change of the owner of an endpoint.
type handover struct {
	endpoint int
	// lost says that the old owner is only told afterwards: it has noticed by itself
	// that it may post no more.
	lost bool
	// after is how long the owner before has had it, patience how long it may take
	// to release it, and late how long after a loss it does.
	after, patience, late time.Duration
}

// ownership is what two nodes on one queue meet.
type ownership struct {
	weather   weather
	limits    []RateLimit
	paceDelay time.Duration
	handovers []handover
}

func drawOwnership(rt *rapid.T) ownership {
	o := ownership{weather: drawWeather(rt), paceDelay: time.Duration(rapid.IntRange(0, 500).Draw(rt, "pace delay")) * time.Millisecond}
	for range 2 {
		o.limits = append(o.limits, RateLimit{
			Requests: rapid.IntRange(0, 20).Draw(rt, "requests"),
			Per:      time.Duration(rapid.IntRange(1, 20000).Draw(rt, "per")) * time.Millisecond,
			Burst:    rapid.IntRange(0, 25).Draw(rt, "burst"),
		})
	}
	millis := func(most int, label string) time.Duration {
		return time.Duration(rapid.IntRange(0, most).Draw(rt, label)) * time.Millisecond
	}
	for range rapid.IntRange(1, 12).Draw(rt, "handovers") {
		o.handovers = append(o.handovers, handover{
			endpoint: rapid.IntRange(0, 1).Draw(rt, "endpoint"), lost: rapid.Bool().Draw(rt, "lost"),
			after: millis(30000, "after"), patience: millis(20000, "patience"), late: millis(5000, "late"),
		})
	}
	return o
}

// TestLanesKeepTheirOrderOverOwners has the endpoints of one queue change their
// owner, by agreement and by loss, with everything that may go wrong besides.
func TestLanesKeepTheirOrderOverOwners(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		o := drawOwnership(rt)
		var err error
		synctest.Test(t, func(t *testing.T) { err = o.run(t) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

// fleet is two nodes with two endpoints.
type fleet struct {
	*leases
	nodes     [2]*rig
	endpoints []Endpoint
	owner     [2]int
	// held says which node may post to which endpoint.
	held [2][2]atomic.Bool
	// terms counts the owners of the endpoints; each puts its number into a header.
	terms int
}

func (o *ownership) run(t *testing.T) error {
	dice := rand.New(rand.NewPCG(o.weather.seed, 0))
	var mu sync.Mutex
	roll := func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return dice.Float64()
	}
	f := &fleet{leases: newLeases(newMemQueue())}
	f.recordDelay, f.paceDelay = o.weather.recordDelay, o.paceDelay
	rec := o.weather.receiver(roll)
	for i := range o.limits {
		e := testEndpoint(t, fmt.Sprint("e", i))
		e.MaxInFlight, e.RateLimit = o.weather.inFlight, o.limits[i]
		e.Retry = RetryPolicy{Schedule: []time.Duration{time.Second, time.Minute, 10 * time.Minute}, Jitter: 0.5, MaxRetryAfter: time.Hour}
		f.endpoints = append(f.endpoints, e)
	}
	for n := range f.nodes {
		f.nodes[n] = leasedRig(f.memQueue, rec, f.endpoints...)
		options := &f.nodes[n].options
		options.Queue, options.bounds = nodeQueue{f.leases, fmt.Sprint("node-", n)}, o.weather.bounds
		options.Holds = func(endpoint string) bool { return f.held[n][endpoint[1]-'0'].Load() }
		f.nodes[n].mustStart(t)
	}
	commit := func(n int) {
		for range n {
			f.commit(fmt.Sprint("e", int(roll()*2)), fmt.Sprintf("lane-%d", int(roll()*float64(o.weather.lanes))))
		}
		f.nodes[0].Wake()
		f.nodes[1].Wake()
	}
	for i := range f.endpoints {
		f.adopt(t, 0, i)
	}
	commit(o.weather.deliveries / 2)
	for _, h := range o.handovers {
		<-time.After(h.after)
		if err := f.handOver(t, h); err != nil {
			return err
		}
	}
	commit(o.weather.deliveries - o.weather.deliveries/2)
	for hours := 0; f.count(Waiting) > 0; hours++ {
		if hours > 24*30 {
			return fmt.Errorf("%d deliveries still wait after a month", f.count(Waiting))
		}
		<-time.After(time.Hour)
	}
	for _, r := range f.nodes {
		r.mustStop(t)
		if len(r.fatal) > 0 {
			return fmt.Errorf("fatal: %w", <-r.fatal)
		}
	}
	return o.check(f, rec)
}

// adopt gives an endpoint to a node.
func (f *fleet) adopt(t *testing.T, node, endpoint int) {
	f.terms++
	name := f.endpoints[endpoint].Name
	e := f.endpoints[endpoint]
	e.Header = http.Header{"X-Term": {fmt.Sprint(f.terms)}}
	all := []Endpoint{f.endpoints[0], f.endpoints[1]}
	all[endpoint] = e
	f.endpoints = all
	f.give(name, fmt.Sprint("node-", node))
	f.owner[endpoint] = node
	f.nodes[node].Apply(all)
	f.nodes[node].mustAdopt(t, name)
	f.held[node][endpoint].Store(true)
	f.nodes[node].Wake()
}

func (f *fleet) handOver(t *testing.T, h handover) error {
	old := f.owner[h.endpoint]
	names := []string{f.endpoints[h.endpoint].Name}
	if h.lost {
		f.held[old][h.endpoint].Store(false)
		<-time.After(h.late / 2)
		f.adopt(t, 1-old, h.endpoint)
		<-time.After(h.late)
	}
	ctx, cancel := context.WithTimeout(t.Context(), h.patience)
	defer cancel()
	if err := f.nodes[old].Release(ctx, names); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("release: %w", err)
	}
	f.held[old][h.endpoint].Store(false)
	if !h.lost {
		f.adopt(t, 1-old, h.endpoint)
	}
	return nil
}

// check holds what was posted and recorded against the promises. What a loss
// leaves unrecorded is posted again by the heir, in order.
func (o *ownership) check(f *fleet, rec *receiver) error {
	agreed := true
	for _, h := range o.handovers {
		agreed = agreed && !h.lost
	}
	if agreed && len(rec.overlap) > 0 {
		return fmt.Errorf("two posts at once in %s", rec.overlap[0])
	}
	byEndpoint := make(map[string][]post)
	seen := make(map[int64]bool)
	lastOf, lastNew := make(map[string]int64), make(map[string]int64)
	for _, p := range rec.seen() {
		byEndpoint[p.endpoint] = append(byEndpoint[p.endpoint], p)
		d, _ := f.row(p.position())
		lane := d.Endpoint + " " + d.Lane
		term := lane + " " + p.header.Get("X-Term")
		if d.ID < lastOf[term] {
			return fmt.Errorf("%s: delivery %d was posted after %d by one owner", term, d.ID, lastOf[term])
		}
		lastOf[term] = d.ID
		if !seen[d.ID] && d.ID < lastNew[lane] {
			return fmt.Errorf("%s: delivery %d was first posted after %d", lane, d.ID, lastNew[lane])
		}
		seen[d.ID], lastNew[lane] = true, max(lastNew[lane], d.ID)
	}
	for i, limit := range o.limits {
		if limit.Requests == 0 {
			continue
		}
		if err := crowd(byEndpoint[f.endpoints[i].Name], limit); err != nil {
			return fmt.Errorf("%s: %w", f.endpoints[i].Name, err)
		}
	}
	return checkOutcomes(f.memQueue)
}
