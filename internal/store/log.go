package store

import (
	"time"

	"github.com/pollwire/pollwire/notify"
)

// LogQuery says which page of the log is read.
type LogQuery struct {
	// After is the position behind which the page begins.
	After int64
	// Want chooses by all of an event but its Data; nil takes all. It must not ask
	// the store.
	Want func(e *notify.Event) bool
	// Limit is how many events the page has at most, MaxBytes of how many bytes
	// of Data it takes no further event; the first one always finds its place. 0
	// for a page without events, and for any number of bytes.
	Limit, MaxBytes int
	// Newest asks for the last events of the log behind After in place of the
	// first ones. The page goes to the end of the log then.
	Newest bool
	// Before is the position before which a page of the Newest ends; 0 for the end
	// of the log.
	Before int64
}

// Full reports whether a page that has so many events, and so many bytes of their
// Data, takes no further one.
func (q *LogQuery) Full(events, bytes int) bool {
	return events >= q.Limit || bytes > 0 && q.MaxBytes > 0 && bytes >= q.MaxBytes
}

// LogPage is a page of the log.
type LogPage struct {
	// Events are in the order of the log.
	Events []notify.Event
	// Reached is the position up to which the page has all that was wanted, and
	// After of the next one. A page looks at a bounded part of the log, so that one
	// of no events may be followed by others: only where Reached is the After of
	// its query does nothing follow.
	Reached int64
	// Removed says that events between After and Reached are not in the log any
	// more, wanted or not; of a page of the Newest, events between the first one that
	// it came to, or After, and its end.
	Removed bool
	// Earlier is Before of the page of those before this one, where Newest were
	// asked for; 0 where the log has none. That page may have no events, and be
	// followed by others.
	Earlier int64
}

// ActivityQuery says which changes are counted.
type ActivityQuery struct {
	// After and Until are the positions behind and up to which the log is counted.
	After, Until int64
	// Since is the time of the first change that counts, and Step the length of the
	// spans in which they are counted, of which one begins at 1970. Step is at
	// least a microsecond.
	Since time.Time
	Step  time.Duration
}

// Activity is how many changes of a source the log has in a span of time.
type Activity struct {
	Source string
	// Begin is when the span began.
	Begin   time.Time
	Changes int64
}
