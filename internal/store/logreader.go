package store

import (
	"context"
	"math"
	"slices"

	"github.com/pollwire/pollwire/notify"
)

// MaxScanned is how many rows one page of the log, or of the deliveries, looks at.
const MaxScanned = 2000

// LogReader is what an engine reads pages of the log with.
type LogReader interface {
	// LastPosition returns the position of the last event that was ever committed, 0
	// before the first.
	LastPosition(ctx context.Context) (int64, error)
	// Heads returns up to limit events behind the After of a query without their
	// Data, which takes the time: the first ones in the order of the log, or with
	// Newest the last ones before End, from the last one back.
	Heads(ctx context.Context, q *LogQuery, limit int) ([]notify.Event, error)
	// Whole returns events with their Data by their positions, in any order; those
	// that have been removed are left out.
	Whole(ctx context.Context, positions []int64) ([]notify.Event, error)
}

// ReadLog reads a page of the log. What is chosen is decided by events without
// their Data, and only the Data of those that were chosen is read, of up to atOnce
// events at a time.
func ReadLog(ctx context.Context, r LogReader, q *LogQuery, atOnce int) (LogPage, error) {
	// It is read first: where nothing is found behind After, what was committed
	// up to here has been removed, and what comes meanwhile is not passed over.
	last, err := r.LastPosition(ctx)
	if err != nil {
		return LogPage{}, err
	}
	limit := MaxScanned
	if q.Want == nil {
		limit = min(max(q.Limit, 1), MaxScanned)
	}
	heads, err := r.Heads(ctx, q, limit)
	if err != nil {
		return LogPage{}, err
	}
	if len(heads) == 0 && q.Newest && q.Before > 0 {
		return LogPage{Reached: q.After, Removed: q.Before > q.After+1}, nil
	}
	if len(heads) == 0 {
		return LogPage{Reached: max(q.After, last), Removed: last > q.After}, nil
	}
	c := &chosen{reader: r, query: q, heads: heads, atOnce: atOnce, read: make(map[int64]notify.Event)}
	if q.Newest {
		return c.fillNewest(ctx, last, len(heads) == limit)
	}
	return c.fill(ctx)
}

// End is the position before which a page of the Newest ends: Before, or behind all
// that there can be.
func (q *LogQuery) End() int64 {
	if q.Before <= 0 {
		return math.MaxInt64
	}
	return q.Before
}

// chosen are the events of a page by turns, of which those that are wanted have
// their data read, some at a time.
type chosen struct {
	reader LogReader
	query  *LogQuery
	heads  []notify.Event
	atOnce int
	// asked are the answers of Want so far, in the order of heads.
	asked []bool
	// read are the events that were read last, by position; one that has been
	// removed is its zero value.
	read map[int64]notify.Event
}

// wanted asks once of each event, in their order.
func (c *chosen) wanted(i int) bool {
	for n := len(c.asked); n <= i; n++ {
		c.asked = append(c.asked, c.query.Want == nil || c.query.Want(&c.heads[n]))
	}
	return c.asked[i]
}

// event returns a wanted one, and false where it was removed meanwhile. It reads
// up to so many that come next along.
func (c *chosen) event(ctx context.Context, i, more int) (notify.Event, bool, error) {
	position := c.heads[i].Position
	if _, ok := c.read[position]; !ok {
		var positions []int64
		for ; i < len(c.heads) && len(positions) < min(more, c.atOnce); i++ {
			if c.wanted(i) {
				positions = append(positions, c.heads[i].Position)
			}
		}
		found, err := c.reader.Whole(ctx, positions)
		if err != nil {
			return notify.Event{}, false, err
		}
		clear(c.read)
		for _, position := range positions {
			c.read[position] = notify.Event{}
		}
		for _, e := range found {
			c.read[e.Position] = e
		}
	}
	e := c.read[position]
	return e, e.Position != 0, nil
}

// fill takes the events that are wanted, from the first on.
func (c *chosen) fill(ctx context.Context) (LogPage, error) {
	page := LogPage{Reached: c.query.After}
	size := 0
	for i := range c.heads {
		wanted := c.wanted(i)
		if wanted && c.query.Full(len(page.Events), size) {
			break
		}
		page.Removed = page.Removed || c.heads[i].Position != page.Reached+1
		page.Reached = c.heads[i].Position
		if !wanted {
			continue
		}
		event, found, err := c.event(ctx, i, c.query.Limit-len(page.Events))
		if err != nil {
			return LogPage{}, err
		}
		if !found {
			page.Removed = true
			continue
		}
		page.Events = append(page.Events, event)
		size += len(event.Data)
	}
	return page, nil
}

// fillNewest takes the events that are wanted, from the last one of the log back.
// There may be more than those.
func (c *chosen) fillNewest(ctx context.Context, last int64, more bool) (LogPage, error) {
	page := LogPage{Reached: c.heads[0].Position}
	if more {
		page.Earlier = c.heads[len(c.heads)-1].Position
	}
	size := 0
	// Where the page has come to, from the end of the log or its own. What was
	// committed since that was read lies beyond it.
	next := min(last, c.query.End()-1)
	for i := range c.heads {
		if c.query.Full(len(page.Events), size) {
			page.Earlier = c.heads[max(i-1, 0)].Position
			return page.turned(), nil
		}
		page.Removed = page.Removed || c.heads[i].Position < next
		next = c.heads[i].Position - 1
		if !c.wanted(i) {
			continue
		}
		event, found, err := c.event(ctx, i, c.query.Limit-len(page.Events))
		if err != nil {
			return LogPage{}, err
		}
		if !found {
			page.Removed = true
			continue
		}
		page.Events = append(page.Events, event)
		size += len(event.Data)
	}
	// Before the first one there was another, where the page goes as far back.
	page.Removed = page.Removed || !more && next > c.query.After
	return page.turned(), nil
}

// turned is the page with its events in the order of the log.
func (p LogPage) turned() LogPage {
	slices.Reverse(p.Events)
	return p
}
