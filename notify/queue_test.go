package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// memQueue is a queue in memory that keeps the contract of Queue.
type memQueue struct {
	// recordDelay and paceDelay are how long Record and SavePaces take.
	recordDelay, paceDelay time.Duration
	// recordErr, readErr, eventErr, stateErr and paceErr fail what they name.
	recordErr, readErr, eventErr, stateErr, paceErr error

	mu         sync.Mutex
	events     map[int64]Event
	deliveries []Delivery
	state      map[int64]State
	outcomes   []Outcome
	batches    int
	states     map[string]EndpointState
	paces      map[string]Pace
	paceSaves  int
	laneReads  int
	saves      int
}

var _ Queue = (*memQueue)(nil)

func newMemQueue() *memQueue {
	return &memQueue{events: make(map[int64]Event), state: make(map[int64]State), states: make(map[string]EndpointState), paces: make(map[string]Pace)}
}

// commit adds a delivery of a new event and returns its ID.
func (q *memQueue) commit(endpoint, lane string) int64 {
	q.mu.Lock()
	position := int64(len(q.events) + 1)
	q.events[position] = Event{
		Position: position, ID: fmt.Sprintf("evt_%d", position), Type: "test.created", Source: lane,
		Time: time.Unix(1767323045, 678e6), Sequence: position, Data: []byte(`{"n":` + fmt.Sprint(position) + `}`),
	}
	q.mu.Unlock()
	return q.tell(position, endpoint, lane)
}

// tell adds a delivery of an event.
func (q *memQueue) tell(position int64, endpoint, lane string) int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	id := int64(len(q.deliveries) + 1)
	q.deliveries = append(q.deliveries, Delivery{ID: id, Endpoint: endpoint, Lane: lane, Position: position})
	q.state[id] = Waiting
	return id
}

// set changes a row as it stands before a start.
func (q *memQueue) set(id int64, change func(*Delivery)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change(&q.deliveries[id-1])
}

func (q *memQueue) row(id int64) (Delivery, State) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.deliveries[id-1], q.state[id]
}

// outcomesOf returns what was recorded of a delivery, in order.
func (q *memQueue) outcomesOf(id int64) []Outcome {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(q.outcomes), func(o Outcome) bool { return o.Delivery != id })
}

// count returns how many deliveries are in a state.
func (q *memQueue) count(state State) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, s := range q.state {
		if s == state {
			n++
		}
	}
	return n
}

func (q *memQueue) readsOfLanes() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.laneReads
}

// stateSaves counts how often a state was saved.
func (q *memQueue) stateSaves() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.saves
}

func (q *memQueue) savedState(endpoint string) EndpointState {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.states[endpoint]
}

func (q *memQueue) waiting(after int64, limit int, match func(*Delivery) bool) ([]Delivery, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.readErr != nil {
		return nil, q.readErr
	}
	var page []Delivery
	for i := max(after, 0); i < int64(len(q.deliveries)) && len(page) < limit; i++ {
		if d := &q.deliveries[i]; q.state[d.ID] == Waiting && match(d) {
			page = append(page, *d)
		}
	}
	return page, nil
}

func (q *memQueue) Waiting(_ context.Context, endpoint string, after int64, limit int) ([]Delivery, error) {
	return q.waiting(after, limit, func(d *Delivery) bool { return d.Endpoint == endpoint })
}

func (q *memQueue) WaitingInLane(_ context.Context, endpoint, lane string, after int64, limit int) ([]Delivery, error) {
	q.mu.Lock()
	q.laneReads++
	q.mu.Unlock()
	return q.waiting(after, limit, func(d *Delivery) bool { return d.Endpoint == endpoint && d.Lane == lane })
}

func (q *memQueue) Relabel(_ context.Context, endpoint string, order Order) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.readErr != nil {
		return q.readErr
	}
	for i := range q.deliveries {
		if d := &q.deliveries[i]; d.Endpoint == endpoint && q.state[d.ID] == Waiting && !order.fits(d.Lane) {
			e := q.events[d.Position]
			if d.Lane = order.Lane(&e); d.Replay {
				d.Lane = ReplayLane(d.Lane)
			}
		}
	}
	return nil
}

