package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

// ErrNotRunning says that the node was not started, or was stopped.
var ErrNotRunning = errors.New("not running")

const (
	// Silence is how long a member may be silent before another buries it.
	Silence = 8 * time.Second
	// suspendAfter is how old the last proof of life may be. It is less than Silence,
	// so that a node stops before others may begin.
	suspendAfter = 6 * time.Second
	// watchFor is how long a node has to see with its own clock that another one is
	// silent. It is more than suspendAfter, so that a jump of the database's clock
	// buries nobody who still works.
	watchFor = 7 * time.Second

	// callTimeout bounds what asks the database for little, bulkTimeout the rest.
	callTimeout = 3 * time.Second
	bulkTimeout = 15 * time.Second
	// stopGrace is how long Stop waits for what was cut short.
	stopGrace = 5 * time.Second
)

// runStage is where a node is between New and the end of Stop.
type runStage uint8

const (
	stageNew runStage = iota
	stageStarting
	stageRunning
	stageStopping
	stageStopped
)

// Node is this process among the nodes. Its methods may be called concurrently.
type Node struct {
	o      Options
	logger *slog.Logger
	// clock reads both clocks.
	clock func() moment

	// What follows is the loop's own.

	// wants are the groups that there are to share out, and who should hold them.
	wants *wants
	// nextID is that of a life that could not begin yet.
	nextID string
	// dirty says that something has changed since all groups were looked at, waits
	// that some of them wait for time to pass.
	dirty, waits bool
	// warned says that the loop's trouble is in the log.
	warned bool

	// term counts how often was said anew who should hold what.
	term atomic.Int64
	// stale says that others have done something, torn that the database may have
	// lost something of what was read.
	stale, torn atomic.Bool
	// claimless says that claims fail, and that this is in the log.
	claimless atomic.Bool
	// takers are the claims and adoptions under way.
	takers atomic.Int64

	mu    sync.RWMutex // guards what follows; never held while anything is waited for
	stage runStage
	self  store.Member // without an ID
	life  *life
	// touched is since when the database has answered every beat; zero while it does
	// not.
	touched moment
	// applied are groups that the loop has not looked at yet; nil where there are none.
	applied []Group
	// results are what came of groups that the loop has not looked at yet, by key.
	results map[string]result
	// stakes are those in tenures that have not ended, by resource.
	stakes map[string]stake
	// held counts the tenures in which groups are adopted and not released.
	held   int
	view   view
	counts counts

	kicked chan struct{} // holds one signal: look at everything again
	beaten chan struct{} // holds one signal: the next beat is due
	idle   chan struct{} // closed when a node that stops holds nothing any more
	ended  chan struct{} // closed when Stop is done
	cancel context.CancelFunc
	hurry  context.CancelFunc // ends the time that every Release has
	loops  sync.WaitGroup
}

// New returns a node that has not joined.
func New(o Options) *Node {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Node{
		o: o, logger: o.Logger, clock: now, self: o.Self,
		wants: newWants(), stakes: make(map[string]stake), view: newView(),
		kicked: make(chan struct{}, 1), beaten: make(chan struct{}, 1),
		idle: make(chan struct{}), ended: make(chan struct{}),
	}
}

// Start joins. What the node is to do it begins to adopt then, and goes on by
// itself. Only Stop ends what it starts, not the end of ctx.
func (n *Node) Start(ctx context.Context) error {
	n.mu.Lock()
	if n.stage != stageNew {
		n.mu.Unlock()
		return fmt.Errorf("start node: %w", ErrNotRunning)
	}
	n.stage = stageStarting
	n.mu.Unlock()

	base := context.WithoutCancel(ctx)
	first, err := n.pulse(ctx)
	if err == nil {
		if n.nextID == "" {
			n.nextID = newID() // kept for another Start: the first one may have joined
		}
		err = n.join(ctx, n.nextID)
	}

	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stage != stageStarting { // stopped meanwhile
		err = errors.Join(err, ErrNotRunning)
	}
	if err != nil {
		if n.stage == stageStarting {
			n.stage = stageNew
		}
		return fmt.Errorf("start node: %w", err)
	}
	n.stage, n.nextID = stageRunning, ""
	running, cancel := context.WithCancel(base)
	patient, hurry := context.WithCancel(running)
	n.cancel, n.hurry = cancel, hurry
	n.loops.Go(func() { n.beat(running) })
	n.loops.Go(func() { n.listen(running, first) })
	n.loops.Go(func() { n.run(running, patient) })
	return nil
}

// Stop releases everything, each group as soon as what is under way of it has
// ended, and leaves. When ctx ends the rest is cut short. With an error the node
// has not left: others take over what it had when it has been silent for long
// enough. Further calls wait for the first one.
func (n *Node) Stop(ctx context.Context) error {
	n.mu.Lock()
	was := n.stage
	if was < stageStopping {
		n.stage = stageStopping
		n.self.Leaving = true
	}
	l := n.life
	n.mu.Unlock()
	switch was {
	case stageNew, stageStarting:
		defer close(n.ended)
		return n.leave(ctx, l)
	case stageStopping, stageStopped:
		select {
		case <-n.ended:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("stop node: %w", context.Cause(ctx))
		}
	}
	defer close(n.ended)
	signal(n.beaten)
	signal(n.kicked)
	err := n.drain(ctx)
	n.mu.RLock()
	l = n.life
	n.mu.RUnlock()
	if err == nil {
		err = n.leave(ctx, l)
	}
	n.cancel()
	n.loops.Wait()
	n.mu.Lock()
	n.stage = stageStopped
	n.loseAll()
	n.mu.Unlock()
	return err
}

// drain waits until nothing is held any more.
func (n *Node) drain(ctx context.Context) error {
	select {
	case <-n.idle:
		return nil
	case <-ctx.Done():
	}
	n.hurry()
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case <-n.idle:
		return nil
	case <-grace.C:
		return fmt.Errorf("stop node: release: %w", context.Cause(ctx))
	}
}

// leave ends a life for others.
func (n *Node) leave(ctx context.Context, l *life) error {
	if l == nil {
		return nil
	}
	// What is released must be said to be, even where the time is up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	if err := n.o.Store.Leave(ctx, l.id); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}

// Apply says what there is to share out, at the start and after each change. What
// is not among the groups any more, or has other resources, is released.
func (n *Node) Apply(groups []Group) {
	n.mu.Lock()
	n.applied = append(make([]Group, 0, len(groups)), groups...)
	n.mu.Unlock()
	signal(n.kicked)
}

// Configured says which configuration the node has from now on. Others are told
// with the next beat.
func (n *Node) Configured(config string, at time.Time) {
	n.mu.Lock()
	n.self.Config, n.self.ConfiguredAt = config, at
	n.mu.Unlock()
	signal(n.beaten)
}

// signal leaves a signal where there is none.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
