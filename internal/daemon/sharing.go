package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pollwire/pollwire/internal/cluster"
	"github.com/pollwire/pollwire/internal/config"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/internal/store/postgres"
	"github.com/pollwire/pollwire/internal/subscription"
	"github.com/pollwire/pollwire/poller"
)

// suspendedWait is after what time a poll is tried again for which this node cannot
// prove that it may make it.
const suspendedWait = time.Second

const (
	// saveEvery is how far apart next runs are saved where that takes a way over the
	// network.
	saveEvery = 2 * time.Second
	// firstGrace is how long at least the log is read for a new endpoint: by then
	// every node knows of it, or has no leases any more to commit under.
	firstGrace = 10 * time.Second
)

// serverDatabase is a database of a PostgreSQL server, as the daemon uses it. The server
// looks after its disk, and a connection that fails is made anew, so that nothing
// of it is fatal.
type serverDatabase struct{ *postgres.Store }

var _ database = serverDatabase{}

// Fatal is a [database]'s; it never is.
func (serverDatabase) Fatal() <-chan struct{} { return nil }

// Err is a [database]'s.
func (serverDatabase) Err() error { return nil }

// openPostgres opens the database of a server, which other nodes may share.
func (d *Daemon) openPostgres(ctx context.Context) (database, error) {
	s, err := postgres.Open(ctx, postgres.Options{DSN: d.cfg.Storage.DSN.Reveal(), Logger: d.logger})
	if err != nil {
		return nil, err
	}
	d.shared = s
	return serverDatabase{s}, nil
}

// wireNode makes this daemon one of the nodes on its database, where that can have
// several. It begins to do something when it has joined them.
func (d *Daemon) wireNode(context.Context) error {
	if d.shared == nil {
		return nil
	}
	d.tenancy = &tenancy{logger: d.logger}
	d.node = cluster.New(cluster.Options{
		Store: d.shared,
		Self: store.Member{
			Name: d.self.name, Host: d.self.host, PID: os.Getpid(), Version: d.o.Version, StartedAt: d.self.started,
		},
		Logger:  d.logger,
		Adopt:   d.tenancy.adopt,
		Release: d.tenancy.release,
		Resumed: func() { d.dispatcher.Wake() },
		Pulsed:  d.pulsed,
		// Not when the generation moves: a node that was given another configuration
		// moves none, and who sees that it moved may not have read the members yet. A node
		// that has joined anew meets all of them, perhaps in a database that has failed
		// over, which may have other events at the end of the log.
		Met: func() {
			d.log.Forget()
			d.others.compare()
		},
	})
	d.others = newOthers(d.node, d.shared, d.logger)
	return nil
}

// startNode joins the other nodes. All that can be handed to this one has started.
func (d *Daemon) startNode(ctx context.Context) error {
	if d.node == nil {
		return nil
	}
	*d.tenancy = tenancy{
		limits: d.limiter, tokens: d.tokens, endpoints: d.dispatcher, sources: d.bridge, scheduler: d.scheduler,
		nextRuns: d.store.NextRuns,
		begin:    func(source string) { d.poller.SetState(source, d.bridge.InitialState(source)) },
		end: func(source string) {
			d.poller.Forget(source) // most of what there is, is another node's
			d.metrics.Released([]string{source})
		},
		logger: d.logger,
	}
	d.shareOut()
	d.shared.SetFence("", d.node) // until it has joined it holds nothing
	if err := d.node.Start(ctx); err != nil {
		return fmt.Errorf("join the nodes on %s: %w", d.cfg.Storage.DSN, err)
	}
	d.started("node", d.node.Stop)
	return nil
}

// leased says whether this daemon does only what it holds a lease for.
func (d *Daemon) leased() bool { return d.node != nil }

// holds says whether this node may do at this moment what a resource is for. Where
// there are no other nodes it may do everything.
func (d *Daemon) holds(resource string) bool { return d.node == nil || d.node.Holds(resource) }

