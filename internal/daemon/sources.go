package daemon

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/pollwire/pollwire/internal/history"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/poller"
)

func (c *control) Sources(ctx context.Context) ([]server.Source, error) {
	changes, release, err := c.d.activity.Changes(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	setup := c.d.setup.Load()
	names := setup.names()
	saved, err := c.savedSources(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]server.Source, len(names))
	for i, name := range names {
		list[i] = c.tellSource(setup.sources[name], saved)
		list[i].Changes = changes(name)
	}
	return list, nil
}

func (c *control) Source(ctx context.Context, name string) (*server.Source, error) {
	s := c.d.setup.Load().sources[name]
	if s == nil {
		return nil, noSource(name)
	}
	answer, done, err := there[server.Source](ctx, c, store.SourceResource(name), errand{
		method: http.MethodGet, path: []string{"v1", "sources", name},
	})
	if done && err == nil {
		return answer, nil
	}
	if err != nil && (!unknown(err) || isRelayed(ctx)) {
		return nil, err
	}
	saved, err := c.savedSources(ctx, name)
	if err != nil {
		return nil, err
	}
	changes, release, err := c.d.activity.Changes(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	told := c.tellSource(s, saved)
	told.Changes = changes(name)
	return &told, nil
}

// tellSource is what the API tells of a source, but for its changes. Of those that
// other nodes have it is what is saved.
func (c *control) tellSource(s *source, saved *savedSources) server.Source {
	name := s.asked.Name
	if saved != nil {
		if !c.d.others.has(store.SourceResource(name)) {
			return c.tellSaved(s, saved)
		}
	}
	judged, _ := c.d.bridge.SourceStatus(name)
	scheduled, _ := c.d.scheduler.Status(name)
	paused := c.d.pauses.of(name)
	told := server.Source{
		Name: name, Request: c.d.fetcher.Describe(s.asked), Schedule: s.schedule, Limit: s.asked.Limit,
		Reason: judged.Reason, Failures: judged.Failures, FailingSince: instant(judged.FailingSince),
		Paused: !paused.IsZero(), PausedSince: instant(paused),
		Polling: scheduled.Polling, Waiting: scheduled.Waiting, NextRun: instant(scheduled.NextRun),
		Version: judged.Version, Sequence: judged.Sequence, ChangedAt: instant(judged.ChangedAt),
	}
	if held := c.d.limiter.PausedUntil(s.asked); held.After(time.Now()) {
		told.HeldUntil = instant(held)
	}
	if last, ok := c.d.history.Last(name); ok {
		poll := tellPoll(&last)
		told.LastPoll = &poll
		if told.Reason == "" {
			told.Reason = poll.Error // as of an answer that could not be written
		}
	}
	if saved != nil {
		told.Node = c.d.self.name
	}
	told.State = stateOf(s, &told)
	return told
}

// stateOf says in one word how a source stands.
func stateOf(s *source, told *server.Source) server.SourceState {
	switch {
	case !s.enabled:
		return server.SourceDisabled
	case told.Paused:
		return server.SourcePaused
	case told.Reason != "":
		return server.SourceFailing
	case told.Version == 0:
		return server.SourceNew
	}
	return server.SourceOK
}

func (c *control) Polls(ctx context.Context, source string) ([]server.Poll, error) {
	if c.d.setup.Load().sources[source] == nil {
		return nil, noSource(source)
	}
	answer, done, err := there[server.PollList](ctx, c, store.SourceResource(source), errand{
		method: http.MethodGet, path: []string{"v1", "sources", source, "polls"},
	})
	if err != nil {
		return nil, err
	}
	if done {
		return answer.Polls, nil
	}
	polls := c.d.history.Polls(source)
	list := make([]server.Poll, len(polls))
	for i := range polls {
		list[i] = tellPoll(&polls[i])
	}
	return list, nil
}

func tellPoll(p *history.Poll) server.Poll {
	told := server.Poll{
		At: p.At, DurationMS: p.Duration.Milliseconds(), Requests: p.Requests, Status: p.Status, Bytes: p.Bytes,
		Outcome: server.PollOutcome(p.Outcome), Changes: p.Changes, Error: p.Error,
	}
	if p.Failed {
		told.Outcome = server.PollFailed
	}
	return told
}

func (c *control) ChangeSource(ctx context.Context, name string, change server.SourceChange) (*server.Source, error) {
	if c.d.setup.Load().sources[name] == nil {
		return nil, noSource(name)
	}
	answer, done, err := there[server.Source](ctx, c, store.SourceResource(name), errand{
		method: http.MethodPost, path: []string{"v1", "sources", name, string(change)},
	})
	// What no node has can be paused too: the next one that has it goes by that.
	if done && !nobody(err) {
		return answer, err
	}
	switch change {
	case server.PauseSource:
		changed, err := c.d.pauses.pause(ctx, name)
		if err != nil {
			return nil, err
		}
		if changed && !done {
			// Ends what has come of the poll under way.
			c.d.poller.SetState(name, c.d.bridge.InitialState(name))
		}
	case server.ResumeSource:
		if err := c.d.pauses.resume(ctx, name); err != nil {
			return nil, err
		}
	}
	if err := c.d.stir(ctx); err != nil {
		return nil, err
	}
	return c.Source(ctx, name)
}

// keepAccount takes note of a poll that has ended.
func (d *Daemon) keepAccount(s *poller.Source, r poller.Result) {
	d.history.Add(s.Name, &r)
	d.metrics.Polled(s, r)
}

func noSource(name string) error { return fmt.Errorf("source %q: %w", name, store.ErrNotFound) }

// instant is t in UTC, or nil for the zero time.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
