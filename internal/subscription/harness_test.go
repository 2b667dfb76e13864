package subscription_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/subscription"
)

const (
	key  = "a key of the operator's, 32 bytes long"
	hook = "https://hooks.example.com/hooks/standard/12345/top-secret-path/?token=top-secret"
)

// memory is a store in memory.
type memory struct {
	mu      sync.Mutex
	rows    map[string]store.Subscription
	waiting map[string]int64 // by endpoint
	ended   []string
	// sick is what the method of that name fails with.
	sick map[string]error
}

func newMemory() *memory {
	return &memory{rows: make(map[string]store.Subscription), waiting: make(map[string]int64), sick: make(map[string]error)}
}

func (m *memory) AddSubscription(ctx context.Context, s store.Subscription) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := errors.Join(ctx.Err(), m.sick["AddSubscription"]); err != nil {
		return err
	}
	m.rows[s.ID] = s
	return nil
}

func (m *memory) Subscriptions(context.Context) ([]store.Subscription, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rows []store.Subscription
	for _, id := range slices.Sorted(maps.Keys(m.rows)) {
		rows = append(rows, m.rows[id])
	}
	return rows, m.sick["Subscriptions"]
}

func (m *memory) EndSubscription(ctx context.Context, id string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := errors.Join(ctx.Err(), m.sick["EndSubscription"]); err != nil {
		return 0, err
	}
	dead := m.waiting[id]
	delete(m.rows, id)
	delete(m.waiting, id)
	m.ended = append(m.ended, id)
	return dead, nil
}

func (m *memory) EndpointNames(_ context.Context, prefix string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(m.waiting)) {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names, m.sick["EndpointNames"]
}

func (m *memory) fails(method string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sick[method] = err
}

func (m *memory) endings() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.ended)
}

func (m *memory) wait(endpoint string, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting[endpoint] = n
}

// receivers are the servers behind all URLs.
type receivers struct {
	// refuses is what Check answers, fails what Challenge does.
	refuses, fails error
	// answers makes the answer to a challenge.
	answers func(challenge string) string
	// during runs inside each challenge.
	during func(ctx context.Context)

	mu         sync.Mutex
	checked    []string
	challenged []challenged
}

// challenged is a challenge as a receiver sees it.
type challenged struct {
	endpoint subscription.Endpoint
	id       string
	body     []byte
}

func (r *receivers) Check(_ context.Context, u *url.URL) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checked = append(r.checked, u.Host)
	return r.refuses
}

func (r *receivers) Challenge(ctx context.Context, e *subscription.Endpoint, id string, body []byte) ([]byte, error) {
	r.mu.Lock()
	r.challenged = append(r.challenged, challenged{*e, id, body})
	r.mu.Unlock()
	if r.during != nil {
		r.during(ctx)
	}
	if r.fails != nil {
		return nil, r.fails
	}
	var event struct {
		Data struct {
			Challenge string `json:"challenge"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return nil, err
	}
	if r.answers == nil {
		return []byte(event.Data.Challenge), nil
	}
	return []byte(r.answers(event.Data.Challenge)), nil
}

// bench is a registry with all that is around it.
type bench struct {
	*subscription.Registry
	store     *memory
	receivers *receivers
	options   subscription.Options

	mu      sync.Mutex
	applied [][]subscription.Endpoint
	// sick is what Apply fails with.
	sick error
	log  strings.Builder
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{store: newMemory(), receivers: &receivers{}}
	b.options = subscription.Options{
		Store: b.store, Key: key,
		Rules: subscription.Rules{Receivers: b.receivers, Sources: []string{"orders", "prices"}, Reserved: []string{"sub_ops"}},
		Apply: func(_ context.Context, endpoints []subscription.Endpoint) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.sick == nil {
				b.applied = append(b.applied, endpoints)
			}
			return b.sick
		},
		Logger: slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), writer{b}), nil)),
	}
	b.restart(t)
	return b
}

// writer keeps what is logged.
type writer struct{ b *bench }

func (w writer) Write(p []byte) (int, error) {
	w.b.mu.Lock()
	defer w.b.mu.Unlock()
	return w.b.log.Write(p)
}

// logged returns what has been logged.
func (b *bench) logged() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}

// restart puts a new registry on the same store.
func (b *bench) restart(t *testing.T) {
	t.Helper()
	b.Registry = subscription.New(b.options)
	if err := b.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// live returns what was applied last.
func (b *bench) live() []subscription.Endpoint {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.applied[len(b.applied)-1]
}

func (b *bench) mustAdd(t *testing.T, q subscription.Request) subscription.Added {
	t.Helper()
	added, err := b.Add(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return added
}

// has says whether there is a subscription of an ID.
func (b *bench) has(id string) bool {
	_, err := b.Get(id)
	return err == nil
}

// other is another node on the same store.
func (b *bench) other(t *testing.T) *bench {
	t.Helper()
	o := &bench{store: b.store, receivers: b.receivers, options: b.options}
	o.options.Apply = func(_ context.Context, endpoints []subscription.Endpoint) error {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.sick == nil {
			o.applied = append(o.applied, endpoints)
		}
		return o.sick
	}
	o.restart(t)
	return o
}
