package subscription

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pollwire/pollwire/internal/seal"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// saveTimeout bounds a write. It does not end with the request that asked for
// it: a client that went away must not leave a row that nobody knows of.
const saveTimeout = 10 * time.Second

// ErrNotFound says that there is no such subscription.
var ErrNotFound = errors.New("no such subscription")

// Store is what subscriptions are kept in.
type Store interface {
	// AddSubscription saves one, and returns when it is durable.
	AddSubscription(ctx context.Context, s store.Subscription) error
	// Subscriptions returns all.
	Subscriptions(ctx context.Context) ([]store.Subscription, error)
	// EndSubscription removes one and makes dead what waits for its endpoint, also
	// where there is no such subscription any more.
	EndSubscription(ctx context.Context, id string) (dead int64, err error)
	// EndpointNames returns the names with a prefix for which something waits, or
	// of which a state is kept.
	EndpointNames(ctx context.Context, prefix string) ([]string, error)
}

var _ Store = store.Store(nil)

// Receivers are the servers that clients name.
type Receivers interface {
	// Check returns an error where u cannot be reached from here, as far as that
	// is known before anything is posted. Its text is told to the client.
	Check(ctx context.Context, u *url.URL) error
	// Challenge posts a body once and returns what a 2xx says. The text of its
	// error is told to the client.
	Challenge(ctx context.Context, e *Endpoint, id string, body []byte) ([]byte, error)
}

// Options are what a Registry is made of.
type Options struct {
	Store Store
	// Key is the secret under which URLs and secrets are sealed; empty where there
	// is none, and so no subscription.
	Key string
	// Rules are those to begin with; Change replaces them.
	Rules
	// Apply is called with all subscriptions at the start and after each change,
	// one call at a time. Nothing is committed for an endpoint that is not among
	// them once it has returned. It must not wait for what tells them.
	Apply  func(ctx context.Context, endpoints []Endpoint) error
	Logger *slog.Logger
}

// Registry is all subscriptions there are. Its methods may be called
// concurrently, after Load.
type Registry struct {
	o      Options
	sealer *seal.Sealer // nil without a key
	rules  atomic.Pointer[rules]

	// changing is held while something is saved and applied, so that what is
	// applied last is what there is. It is locked before mu.
	changing sync.Mutex
	// unapplied says that others have changed what there is, and that this could not
	// be applied yet; gone are those that they have ended, of which something may be
	// left. changing guards both.
	unapplied bool
	gone      []string

	mu      sync.Mutex
	entries map[string]*entry
	// pending counts the requests whose receiver is being asked.
	pending int
}

// New returns a registry that knows of no subscription yet.
func New(o Options) *Registry {
	r := &Registry{o: o, entries: make(map[string]*entry)}
	r.rules.Store(newRules(o.Rules))
	if o.Key != "" {
		r.sealer = seal.New(o.Key, seal.Subscriptions)
	}
	return r
}

