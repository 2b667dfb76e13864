package store

import (
	"context"
	"math"
	"time"

	"github.com/pollwire/pollwire/notify"
)

// Replay is what one endpoint is told besides what happens now: the log again,
// or with First the log from before the endpoint was there.
type Replay struct {
	// ID is "rpl_" and a ULID. Replays to several endpoints that were asked for
	// together share one. Where First is set it is FirstReplay.
	ID       string
	Endpoint string
	// Source is whose events are told; empty for those of all.
	Source string
	// Since and Until bound the time of the events: not before Since, and before
	// Until. Zero for no bound. Of a First only Since counts, and only to find
	// where in the log it begins.
	Since, Until time.Time
	// Dead tells what is dead for the endpoint and nothing else.
	Dead bool
	// First says that the endpoint is new. Each endpoint has one First at most, for
	// ever: by it is known that it is not new any more. Until it is finished a
	// commit makes no deliveries for the endpoint; the replay comes to its events,
	// so that they are told after those before.
	First bool
	// Start, Reached and Last are where it began, where it has come to and where it
	// ends: positions in the log, with Dead delivery IDs. A First ends where the log
	// does, its Last is 0 until then.
	Start, Reached, Last int64
	// Told counts the deliveries that it has made, Waiting those replays of the
	// endpoint that still wait; the latter is only read.
	Told, Waiting int64
	CreatedAt     time.Time
	FinishedAt    time.Time // zero while it is not finished
}

// FirstReplay is the ID of all replays that are First.
const FirstReplay = "first"

// Progress is how much of its way a replay has gone, from 0 to 1.
func (r *Replay) Progress() float64 {
	switch {
	case !r.FinishedAt.IsZero():
		return 1
	case r.Last <= r.Start:
		return 0
	}
	return min(1, float64(r.Reached-r.Start)/float64(r.Last-r.Start))
}

// Ahead is what a replay has before it, as engines look for it: up to which position
// in the log, or with Dead which delivery ID, and events not before since and before
// until, in microseconds. A First takes all that comes after what it has reached.
func (r *Replay) Ahead() (last, since, until int64) {
	if r.First {
		return math.MaxInt64, math.MinInt64, upper(r.Until)
	}
	return r.Last, lower(r.Since), upper(r.Until)
}

// BoundsFinder looks for where a replay starts and ends, as Start and Last say it, by
// the time of the events: not before since and before until, in microseconds. Where
// Dead is set time does not count, only the endpoint.
type BoundsFinder func(ctx context.Context, r *Replay, since, until int64) (startAndLast [2]int64, err error)

// BoundReplays sets where replays start and end. That is looked for once for all
// that ask for the same of the log. What is committed after it is not told by those
// of the log; a First, which ends where the log does, comes to it.
func BoundReplays(ctx context.Context, replays []Replay, find BoundsFinder) error {
	type span struct{ since, until int64 }
	known := make(map[span][2]int64)
	for i := range replays {
		r := &replays[i]
		r.Start, r.Reached, r.Last, r.Told = 0, 0, 0, 0
		if r.First && (!r.FinishedAt.IsZero() || r.Since.IsZero()) {
			continue // it starts at one of the ends of the log, whatever that is then
		}
		in := span{lower(r.Since), upper(r.Until)}
		if r.First {
			in.until = math.MaxInt64
		}
		bounds, ok := known[in]
		if !ok || r.Dead {
			var err error
			if bounds, err = find(ctx, r, in.since, in.until); err != nil {
				return err
			}
		}
		r.Start, r.Reached = bounds[0], bounds[0]
		if !r.First {
			r.Last = bounds[1]
		}
		if !r.Dead {
			known[in] = bounds
		}
	}
	return nil
}

// lower and upper are the bounds of a time, of which zero is none.
func lower(t time.Time) int64 {
	if t.IsZero() {
		return math.MinInt64
	}
	return Micros(t)
}

func upper(t time.Time) int64 {
	if t.IsZero() {
		return math.MaxInt64
	}
	return Micros(t)
}

// Replayed is an event that a replay comes to. At is what Replay.Reached is
// after it.
type Replayed struct {
	At    int64
	Event notify.Event
}

// ReplayStep is what one step of a replay did.
type ReplayStep struct {
	// Reached is where the replay has come to.
	Reached int64
	// Tell are deliveries to its endpoint: Lane, Key, Position and Replay are given.
	// Those of events that are gone, or that wait for the endpoint already, are
	// left out; what is dead of the same events becomes superseded.
	Tell []notify.Delivery
	// End says that nothing is left. A First finds that out by itself.
	End bool
}

// Replays keeps what is told besides what happens now.
type Replays interface {
	// AddReplays saves replays that begin, all or none, and sets their Start,
	// Reached and Last. A First of an endpoint that has one is left out; one whose
	// FinishedAt is set tells nothing but what comes.
	AddReplays(ctx context.Context, replays []Replay) error
	// ReplaysByID returns the replays of an ID, by endpoint, or ErrNotFound.
	ReplaysByID(ctx context.Context, id string) ([]Replay, error)
	// OpenReplays returns those that are not finished, oldest first.
	OpenReplays(ctx context.Context) ([]Replay, error)
	// ReplayEvents returns up to limit events that a replay comes to next; fewer
	// where there are no more.
	ReplayEvents(ctx context.Context, r *Replay, limit int) ([]Replayed, error)
	// AdvanceReplay writes what one step of a replay did, in one transaction, and
	// sets Reached, Told, Last and FinishedAt to what it came to. It fails with
	// ErrConflict where the replay is not where r says that it is.
	AdvanceReplay(ctx context.Context, r *Replay, step ReplayStep) error
	// Retell adds another delivery of the event of one that has ended, to the same
	// endpoint and marked as a replay; one that was dead becomes superseded. It
	// fails with ErrNotFound where there is no such delivery, and with ErrConflict
	// where the event waits for the endpoint.
	Retell(ctx context.Context, delivery int64) (notify.Delivery, error)
}