// lost says of an error of the store that another node does by now what was to be
// written.
func lost(err error) bool { return errors.Is(err, store.ErrNotHeld) }

// saveEvery is how far apart next runs are saved; zero for what is usual.
func (d *Daemon) saveEvery() time.Duration {
	if d.leased() {
		return saveEvery
	}
	return 0
}

// firstGrace is how long at least the log is read for a new endpoint, 0 where
// nobody else commits.
func (d *Daemon) firstGrace() time.Duration {
	if d.leased() {
		return firstGrace
	}
	return 0
}

// holdsEndpoint says whether this node may post to an endpoint at this moment.
func (d *Daemon) holdsEndpoint(name string) bool { return d.holds(store.EndpointResource(name)) }

// holdsSource says whether this node may send to a source at this moment.
func (d *Daemon) holdsSource(s *poller.Source) bool { return d.holds(store.SourceResource(s.Name)) }

// holdsToken says whether this node may obtain a token by credentials at this moment.
func (d *Daemon) holdsToken(credential string) bool {
	return d.holds(store.TokenResource(credential))
}

// poll makes one request of a poll, where this node can prove that it may: what it
// has begun is gone on with when it can again.
func (d *Daemon) poll(ctx context.Context, s *poller.Source, request int) poller.Outcome {
	if !d.holdsSource(s) {
		return poller.Outcome{RetryAfter: suspendedWait}
	}
	return d.poller.Poll(ctx, s, request)
}

// subscribe makes those who subscribed part of what the nodes share.
func (d *Daemon) subscribe(list []subscription.Endpoint) {
	d.sharing.Lock()
	defer d.sharing.Unlock()
	d.subscribed = list
}

// shareOut tells the node what there is to share out: what the configuration comes
// to, and who subscribed.
func (d *Daemon) shareOut() {
	if d.node == nil {
		return
	}
	d.sharing.Lock()
	defer d.sharing.Unlock()
	s := d.setup.Load()
	groups := make([]cluster.Group, 0, len(s.groups)+len(d.subscribed))
	groups = append(groups, s.groups...)
	for i := range d.subscribed {
		resource := store.EndpointResource(d.subscribed[i].Name)
		groups = append(groups, cluster.Group{Key: resource, Resources: []string{resource}})
	}
	d.node.Apply(groups)
	d.node.Configured(s.mark, s.made)
}

// share finds out what of a configuration nodes share out, where its database can
// have several.
func (s *setup) share(cfg *config.Config) error {
	if cfg.Storage.Engine() == config.SQLite {
		return nil
	}
	parts := make([]part, 0, len(cfg.Sources)+len(cfg.Endpoints)+1)
	for i := range cfg.Sources {
		asked := s.sources[cfg.Sources[i].Name].asked
		p := part{resource: store.SourceResource(asked.Name)}
		if asked.Limit != "" {
			p.shared = append(p.shared, store.LimitResource(asked.Limit))
		}
		p.shared = append(p.shared, tokensOf(asked.Request.Auth, asked.Request.Route)...)
		parts = append(parts, p)
	}
	for i := range cfg.Endpoints {
		e := &cfg.Endpoints[i]
		credentials, err := auth(&e.Auth)
		if err != nil {
			return fmt.Errorf("endpoint %q: auth: %w", e.Name, err)
		}
		parts = append(parts, part{store.EndpointResource(e.Name), tokensOf(credentials, route(e.ProxyURL, &e.TLS))})
	}
	parts = append(parts, part{resource: store.TaskPrune})
	s.groups, s.mark = groupsOf(parts), cfg.Fingerprint()
	return nil
}

// tokensOf are the resources of the tokens that credentials need.
func tokensOf(credentials poller.Auth, r poller.Route) []string {
	var resources []string
	for _, id := range poller.CredentialIDs(credentials, r) {
		resources = append(resources, store.TokenResource(id))
	}
	return resources
}