func (q *memQueue) Superseded(_ context.Context, endpoint string, deliveries []int64) ([]int64, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.readErr != nil {
		return nil, q.readErr
	}
	waits := func(d *Delivery) bool {
		return d.Endpoint == endpoint && d.Key != "" && !d.Replay && q.state[d.ID] == Waiting
	}
	var found []int64
	for _, id := range deliveries {
		d := &q.deliveries[id-1]
		if !waits(d) || d.Posts > 0 || d.Batch != "" {
			continue
		}
		if slices.ContainsFunc(q.deliveries[id:], func(l Delivery) bool { return l.Key == d.Key && waits(&l) }) {
			found = append(found, id)
		}
	}
	return found, nil
}

func (q *memQueue) SaveBatch(_ context.Context, endpoint, batch string, deliveries []int64) ([]int64, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stateErr != nil {
		return nil, q.stateErr
	}
	var saved []int64
	for _, id := range deliveries {
		if d := &q.deliveries[id-1]; d.Endpoint == endpoint && d.Batch == "" && q.state[id] == Waiting {
			d.Batch = batch
			saved = append(saved, id)
		}
	}
	return saved, nil
}

func (q *memQueue) Batch(_ context.Context, endpoint, batch string) ([]Delivery, error) {
	return q.waiting(0, 1<<30, func(d *Delivery) bool { return d.Endpoint == endpoint && d.Batch == batch })
}

func (q *memQueue) Hasten(_ context.Context, endpoint string, delivery int64) (Delivery, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.readErr != nil {
		return Delivery{}, q.readErr
	}
	if delivery < 1 || delivery > int64(len(q.deliveries)) || q.state[delivery] != Waiting || q.deliveries[delivery-1].Endpoint != endpoint {
		return Delivery{}, ErrNotWaiting
	}
	d := &q.deliveries[delivery-1]
	d.NotBefore = time.Time{}
	for i := range q.deliveries {
		if m := &q.deliveries[i]; d.Batch != "" && m.Batch == d.Batch && q.state[m.ID] == Waiting {
			m.NotBefore = time.Time{}
		}
	}
	return *d, nil
}

func (q *memQueue) Event(_ context.Context, position int64) (Event, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.eventErr != nil {
		return Event{}, q.eventErr
	}
	e, ok := q.events[position]
	if !ok {
		return Event{}, errors.New("no such event")
	}
	return e, nil
}

func (q *memQueue) Record(ctx context.Context, outcomes []Outcome) error {
	if err := wait(ctx, q.recordDelay); err != nil {
		return err
	}
	return q.keepOutcomes(outcomes)
}

func (q *memQueue) keepOutcomes(outcomes []Outcome) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.recordErr != nil {
		return q.recordErr
	}
	q.batches++
	for _, o := range outcomes {
		q.outcomes = append(q.outcomes, o)
		q.state[o.Delivery] = o.State
		d := &q.deliveries[o.Delivery-1]
		d.Posts, d.Attempts, d.NotBefore = max(d.Posts, o.Attempt.Number), o.Attempts, o.NotBefore
	}
	return nil
}

func (q *memQueue) Pace(_ context.Context, endpoint string) (Pace, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.readErr != nil {
		return Pace{}, q.readErr
	}
	p := q.paces[endpoint]
	p.Endpoint = endpoint
	return p, nil
}

func (q *memQueue) SavePaces(ctx context.Context, paces []Pace) error {
	if err := wait(ctx, q.paceDelay); err != nil {
		return err
	}
	return q.keepPaces(paces)
}

func (q *memQueue) keepPaces(paces []Pace) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.paceErr != nil {
		return q.paceErr
	}
	for _, p := range paces {
		q.paces[p.Endpoint] = p
	}
	q.paceSaves++
	return nil
}

// savedPaces counts how often paces were saved.
func (q *memQueue) savedPaces() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.paceSaves
}

func (q *memQueue) savedPace(endpoint string) Pace {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.paces[endpoint]
}

// wait waits for a while, or fails when ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (q *memQueue) EndpointStates(_ context.Context, endpoints ...string) ([]EndpointState, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.readErr != nil {
		return nil, q.readErr
	}
	var states []EndpointState
	for _, s := range q.states {
		if len(endpoints) == 0 || slices.Contains(endpoints, s.Name) {
			states = append(states, s)
		}
	}
	return states, nil
}

func (q *memQueue) SaveEndpointState(_ context.Context, s EndpointState) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stateErr != nil {
		return q.stateErr
	}
	q.states[s.Name] = s
	q.saves++
	return nil
}

// fail sets the errors of the queue while it is in use.
func (q *memQueue) fail(set func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	set()
}
