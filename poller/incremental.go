package poller

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/tidwall/gjson"
)

// The values of InitialValue that stand for the time of the first poll.
const (
	// InitialNow is that time in RFC 3339, in UTC.
	InitialNow = "now"
	// InitialNowUnix and InitialNowUnixMilli are the seconds and the milliseconds
	// since 1970, in UTC.
	InitialNowUnix      = "now_unix"
	InitialNowUnixMilli = "now_unix_ms"
)

// Incremental asks only for what is newer than what was seen before.
//
// What is sent is the newest value that was accepted, less Lookback, in the
// server's own form and precision. Without Lookback a time or a number goes back
// by one unit of its last digit, so that an item of the very same time is not
// lost to an API that gives only what is later. So some items come again; that
// they are known already is for who compares them.
//
// A value that lies in the future of the server, as its first page tells, counts
// as its present: neither may a wrong date hide all that comes before it, nor an
// item of the last page one that was changed after the first was read. The value never goes back.
type Incremental struct {
	// CursorPath is the gjson path, in an item, of what says how new it is.
	CursorPath string
	// StartParam is the parameter that takes it, in a body a path.
	StartParam string
	// InitialValue is sent as long as nothing was seen; empty for no parameter. It
	// is [InitialNow] or one of its like, or a value of the API's own.
	InitialValue string
	// Lookback is how much is asked for again each time.
	Lookback time.Duration
	// In is InQuery where empty, or InBody.
	In Place
	// ID says that a number is no time, though it may look like one: of the 19
	// digits of many ids some would be nanoseconds of the last twenty years. It
	// makes no other request, and is no part of what identifies one.
	ID bool `json:",omitempty"`
}

// frontier is how far a poll has seen. What it starts from is the accepted mark.
type frontier struct {
	*Incremental
	known, newest mark
	isKnown, seen bool
	// last is how new the last item is.
	last mark
	// asOf is the server's time at the first page.
	asOf time.Time
	// timely says that the numbers seem to be times: one of them would be one of
	// the last twenty years.
	timely bool
}

// newFrontier starts from an accepted cursor.
func newFrontier(i *Incremental, cursor string) *frontier {
	f := &frontier{Incremental: i}
	if cursor != "" {
		f.known, f.isKnown = newMark(gjson.Parse(cursor))
	}
	return f
}

// start returns the parameter of this poll; not ok means none.
func (f *frontier) start(now time.Time) (p param, ok bool, err error) {
	if !f.isKnown {
		raw, isTime := f.beginning(now)
		switch {
		case f.InitialValue == "":
			return param{}, false, nil
		case !isTime:
			return f.param(f.initial()), true, nil
		}
		// It is kept from now on: an item that comes between this poll and the
		// next one is newer than it.
		f.known, f.isKnown = newMark(gjson.Parse(raw))
	}
	from, err := f.known.back(f.Lookback)
	if err != nil {
		return param{}, false, err
	}
	if first := f.initial(); first.kind == from.kind && first.text != "" && first.compare(from) > 0 {
		from = first // Nobody asked for what is older.
	}
	return f.param(from), true, nil
}

func (f *frontier) param(m mark) param { return param{name: f.StartParam, raw: m.raw} }

// beginning is the time of the first poll in JSON, where InitialValue stands for
// that.
func (f *frontier) beginning(now time.Time) (raw string, isTime bool) {
	switch f.InitialValue {
	case InitialNow:
		return quoteJSON(now.UTC().Format(time.RFC3339)), true
	case InitialNowUnix:
		return strconv.FormatInt(now.Unix(), 10), true
	case InitialNowUnixMilli:
		return strconv.FormatInt(now.UnixMilli(), 10), true
	}
	return "", false
}

// initial is InitialValue as a mark, where it is a value of its own; a number is
// one in a body too.
func (f *frontier) initial() mark {
	if _, isTime := f.beginning(time.Time{}); isTime || f.InitialValue == "" {
		return mark{}
	}
	raw := quoteJSON(f.InitialValue)
	if _, ok := parseDecimal(f.InitialValue); ok {
		raw = f.InitialValue
	}
	m, _ := newMark(gjson.Parse(raw))
	return m
}

// errNoCursor says that no item says how new it is.
var errNoCursor = errors.New("incremental.cursor_path leads to nothing that could be compared")

// see takes note of the items of a page. Some may lack the value, not all.
func (f *frontier) see(items gjson.Result, now time.Time) error {
	if f.asOf.IsZero() {
		f.asOf = now
	}
	count, found := 0, 0
	var last mark
	items.ForEach(func(_, item gjson.Result) bool {
		count++
		m, ok := newMark(item.Get(f.CursorPath))
		if !ok {
			return true
		}
		found++
		last = m
		f.timely = f.timely || m.recent(now)
		if !f.seen || m.compare(f.newest) > 0 {
			f.newest, f.seen = m.clone(), true
		}
		return true
	})
	if count > 0 && found == 0 {
		return fmt.Errorf("%w in any of %d items: %s", errNoCursor, count, f.CursorPath)
	}
	if found > 0 {
		f.last = last.clone()
	}
	return nil
}

// passesOver says whether a list that has more pages than were asked for has
// items that no poll will ask for, since they are older than what was seen of it:
// those of a list whose newest come first, or in no order. Where the oldest come
// first, the next poll goes on behind the last. What was known before is none.
func (f *frontier) passesOver() bool {
	return f.isKnown && f.seen && f.last.compare(f.newest) < 0 && f.last.compare(f.known) > 0
}

// isTime says whether the newest value is taken for a time, which cannot be later
// than now.
func (f *frontier) isTime(newest mark, now time.Time) bool {
	if newest.kind == timeMark {
		return true
	}
	return !f.ID && (f.Lookback > 0 || f.timely || f.isKnown && f.known.recent(now))
}

// end returns the cursor that is accepted together with the answer. It is not
// later than the first page: what is changed while the others are asked for may
// be on one that has come already.
func (f *frontier) end() (string, error) {
	best, ok := f.known, f.isKnown
	if f.seen {
		newest, now := f.newest, f.asOf
		if f.isTime(newest, now) {
			newest = newest.atMost(now)
		}
		// Another kind of value is another scale: there is no back on it.
		if !ok || newest.kind != best.kind || newest.compare(best) > 0 {
			best, ok = newest, true
		}
	}
	if !ok {
		return "", nil
	}
	if _, err := best.back(f.Lookback); err != nil {
		return "", err
	}
	return best.raw, nil
}
