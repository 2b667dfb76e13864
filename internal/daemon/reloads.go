package daemon

import (
	"context"
	"sync"

	"github.com/pollwire/pollwire/internal/server"
)

// reloads lets one reload run at a time, and keeps what came of the last one.
type reloads struct {
	// turn has a token for the one that runs.
	turn chan struct{}
	// closed is closed when none may begin any more, and ctx ends when the one that
	// runs must.
	closed chan struct{}
	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.Mutex
	begun int // how many
	last  server.Reload
	news  chan struct{} // closed and replaced when there is another last one
}

// newReloads returns reloads none of which may begin yet.
func newReloads() *reloads {
	r := &reloads{turn: make(chan struct{}, 1), closed: make(chan struct{}), news: make(chan struct{})}
	// A reload ends with neither the start nor with who asked for it.
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// errNoReload says that there can be no reload now.
var errNoReload = &server.Refusal{Status: 503, Reason: "the daemon is being started or stopped, and takes no configuration"}

// open lets reloads begin.
func (r *reloads) open() { r.turn <- struct{}{} }

// close lets none begin any more, and waits for the one that runs.
func (r *reloads) close(ctx context.Context) error {
	close(r.closed)
	defer r.cancel()
	select {
	case <-r.turn:
		return nil
	case <-ctx.Done():
		r.cancel()
		<-r.turn
		return context.Cause(ctx)
	}
}

// begin waits for the one that runs, and lets another one, of that number, run
// until end is called.
func (r *reloads) begin(ctx context.Context) (number int, end func(server.Reload), err error) {
	select {
	case <-r.closed:
		return 0, nil, errNoReload
	default:
	}
	select {
	case <-r.turn:
	case <-r.closed:
		return 0, nil, errNoReload
	case <-ctx.Done():
		return 0, nil, context.Cause(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun++
	return r.begun, func(done server.Reload) {
		r.mu.Lock()
		r.last = done
		close(r.news)
		r.news = make(chan struct{})
		r.mu.Unlock()
		r.turn <- struct{}{}
	}, nil
}

// get returns what came of the last one, and what is closed when there is another.
func (r *reloads) get() (server.Reload, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.last
	last.Begun = r.begun
	return last, r.news
}

var _ server.Reloader = (*control)(nil)

func (c *control) Reload(ctx context.Context) (*server.Reload, error) {
	done, err := c.d.Reload(ctx)
	if err != nil {
		return nil, err
	}
	return &done, nil
}

// LastReload returns what came of the last one.
func (c *control) LastReload() server.Reload {
	last, _ := c.d.reloads.get()
	return last
}

func (c *control) AwaitReload(ctx context.Context, after int, stop <-chan struct{}) server.Reload {
	for {
		last, news := c.d.reloads.get()
		if last.Number > after {
			return last
		}
		select {
		case <-news:
		case <-stop:
			return last
		case <-ctx.Done():
			return last
		}
	}
}
