package poller

import (
	"errors"
	"time"

	"github.com/robfig/cron/v3"
)

// starBit is how the cron parser marks a field that was written with a star.
const starBit = 1 << 63

// cronSchedule fires when a wall clock in loc shows a time that fits the fields.
//
// The fields are always evaluated in UTC, on a wall clock without changes, and
// the result is mapped to real time here: the cron library on its own loses a
// daily run that falls in the hour skipped in spring, and fires one in the hour
// repeated in autumn twice.
//
// With fixed hours, a run that falls in skipped time is made at its end, and
// one in repeated time the first time only. With every hour, the schedule
// follows real time: it fires throughout repeated time and never in skipped time.
type cronSchedule struct {
	fields    cron.SpecSchedule
	everyHour bool
	loc       *time.Location
}

var _ Schedule = (*cronSchedule)(nil)

func parseCron(spec string, loc *time.Location) (Schedule, error) {
	parser := cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour |
		cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	parsed, err := parser.Parse(spec)
	if err != nil {
		return nil, err
	}
	fields, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, errors.New("unknown kind of schedule")
	}
	for _, bits := range []uint64{fields.Second, fields.Minute, fields.Hour, fields.Dom, fields.Month, fields.Dow} {
		if bits == 0 { // Written as a lone comma; the search for a run would take seconds.
			return nil, errors.New("a field has no value")
		}
	}
	const allHours = 1<<24 - 1
	c := &cronSchedule{fields: *fields, loc: loc}
	c.everyHour = fields.Hour&starBit != 0 || fields.Hour&allHours == allHours
	c.fields.Location = time.UTC
	if c.nextWall(time.Unix(0, 0).UTC()).IsZero() {
		return nil, errors.New("it would never fire: there is no such date")
	}
	return c, nil
}

// equal says whether both fire at the same times. Locations are compared by
// name, since each load of a location gives another pointer.
func (c *cronSchedule) equal(d *cronSchedule) bool {
	return c.fields == d.fields && c.loc.String() == d.loc.String()
}

// Next returns the first due time after t, in the location of t.
func (c *cronSchedule) Next(t time.Time) time.Time {
	z := stretchAt(t, c.loc)
	from := z.wall(t)
	if !c.everyHour {
		from = z.skipRepeated(from)
	}
	n := c.nextWall(from)
	for !n.IsZero() {
		due := n.Add(-z.offset)
		if z.end.IsZero() || due.Before(z.end) {
			return due.In(t.Location())
		}
		// The clock is changed before it shows n: look from there on.
		z = stretchAt(z.end, c.loc)
		begin := z.wall(z.start)
		switch {
		case c.everyHour:
			n = c.nextWall(begin.Add(-time.Second))
		case n.Before(begin):
			return z.start.In(t.Location())
		}
	}
	return time.Time{}
}

// nextWall returns the first fitting time after a time of the wall clock, both
// written as UTC, or the zero time.
func (c *cronSchedule) nextWall(wall time.Time) time.Time {
	n := c.fields.Next(wall)
	if n.IsZero() {
		// The library looks five years ahead, but a 29 February can be eight
		// years away, around 2100.
		n = c.fields.Next(wall.AddDate(5, 0, 0))
	}
	return n
}

// stretch is a time during which the wall clock of a location is not changed.
type stretch struct {
	// start and end are zero where it has none.
	start, end time.Time
	// offset is how far the wall clock is ahead of UTC; before is that of the
	// stretch before this one.
	offset, before time.Duration
}

func stretchAt(t time.Time, loc *time.Location) stretch {
	t = t.In(loc)
	var z stretch
	z.start, z.end = t.ZoneBounds()
	if !z.end.IsZero() && !z.end.After(t) {
		// Beyond the changes that the zone's file lists, Go ends a stretch with
		// the year, and takes each year to have 365 days.
		z.end = z.end.Add(24 * time.Hour)
	}
	z.offset = offsetAt(t)
	z.before = z.offset
	if !z.start.IsZero() {
		z.before = offsetAt(z.start.Add(-time.Second))
	}
	return z
}

func offsetAt(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// wall returns what the wall clock shows at t, written as UTC.
func (z stretch) wall(t time.Time) time.Time {
	return t.UTC().Add(z.offset)
}

// skipRepeated moves a time of the wall clock that is shown for the second time
// to just before the first one that is not.
func (z stretch) skipRepeated(wall time.Time) time.Time {
	if z.before <= z.offset {
		return wall
	}
	fresh := z.start.UTC().Add(z.before).Add(-time.Second)
	if wall.Before(fresh) {
		return fresh
	}
	return wall
}
