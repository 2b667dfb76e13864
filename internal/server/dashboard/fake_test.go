package dashboard

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

var _ server.Controller = (*fake)(nil)

// fake is a daemon in the middle of its day. It answers from its fields, which a
// test may change before it is asked, and notes what it was told to do.
type fake struct {
	now        time.Time
	sources    []server.Source
	polls      map[string][]server.Poll
	endpoints  []server.Endpoint
	deliveries []server.Delivery
	limits     []server.Limit
	nodes      []server.Node
	// free is how much no node has, leases what each of the nodes holds.
	free   int
	leases []server.Lease
	reload server.Reload
	// pollsErr is what Polls returns besides err; nil for none.
	pollsErr error
	// log is the log, the oldest event first.
	log []notify.Event
	// subscribed are what was registered over the API.
	subscribed []server.Subscription
	// err is what every method returns, nil for none.
	err error

	mu    sync.Mutex
	calls []string
	grown chan struct{}
}

// newFake is a daemon of a small shop, as it stands now.
func newFake() *fake {
	f := &fake{now: time.Now().UTC().Truncate(time.Millisecond), polls: make(map[string][]server.Poll), grown: make(chan struct{})}
	f.addSources()
	f.addEvents()
	f.addEndpoints()
	f.addLimits()
	return f
}

// past is a time so long ago, future one to come.
func (f *fake) past(d time.Duration) *time.Time {
	t := f.now.Add(-d)
	return &t
}
func (f *fake) future(d time.Duration) *time.Time { return f.past(-d) }

// call notes what was asked for.
func (f *fake) call(format string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	return f.err
}

// taken returns the calls so far that change something, and forgets them.
func (f *fake) taken() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

// happen logs an event, as if it had been observed just now.
func (f *fake) happen(e notify.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, e)
	close(f.grown)
	f.grown = make(chan struct{})
}

// forget has an event found no more, as retention does.
func (f *fake) forget(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.log {
		if f.log[i].ID == id {
			f.log[i].ID = "evt_forgotten"
		}
	}
}

func (f *fake) Sources(context.Context) ([]server.Source, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sources), f.err
}

func (f *fake) Source(_ context.Context, name string) (*server.Source, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.sources {
		if f.sources[i].Name == name {
			s := f.sources[i]
			return &s, f.err
		}
	}
	return nil, fmt.Errorf("source %q: %w", name, store.ErrNotFound)
}

func (f *fake) Polls(_ context.Context, source string) ([]server.Poll, error) {
	return f.polls[source], cmp.Or(f.pollsErr, f.err)
}

func (f *fake) Snapshot(context.Context, server.SnapshotQuery) (*server.Snapshot, error) {
	return nil, store.ErrNotFound
}

func (f *fake) ChangeSource(_ context.Context, name string, change server.SourceChange) (*server.Source, error) {
	if err := f.call("%s source/%s", change, name); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.sources {
		if s := &f.sources[i]; s.Name == name {
			s.Paused, s.State = change == server.PauseSource, server.SourceOK
			if s.Paused {
				s.State, s.PausedSince, s.NextRun = server.SourcePaused, f.past(0), nil
			}
			changed := *s
			return &changed, nil
		}
	}
	return nil, fmt.Errorf("source %q: %w", name, store.ErrNotFound)
}

func (f *fake) AcceptRemoval(_ context.Context, source string) error {
	return f.call("accept source/%s", source)
}

func (f *fake) Poll(_ context.Context, source string) error { return f.call("poll source/%s", source) }

func (f *fake) Preview(_ context.Context, source string) (*server.Preview, error) {
	return &server.Preview{Source: source}, f.call("preview source/%s", source)
}

func (f *fake) Limits(context.Context) ([]server.Limit, error) { return f.limits, f.err }
func (f *fake) Nodes(context.Context) (*server.NodeList, error) {
	return &server.NodeList{Nodes: f.nodes, Free: f.free}, f.err
}

func (f *fake) Node(_ context.Context, id string) (*server.Node, error) {
	for i := range f.nodes {
		if f.nodes[i].ID == id {
			n := f.nodes[i]
			n.Leases = f.leases
			return &n, f.err
		}
	}
	return nil, fmt.Errorf("node %q: %w", id, store.ErrNotFound)
}

func (f *fake) LastReload() server.Reload { return f.reload }

func (f *fake) Endpoints(context.Context) ([]server.Endpoint, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.endpoints), f.err
}

func (f *fake) endpoint(name string) (*server.Endpoint, error) {
	for i := range f.endpoints {
		if f.endpoints[i].Name == name {
			return &f.endpoints[i], f.err
		}
	}
	return nil, fmt.Errorf("endpoint %q: %w", name, store.ErrNotFound)
}

func (f *fake) Endpoint(_ context.Context, name string) (*server.Endpoint, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, err := f.endpoint(name)
	if err != nil {
		return nil, err
	}
	found := *e
	return &found, nil
}

