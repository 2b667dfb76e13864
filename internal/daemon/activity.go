package daemon

import (
	"context"
	"time"

	"github.com/pollwire/pollwire/internal/store"
)

const (
	// activityHours is how many hours are counted, the one under way included.
	activityHours = 24
	// activityAge is how old an answer may be. A page that is open in many browsers
	// asks for the same again and again.
	activityAge = 2 * time.Second
)

// activityLog is the part of the store that counts changes.
type activityLog interface {
	// Activity counts the changes of each source.
	Activity(ctx context.Context, q store.ActivityQuery) ([]store.Activity, error)
	// LastPosition returns the position of the last event of the log.
	LastPosition(ctx context.Context) (int64, error)
}

// activity counts the changes of each source in the last hours. It reads the log
// of a day once, and from then on what has come since it was last asked.
type activity struct {
	log activityLog
	// turn has a token for the one who reads, and guards what follows.
	turn chan struct{}
	// asked is when the log was last read, position up to where; 0 before the first
	// time.
	asked    time.Time
	position int64
	// hour is the one under way, counted from 1970.
	hour int64
	// counts has the hours of a source in a ring: hour h at index h%activityHours.
	counts map[string]*[activityHours]uint32
}

func newActivity(log activityLog) *activity {
	a := &activity{log: log, turn: make(chan struct{}, 1), counts: make(map[string]*[activityHours]uint32)}
	a.turn <- struct{}{}
	return a
}

// Changes returns what counts the changes of a source in each of the last hours,
// the oldest first. What it returns is valid until the next call of release.
func (a *activity) Changes(ctx context.Context) (changes func(source string) []int64, release func(), err error) {
	select {
	case <-a.turn:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	release = func() { a.turn <- struct{}{} }
	now := time.Now()
	if passed := now.Sub(a.asked); passed < 0 || passed >= activityAge {
		if err := a.read(ctx, now); err != nil {
			release()
			return nil, nil, err
		}
	}
	return a.of, release, nil
}

// read counts what has come.
func (a *activity) read(ctx context.Context, now time.Time) error {
	hour := hourOf(now)
	if hour < a.hour {
		a.position = 0 // The clock was set back: what was counted stands in the wrong hours.
	}
	last, err := a.log.LastPosition(ctx)
	if err != nil {
		return err
	}
	first := hour - activityHours + 1
	found, err := a.log.Activity(ctx, store.ActivityQuery{
		After: a.position, Until: last, Since: time.Unix(first*3600, 0), Step: time.Hour,
	})
	if err != nil {
		return err
	}
	if a.position == 0 {
		clear(a.counts)
		a.hour = hour
	}
	a.turnTo(hour)
	for _, f := range found {
		// A change of the future was seen before the clock was set back.
		h := min(hourOf(f.Begin), hour)
		if h < first {
			continue
		}
		counts := a.counts[f.Source]
		if counts == nil {
			counts = new([activityHours]uint32)
			a.counts[f.Source] = counts
		}
		counts[h%activityHours] += uint32(f.Changes)
	}
	a.position, a.asked = last, now
	return nil
}

// turnTo makes an hour the one under way, and forgets those that are too old.
func (a *activity) turnTo(hour int64) {
	passed := min(hour-a.hour, activityHours)
	a.hour = hour
	if passed == 0 {
		return
	}
	for source, counts := range a.counts {
		quiet := true
		for h := range int64(activityHours) {
			if h < passed {
				counts[(hour-h)%activityHours] = 0
			}
			quiet = quiet && counts[(hour-h)%activityHours] == 0
		}
		if quiet {
			delete(a.counts, source)
		}
	}
}

// of returns the changes of a source.
func (a *activity) of(source string) []int64 {
	list := make([]int64, activityHours)
	if counts := a.counts[source]; counts != nil {
		for i := range list {
			list[i] = int64(counts[(a.hour+1+int64(i))%activityHours])
		}
	}
	return list
}

// hourOf is the hour of a time, counted from 1970.
func hourOf(t time.Time) int64 { return t.Unix() / 3600 }
