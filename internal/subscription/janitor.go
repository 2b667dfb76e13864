package subscription

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// endAgainWait is how long it takes until an end that failed is tried again.
const endAgainWait = 30 * time.Second

// janitor ends what belongs to a subscription that is no more: deliveries of a
// commit that was under way when it ended, and what a crash left in the middle
// of an end.
type janitor struct {
	registry *Registry
	kick     chan struct{}
	cancel   context.CancelFunc
	done     chan struct{}

	mu      sync.Mutex
	orphans map[string]bool
}

func newJanitor(r *Registry) *janitor {
	return &janitor{registry: r, kick: make(chan struct{}, 1), orphans: make(map[string]bool)}
}

// Start looks for what was left of subscriptions that are no more, and ends that
// and what comes of them until Stop. It comes once, after Load.
func (r *Registry) Start(ctx context.Context) error {
	names, err := r.o.Store.EndpointNames(ctx, Prefix)
	if err != nil {
		return fmt.Errorf("look for ended subscriptions: %w", err)
	}
	j := r.janitor
	ctx, j.cancel = context.WithCancel(context.WithoutCancel(ctx))
	j.done = make(chan struct{})
	go j.run(ctx)
	r.Committed(names...)
	return nil
}

// Stop returns when nothing is being ended any more. The rest is found by the
// next start.
func (r *Registry) Stop(context.Context) error {
	if r.janitor.cancel != nil {
		r.janitor.cancel()
		<-r.janitor.done
	}
	return nil
}

// Committed looks at the endpoints for which deliveries were committed. It never
// waits.
func (r *Registry) Committed(endpoints ...string) {
	for _, name := range endpoints {
		if strings.HasPrefix(name, Prefix) && !r.reserved[name] && !r.Has(name) {
			r.janitor.add(name)
		}
	}
}

func (j *janitor) add(name string) {
	j.mu.Lock()
	j.orphans[name] = true
	j.mu.Unlock()
	select {
	case j.kick <- struct{}{}:
	default:
	}
}

// take returns what there is to end, and forgets it.
func (j *janitor) take() map[string]bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	orphans := j.orphans
	j.orphans = make(map[string]bool)
	return orphans
}

func (j *janitor) run(ctx context.Context) {
	defer close(j.done)
	timer := time.NewTimer(endAgainWait)
	defer timer.Stop()
	for {
		timer.Stop()
		for name := range j.take() {
			if !j.end(ctx, name) {
				j.mu.Lock()
				j.orphans[name] = true
				j.mu.Unlock()
				timer.Reset(endAgainWait)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-j.kick:
		case <-timer.C:
		}
	}
}

// end makes dead what waits for an endpoint that is no more. It returns false
// where that has to be tried again.
func (j *janitor) end(ctx context.Context, name string) bool {
	if j.registry.Has(name) {
		return true // its end failed, and it goes on
	}
	dead, err := j.registry.o.Store.EndSubscription(ctx, name)
	if ctx.Err() != nil {
		return true
	}
	if err != nil {
		j.registry.o.Logger.Error("deliveries of an ended subscription still wait", "endpoint", name, "err", err, "again_in", endAgainWait)
		return false
	}
	if dead > 0 {
		j.registry.o.Logger.Info("deliveries of an ended subscription are dead", "endpoint", name, "dead", dead)
	}
	return true
}