func (f *fake) ChangeEndpoint(_ context.Context, name string, change server.EndpointChange) (*server.Endpoint, error) {
	if err := f.call("%s endpoint/%s", change, name); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	e, err := f.endpoint(name)
	if err != nil {
		return nil, err
	}
	switch change {
	case server.Enable, server.Disable:
		e.Enabled, e.Since, e.Reason = change == server.Enable, nil, ""
		if !e.Enabled {
			e.Since, e.Reason = f.past(0), "by hand"
		}
	case server.Pause, server.Resume:
		e.Paused = change == server.Pause
	}
	changed := *e
	return &changed, nil
}

func (f *fake) TestEndpoint(_ context.Context, name string) (*server.Test, error) {
	return &server.Test{
		ID:      "test_01K0PINGPINGPINGPINGPINGPI",
		Attempt: server.Attempt{Number: 1, At: f.now, DurationMS: 48, Status: 204},
	}, f.call("test endpoint/%s", name)
}

func (f *fake) Deliveries(_ context.Context, q store.DeliveryQuery) (*server.DeliveryPage, error) {
	page := &server.DeliveryPage{}
	for i := range f.deliveries {
		d := f.deliveries[i]
		if q.State != "" && d.State != q.State || q.Endpoint != "" && d.Endpoint != q.Endpoint || q.Event != "" && d.Event != q.Event || q.Before > 0 && d.ID >= q.Before {
			continue
		}
		if len(page.Deliveries) == q.Limit {
			page.Next = fmt.Sprint(page.Deliveries[q.Limit-1].ID)
			break
		}
		d.Tried = nil
		page.Deliveries = append(page.Deliveries, d)
	}
	return page, f.err
}

func (f *fake) Delivery(_ context.Context, id int64) (*server.Delivery, error) {
	for i := range f.deliveries {
		if f.deliveries[i].ID == id {
			d := f.deliveries[i]
			return &d, f.err
		}
	}
	return nil, fmt.Errorf("delivery %d: %w", id, store.ErrNotFound)
}

func (f *fake) RetryDelivery(ctx context.Context, id int64) (*server.Delivery, error) {
	if err := f.call("retry delivery/%d", id); err != nil {
		return nil, err
	}
	return f.Delivery(ctx, id)
}

func (f *fake) StartReplay(_ context.Context, q *server.ReplayRequest) (*server.Replay, error) {
	return &server.Replay{ID: "rpl_01K0REPLAY", ReplayRequest: *q, CreatedAt: f.now}, f.call("replay endpoint/%s source/%s", q.Endpoint, q.Source)
}

func (f *fake) Replay(_ context.Context, id string) (*server.Replay, error) {
	return &server.Replay{ID: id, Progress: 0.4, Told: 120, Waiting: 14, CreatedAt: f.now}, f.err
}

func (f *fake) Event(_ context.Context, id string) (json.RawMessage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.log {
		if f.log[i].ID == id {
			return notify.Envelope(&f.log[i], "")
		}
	}
	return nil, fmt.Errorf("event %q: %w", id, store.ErrNotFound)
}

// Events answers as the log does: After is a position in decimal, or "now".
func (f *fake) Events(ctx context.Context, q *server.EventQuery) (*server.EventPage, error) {
	for {
		f.mu.Lock()
		page, err := f.page(q)
		grown, end := f.grown, len(f.log)
		f.mu.Unlock()
		if err != nil || len(page.Events) > 0 || q.Wait == 0 {
			return page, err
		}
		if q.After == "now" {
			q.After = fmt.Sprint(end)
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-q.Stop:
			return page, nil
		}
	}
}

func (f *fake) page(q *server.EventQuery) (*server.EventPage, error) {
	after := 0
	if q.After == "now" {
		after = len(f.log)
	} else if q.After != "" {
		if _, err := fmt.Sscan(q.After, &after); err != nil {
			return nil, &server.Refusal{Status: 400, Reason: "after is no cursor of this log"}
		}
	}
	before := 0
	if q.Before != "" {
		if _, err := fmt.Sscan(q.Before, &before); err != nil {
			return nil, &server.Refusal{Status: 400, Reason: "before is no cursor of this log"}
		}
	}
	page := &server.EventPage{Events: []server.LoggedEvent{}, Next: fmt.Sprint(len(f.log))}
	for i := range f.log {
		e := &f.log[i]
		if i < after || before > 0 && i >= before-1 || q.Subject != "" && e.Subject != q.Subject || q.Source != "" && e.Source != q.Source {
			continue
		}
		if ok, _ := path.Match(q.Type, e.Type); q.Type != "" && !ok {
			continue
		}
		envelope, err := notify.Envelope(e, "")
		if err != nil {
			return nil, err
		}
		page.Events = append(page.Events, server.LoggedEvent{Envelope: envelope, Cursor: fmt.Sprint(i + 1)})
	}
	if over := len(page.Events) - q.Limit; q.Limit > 0 && over > 0 {
		if q.Newest {
			page.Events = page.Events[over:]
			page.Previous = page.Events[0].Cursor
		} else {
			page.More = true
			page.Events = page.Events[:q.Limit]
			page.Next = page.Events[q.Limit-1].Cursor
		}
	}
	return page, f.err
}
