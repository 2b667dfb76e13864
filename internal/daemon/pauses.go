package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

// pauses are the sources that the operator holds back. The store has them, so that
// they last, and the scheduler, so that they are not polled.
type pauses struct {
	store     store.Pauses
	scheduler *poller.Scheduler

	// changing is held by a change from its beginning to its end.
	changing sync.Mutex
	mu       sync.Mutex // guards since
	since    map[string]time.Time
}

// load takes up what the store has: at the start, and when sources were renamed.
func (p *pauses) load(ctx context.Context) error {
	p.changing.Lock()
	defer p.changing.Unlock()
	paused, err := p.store.PausedSources(ctx)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for name := range p.since {
		if _, still := paused[name]; !still {
			p.scheduler.Resume(name)
		}
	}
	for name := range paused {
		p.scheduler.Pause(name)
	}
	p.since = paused
	return nil
}

// rename gives the pause of a source to another name, as the store and the
// scheduler have done.
func (p *pauses) rename(from, to string) {
	p.changing.Lock()
	defer p.changing.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	since, paused := p.since[from]
	if !paused {
		return
	}
	delete(p.since, from)
	p.since[to] = since
}

// pause holds a source back, and reports whether it was not held back before.
func (p *pauses) pause(ctx context.Context, source string) (changed bool, err error) {
	p.changing.Lock()
	defer p.changing.Unlock()
	if !p.of(source).IsZero() {
		return false, nil
	}
	now := time.Now()
	if err := p.store.PauseSource(ctx, source, now); err != nil {
		return false, err
	}
	p.scheduler.Pause(source)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.since[source] = now
	return true, nil
}

// resume lets a source be polled again. The store is asked even where nothing is
// known of a pause: an attempt before, which failed, may have been written.
func (p *pauses) resume(ctx context.Context, source string) error {
	p.changing.Lock()
	defer p.changing.Unlock()
	if err := p.store.ResumeSource(ctx, source); err != nil {
		return err
	}
	p.scheduler.Resume(source)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.since, source)
	return nil
}

// of returns since when a source is paused; zero where it is not.
func (p *pauses) of(source string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.since[source]
}
