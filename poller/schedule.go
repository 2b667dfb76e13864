package poller

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Schedule says when a source is due.
type Schedule interface {
	// Next returns the first due time after t, or the zero time if there is none.
	Next(t time.Time) time.Time
}

// ParseSchedule reads a schedule as a user writes it: five cron fields, six
// with seconds in front, a descriptor such as @hourly, or "@every D", where D
// is a duration in Go's form that may begin with days ("1d12h"), of at least
// 100 ms.
//
// Cron fields are read in loc; nil means the system's time zone. Runs of
// "@every" do not depend on when the process started: they are D apart, at an
// offset in [0, D) that follows from seed, which is the source's name.
//
// A schedule that would never fire, and a time zone within spec, are errors.
func ParseSchedule(spec string, loc *time.Location, seed string) (Schedule, error) {
	spec = strings.TrimSpace(spec)
	if loc == nil {
		loc = time.Local
	}
	var s Schedule
	var err error
	switch period, isEvery := strings.CutPrefix(spec, "@every"); {
	case spec == "":
		err = fmt.Errorf("it is empty")
	case strings.HasPrefix(spec, "TZ="), strings.HasPrefix(spec, "CRON_TZ="):
		err = fmt.Errorf("the time zone does not go into the schedule, use timezone")
	case isEvery:
		s, err = parseEvery(period, seed)
	default:
		s, err = parseCron(spec, loc)
	}
	if err != nil {
		return nil, fmt.Errorf("parse schedule %q: %w", spec, err)
	}
	return s, nil
}

// Interval returns the shortest time between the next few runs of a schedule
// after from, or 0 where there are fewer than two.
func Interval(s Schedule, from time.Time) time.Duration {
	const runs = 5
	var shortest time.Duration
	last := s.Next(from)
	for i := 1; i < runs && !last.IsZero(); i++ {
		next := s.Next(last)
		if next.IsZero() {
			break
		}
		if gap := next.Sub(last); shortest == 0 || gap < shortest {
			shortest = gap
		}
		last = next
	}
	return shortest
}

// sameSchedule says whether two schedules are known to fire at the same times.
func sameSchedule(a, b Schedule) bool {
	if c, ok := a.(*cronSchedule); ok {
		d, ok := b.(*cronSchedule)
		return ok && c.equal(d)
	}
	// Comparing interfaces panics where the type within is not comparable.
	return a != nil && reflect.TypeOf(a).Comparable() && a == b
}
