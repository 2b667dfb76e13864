package daemon

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/pollwire/pollwire/internal/metrics"
	"github.com/pollwire/pollwire/internal/store"
)

// meeting is the part of the database by which nodes see and ask each other.
type meeting interface {
	asking
	carrying
	// Leases returns all leases whose Since is not before that.
	Leases(ctx context.Context, since time.Time) ([]store.Lease, error)
	// Stir has all nodes look at what was changed.
	Stir(ctx context.Context) error
}

// others are the nodes that share the database with this one, as the API sees them.
type others struct {
	peers      peers
	database   meeting
	relay      *relay
	unlikeness unlikeness
	logger     *slog.Logger
	carrier    *carrier
}

func newOthers(p peers, database meeting, logger *slog.Logger) *others {
	return &others{
		peers: p, database: database, logger: logger,
		relay: &relay{asking: database, logger: logger}, carrier: newCarrier(database, p.Self, logger),
	}
}

// look looks at what other nodes have left for this one. It is to be called when the
// generation of the database has moved.
func (o *others) look() { o.carrier.wake() }

// has says whether this node has a resource.
func (o *others) has(resource string) bool {
	node, ok := o.peers.Owner(resource)
	return ok && node.ID == o.peers.Self()
}

// stir has other nodes look at what was changed here, where there are any.
func (d *Daemon) stir(ctx context.Context) error {
	if d.others == nil {
		return nil
	}
	return d.others.database.Stir(ctx)
}

// startRelay carries out what other nodes ask for.
func (d *Daemon) startRelay(ctx context.Context) error {
	if d.others == nil {
		return nil
	}
	d.others.carrier.serve = d.relayed()
	d.background(ctx, "requests of other nodes", d.others.carrier.run)
	return nil
}

// methodPoke is the method of what a poke that came to another node asks for, and
// pokePath the path. It stands in no route of the API: a secret was shown there.
const (
	methodPoke = "POKE"
	pokePath   = "poke"
)

// relayed answers the requests of other nodes, which have let them in.
func (d *Daemon) relayed() http.Handler {
	api, ctl := d.server.Handler(), &control{d}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != methodPoke {
			api.ServeHTTP(w, r)
			return
		}
		wait, err := ctl.poke(r.Context(), strings.TrimPrefix(r.URL.Path, "/"+pokePath+"/"))
		answer := poked{Wait: wait}
		if err != nil {
			answer.Error = err.Error()
		}
		_ = json.NewEncoder(w).Encode(answer)
	})
}

// poked is the answer to a poke of another node.
type poked struct {
	Wait  time.Duration `json:"wait"`
	Error string        `json:"error,omitempty"`
}

var _ metrics.Nodes = parts{}

// NodeStatus is a [metrics.Nodes]'s.
func (p parts) NodeStatus() metrics.NodeStatus {
	o := p.d.others
	s, members := o.peers.Status(), o.peers.Members()
	_, free := p.d.holdings()
	return metrics.NodeStatus{
		Members: len(members), Suspended: s.Suspended, BeatAge: s.Age, Held: s.Held, Free: free,
		Adopted: s.Adopted, Released: s.Released, Lost: s.Lost, Unlike: countUnlike(members),
	}
}

// Holds is a [metrics.Nodes]'s.
func (p parts) Holds(resource string) bool { return p.d.others.has(resource) }
