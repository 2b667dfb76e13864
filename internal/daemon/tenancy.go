package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pollwire/pollwire/internal/cluster"
	"github.com/pollwire/pollwire/internal/store"
)

// tenant is a part of the daemon that does what this node has leases for.
type tenant interface {
	// Adopt begins to do that for names. With an error nothing has begun that was not
	// done before.
	Adopt(ctx context.Context, names []string) error
	leaver
}

// leaver is what every tenant is in the end.
type leaver interface {
	// Release ends what was adopted, and returns when nothing of it is under way: when
	// ctx ends it is cut short. Names that were not adopted do no harm.
	Release(ctx context.Context, names []string) error
}

// obtaining is the tenant that obtains tokens.
type obtaining interface {
	Adopt(credentials []string)
	leaver
}

// observing is the tenant that judges answers.
type observing interface {
	Adopt(ctx context.Context, sources []string) error
	// SaveFailures saves what whoever adopts sources next is to count on.
	SaveFailures(ctx context.Context, sources []string) error
	Release(sources []string)
}

// firing is the tenant that fires sources.
type firing interface {
	Adopt(sources []string, next map[string]time.Time)
	leaver
}

// tenancy hands what the node holds to the parts that do it, and takes it from them
// again. Its parts do nothing for what was not handed to them.
type tenancy struct {
	limits, endpoints tenant
	tokens            obtaining
	sources           observing
	scheduler         firing
	// nextRuns returns the next runs of sources, as whoever had them has left them.
	nextRuns func(ctx context.Context, sources ...string) (map[string]time.Time, error)
	// begin lets polls of a source begin from where its answers are, and end lets
	// nothing come any more of a poll that was not brought to its end.
	begin, end func(source string)
	logger     *slog.Logger
}

// estate is what groups of resources are about.
type estate struct{ sources, limits, tokens, endpoints []string }

// estateOf sorts groups by what they are about. The own limit of a source is its,
// whether it is configured or not: a pause that the upstream asks for is kept there.
func estateOf(groups []cluster.Group) *estate {
	e := &estate{}
	for i := range groups {
		for _, resource := range groups[i].Resources {
			switch kind, name := store.SplitResource(resource); kind {
			case store.KindSource:
				e.sources = append(e.sources, name)
				e.limits = append(e.limits, store.OwnLimit(name))
			case store.KindLimit:
				e.limits = append(e.limits, name)
			case store.KindToken:
				e.tokens = append(e.tokens, name)
			case store.KindEndpoint:
				e.endpoints = append(e.endpoints, name)
			}
		}
	}
	return e
}

// adopt begins to do what groups are for: first what others stand on, and last what
// asks and tells. With an error some may have begun, and all are to be released.
func (t *tenancy) adopt(ctx context.Context, groups []cluster.Group) error {
	e := estateOf(groups)
	if err := adopt(ctx, t.limits, e.limits); err != nil {
		return fmt.Errorf("adopt limits: %w", err)
	}
	if len(e.tokens) > 0 {
		t.tokens.Adopt(e.tokens)
	}
	if err := t.adoptSources(ctx, e.sources); err != nil {
		return fmt.Errorf("adopt sources: %w", err)
	}
	if err := adopt(ctx, t.endpoints, e.endpoints); err != nil {
		return fmt.Errorf("adopt endpoints: %w", err)
	}
	return nil
}

func adopt(ctx context.Context, part tenant, names []string) error {
	if len(names) == 0 {
		return nil
	}
	return part.Adopt(ctx, names)
}

func (t *tenancy) adoptSources(ctx context.Context, sources []string) error {
	if len(sources) == 0 {
		return nil
	}
	if err := t.sources.Adopt(ctx, sources); err != nil {
		return err
	}
	for _, name := range sources {
		t.begin(name)
	}
	next, err := t.nextRuns(ctx, sources...)
	if err != nil {
		return err
	}
	t.scheduler.Adopt(sources, next)
	return nil
}

// release ends what groups are for, in the reverse order: polls and deliveries
// under way end beside each other, and what they stand on is released when nothing
// uses it any more. What fails on the way is no reason to leave out the rest.
func (t *tenancy) release(ctx context.Context, groups []cluster.Group, lost bool) {
	e := estateOf(groups)
	var telling, asking error
	var both sync.WaitGroup
	both.Go(func() { telling = release(ctx, t.endpoints, e.endpoints) })
	both.Go(func() { asking = t.releaseSources(ctx, e.sources, lost) })
	both.Wait()
	err := errors.Join(telling, asking, release(ctx, t.tokens, e.tokens), release(ctx, t.limits, e.limits))
	if err == nil {
		return
	}
	level := slog.LevelWarn
	if lost {
		level = slog.LevelDebug // it was for nothing anyway
	}
	t.logger.Log(ctx, level, "not all that was under way came to its end before it was given up", "groups", len(groups), "lost", lost, "err", err)
}

func release(ctx context.Context, part leaver, names []string) error {
	if len(names) == 0 {
		return nil
	}
	return part.Release(ctx, names)
}

func (t *tenancy) releaseSources(ctx context.Context, sources []string, lost bool) error {
	if len(sources) == 0 {
		return nil
	}
	err := t.scheduler.Release(ctx, sources)
	if err == nil && !lost {
		err = t.sources.SaveFailures(ctx, sources)
	}
	t.sources.Release(sources)
	for _, name := range sources {
		t.end(name)
	}
	return err
}
