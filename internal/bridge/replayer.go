package bridge

import (
	"context"
	"errors"
	"time"

	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

const (
	// replayStep is how many events one step of a replay reads, and tells in one
	// transaction.
	replayStep = 256
	// replayAhead is how many replays may wait for an endpoint. The rest of a replay
	// stays in the log until there are fewer, so that what happens now never has to
	// be looked for behind all that is told again.
	replayAhead = 4 * replayStep
	// replayWaitMin and replayWaitMax bound how long a replay waits until it looks
	// again, whether there are fewer, or whether the store works again.
	replayWaitMin = 100 * time.Millisecond
	replayWaitMax = 5 * time.Second
	// replayRest is the longest rest after a step. Else it is as long as the step
	// was, so that half of the time is left to others.
	replayRest = 100 * time.Millisecond
)

// ReplayWork is the part of the store that replays are carried out with.
type ReplayWork interface {
	// OpenReplays returns those that are not finished, oldest first.
	OpenReplays(ctx context.Context) ([]store.Replay, error)
	// ReplayEvents returns up to limit events that a replay comes to next.
	ReplayEvents(ctx context.Context, r *store.Replay, limit int) ([]store.Replayed, error)
	// AdvanceReplay writes what one step of a replay did, all of it or nothing, and
	// sets in r what it came to. It fails with store.ErrConflict where the replay
	// is not where r says.
	AdvanceReplay(ctx context.Context, r *store.Replay, step store.ReplayStep) error
}

// replayer carries out replays.
type replayer struct {
	*Bridge
	// said are the conditions of replays that have failed and were logged.
	said map[string]bool
	// begun is when the First of an endpoint was first seen, of those that are not
	// finished.
	begun map[string]time.Time
}

func newReplayer(b *Bridge) *replayer {
	return &replayer{Bridge: b, said: make(map[string]bool), begun: make(map[string]time.Time)}
}

// RunReplays carries out replays until ctx is done, all of them beside each
// other, of those endpoints that this node holds. What was done of one is kept with how far it is, so that it goes on
// there after a restart, whatever happened.
func (b *Bridge) RunReplays(ctx context.Context) {
	r := newReplayer(b)
	wait := replayWaitMin
	failing := false
	for ctx.Err() == nil {
		began := time.Now()
		moved, open, err := r.round(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			b.logger.Error("replay does not go on, trying again", "err", err)
		}
		failing = err != nil
		rest := wait
		if moved && !failing {
			rest, wait = min(time.Since(began), replayRest), replayWaitMin
		} else {
			wait = min(2*wait, replayWaitMax)
			rest = r.untilGrace(rest)
		}
		b.pause(ctx, rest, open || failing)
	}
}

// pause waits for a time, or without a time until there is a replay to do.
func (b *Bridge) pause(ctx context.Context, d time.Duration, timed bool) {
	var over <-chan time.Time
	if timed {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-ctx.Done():
	case <-over:
	case <-b.nudged:
	}
}

// Nudge says that there may be a replay to do, of whomever asked for it. It does not
// wait.
func (b *Bridge) Nudge() {
	select {
	case b.nudged <- struct{}{}:
	default:
	}
}

// round makes one step of each replay, so that none waits for another. It says
// whether any has moved, and whether any may move by itself later.
func (r *replayer) round(ctx context.Context) (moved, open bool, err error) {
	replays, err := r.store.OpenReplays(ctx)
	if err != nil {
		return false, false, err
	}
	r.see(replays)
	known := r.roster.Load()
	var errs []error
	for i := range replays {
		replay := &replays[i]
		ep := known.byName[replay.Endpoint]
		if ep == nil {
			continue // until it is back
		}
		open = true
		if !r.holds(ep.Name) || !replay.First && replay.Waiting >= replayAhead {
			continue
		}
		went, err := r.step(ctx, known, ep, replay)
		if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotHeld) {
			continue // its endpoint has gone meanwhile: for good, and the replay with it, or to another node
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		moved = moved || went
		if !replay.FinishedAt.IsZero() {
			r.logger.Info("replay finished", "replay", replay.ID, "endpoint", replay.Endpoint, "told", replay.Told)
		}
	}
	return moved, open, errors.Join(errs...)
}

// see notes when it was that a First was there. Between nodes their clocks would say
// less.
func (r *replayer) see(replays []store.Replay) {
	begun := make(map[string]time.Time)
	for i := range replays {
		if name := replays[i].Endpoint; replays[i].First {
			if begun[name] = r.begun[name]; begun[name].IsZero() {
				begun[name] = time.Now()
			}
		}
	}
	r.begun = begun
}

// young reports whether a replay may not end yet.
func (r *replayer) young(replay *store.Replay) bool {
	return replay.First && r.firstGrace > 0 && time.Since(r.begun[replay.Endpoint]) < r.firstGrace
}

// untilGrace shortens a rest that would last until after a First may end.
func (r *replayer) untilGrace(rest time.Duration) time.Duration {
	for _, begun := range r.begun {
		if left := r.firstGrace - time.Since(begun); left > 0 {
			rest = min(rest, left)
		}
	}
	return rest
}

// step makes one step of a replay, and reports whether there was anything to do.
func (r *replayer) step(ctx context.Context, known *roster, ep *Endpoint, replay *store.Replay) (bool, error) {
	events, err := r.store.ReplayEvents(ctx, replay, replayStep)
	if err != nil {
		return false, err
	}
	if r.young(replay) {
		if len(events) < 2 {
			return false, nil
		}
		events = events[:len(events)-1] // with the last one it might end
	}
	step := store.ReplayStep{Reached: replay.Reached}
	for i := range events {
		step.Reached = events[i].At
		q := newQuestion(&events[i].Event, nil)
		q.tried = func(name string, err error) { r.note(replay, name, err) }
		// What is dead was to be told, whatever the rules are by now.
		if replay.Dead || known.tells(ep, q) {
			step.Tell = append(step.Tell, ep.again(q.event, replay.First))
		}
	}
	if !replay.First && len(events) < replayStep {
		step.Reached, step.End = max(replay.Last, step.Reached), true
	}
	told := replay.Told
	if err := r.store.AdvanceReplay(ctx, replay, step); err != nil {
		return false, err
	}
	if replay.Told > told {
		r.wake(ep.Name)
	}
	return true, nil
}

// note logs that a condition failed, once for each replay.
func (r *replayer) note(replay *store.Replay, condition string, err error) {
	if key := replay.ID + " " + condition; err != nil && !r.said[key] {
		r.said[key] = true
		r.logger.Warn("condition failed, letting through", "replay", replay.ID, "endpoint", replay.Endpoint, "condition", condition, "err", err)
	}
}

// again is the delivery of an event of the log. To an endpoint that has not been
// told it before it is one like any other.
func (ep *Endpoint) again(e *notify.Event, first bool) notify.Delivery {
	d := ep.delivery(e)
	d.Position = e.Position
	if !first {
		d.Replay, d.Lane, d.Key = true, notify.ReplayLane(d.Lane), ""
	}
	return d
}