// Load reads all subscriptions and applies them. One that cannot be read keeps
// its place: what is told to it waits until it can be.
func (r *Registry) Load(ctx context.Context) error {
	rows, err := r.o.Store.Subscriptions(ctx)
	if err != nil {
		return fmt.Errorf("load subscriptions: %w", err)
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	r.mu.Lock()
	for _, row := range rows {
		e := r.open(row)
		r.report(e)
		r.entries[row.ID] = e
	}
	r.mu.Unlock()
	return r.apply(ctx)
}

// Sweep ends what is left of subscriptions that are no more: where pollwire
// ended in the middle of an end, or the end came while an attempt was under way.
func (r *Registry) Sweep(ctx context.Context) error {
	names, err := r.o.Store.EndpointNames(ctx, Prefix)
	if err != nil {
		return fmt.Errorf("look for ended subscriptions: %w", err)
	}
	if len(names) == 0 {
		return nil
	}
	// What there is now, which is more than this node may know of: whatever has a
	// name by now had its row before.
	rows, err := r.o.Store.Subscriptions(ctx)
	if err != nil {
		return fmt.Errorf("look for ended subscriptions: %w", err)
	}
	live := make(map[string]bool, len(rows))
	for i := range rows {
		live[rows[i].ID] = true
	}
	for _, name := range names {
		if r.rules.Load().reserved[name] || live[name] {
			continue
		}
		dead, err := r.o.Store.EndSubscription(ctx, name)
		if err != nil {
			return err
		}
		r.o.Logger.Info("end of subscription completed", "endpoint", name, "dead", dead)
	}
	return nil
}

// apply hands on what there is. The caller holds changing.
func (r *Registry) apply(ctx context.Context) error {
	r.mu.Lock()
	endpoints := endpointsOf(r.entries)
	r.mu.Unlock()
	if err := r.o.Apply(ctx, endpoints); err != nil {
		return fmt.Errorf("apply subscriptions: %w", err)
	}
	return nil
}

// endpointsOf are subscriptions as they are told, by name.
func endpointsOf(entries map[string]*entry) []Endpoint {
	endpoints := make([]Endpoint, 0, len(entries))
	for _, e := range entries {
		endpoints = append(endpoints, e.endpoint())
	}
	slices.SortFunc(endpoints, func(a, b Endpoint) int { return cmp.Compare(a.Name, b.Name) })
	return endpoints
}

// List returns all subscriptions, the oldest first.
func (r *Registry) List() []Subscription {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Subscription, 0, len(r.entries))
	for _, e := range r.entries {
		list = append(list, e.told())
	}
	slices.SortFunc(list, func(a, b Subscription) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// Get returns a subscription, or [ErrNotFound].
func (r *Registry) Get(id string) (Subscription, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[id]
	if e == nil {
		return Subscription{}, fmt.Errorf("subscription %q: %w", id, ErrNotFound)
	}
	return e.told(), nil
}

// End ends a subscription, or returns [ErrNotFound]. Nothing is posted to it any
// more, and what waits for it is dead when End returns. After another error it
// goes on.
func (r *Registry) End(ctx context.Context, id, reason string) error {
	ctx = context.WithoutCancel(ctx) // an end that was begun is brought to its end
	r.changing.Lock()
	defer r.changing.Unlock()
	e := r.known(id)
	if e == nil {
		return fmt.Errorf("subscription %q: %w", id, ErrNotFound)
	}
	dead, err := r.end(ctx, id)
	if err != nil {
		r.put(e)
		return errors.Join(err, r.apply(ctx))
	}
	r.o.Logger.Info("subscription ended", "endpoint", id, "reason", reason, "dead", dead)
	return nil
}

// end lets nothing more come to a subscription before it ends it. The caller
// holds changing.
func (r *Registry) end(ctx context.Context, id string) (dead int64, err error) {
	r.drop(id)
	if err := r.apply(ctx); err != nil {
		return 0, err
	}
	return r.o.Store.EndSubscription(ctx, id)
}

func (r *Registry) put(e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries[e.row.ID] = e
}

func (r *Registry) drop(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.entries, id)
}

// save writes a new entry and lets it be told. The caller holds changing.
func (r *Registry) save(ctx context.Context, e *entry) error {
	sealed, err := r.sealer.Seal(e.row.ID, e.secrets.encode())
	if err != nil {
		return fmt.Errorf("seal subscription: %w", err)
	}
	e.row.Sealed = sealed
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	if err := r.o.Store.AddSubscription(ctx, e.row); err != nil {
		return err
	}
	r.put(e)
	if err := r.apply(ctx); err != nil {
		r.drop(e.row.ID) // nobody would know its secret
		_, endErr := r.o.Store.EndSubscription(ctx, e.row.ID)
		return errors.Join(err, endErr)
	}
	return nil
}

// newEntry makes what was wanted a subscription that is not saved yet.
func newEntry(w *wanted) (*entry, error) {
	secrets := secrets{URL: w.url, Secret: cmp.Or(w.secret, notify.GenerateSecret())}
	signing, err := notify.ParseSecret(secrets.Secret)
	if err != nil {
		return nil, fmt.Errorf("parse secret: %w", err)
	}
	return &entry{
		row: store.Subscription{
			ID: Prefix + newULID(), Sources: w.sources, Events: w.events, Filter: w.filter,
			CreatedAt: time.Now().UTC().Truncate(time.Microsecond), // as it will be read
		},
		secrets: secrets, signing: signing, program: w.program,
	}, nil
}
