// Package history keeps what came of the last polls of each source, in memory.
//
// It is for people who look, and decides nothing: it begins anew with each start,
// and however many sources there are, and whatever their errors say, it stays
// within bounds that are known beforehand.
package history

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pollwire/pollwire/poller"
)

const (
	// mostEach is how many polls are kept of a source, and mostInAll of all
	// sources together; of each one is always kept.
	mostEach  = 100
	mostInAll = 200_000
	// maxError is how many bytes of an error are kept.
	maxError = 300
)

// Poll is a poll that has ended.
type Poll struct {
	// At is when it ended, in UTC with milliseconds.
	At time.Time
	// Duration is how long its requests took, in milliseconds; Requests is how many
	// were made.
	Duration time.Duration
	Requests int
	// Status is the code of its answer, 0 where there was none; Bytes is how long
	// that was.
	Status int
	Bytes  int64
	// Outcome is the observer's word for it, and Changes how many changes it brought.
	Outcome string
	Changes int
	// Failed says that it failed, and Error why: the beginning, where that is long.
	Failed bool
	Error  string
}

// Log keeps the last polls of each source. Its methods may be called concurrently.
type Log struct {
	mu    sync.Mutex
	each  int
	rings map[string]*ring
}

// ring are the last polls of a source. Those after next are older than those
// before it, once it is full.
type ring struct {
	polls []record
	next  int
}

// record is a poll in half the room.
type record struct {
	at       int64 // Unix milliseconds
	bytes    int64
	duration uint32 // milliseconds
	requests uint32
	changes  uint32
	status   uint16
	failed   bool
	outcome  string
	err      string
}

// New returns a log for so many sources that is empty.
func New(sources int) *Log {
	return &Log{each: share(sources), rings: make(map[string]*ring)}
}

// share is how many polls are kept of each of n sources.
func share(n int) int { return min(mostEach, max(1, mostInAll/max(1, n))) }

// Keep says which sources there are from now on. What is kept of others goes.
func (l *Log) Keep(sources []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.each = share(len(sources))
	kept := make(map[string]*ring, len(sources))
	for _, name := range sources {
		if r := l.rings[name]; r != nil {
			r.fit(l.each)
			kept[name] = r
		}
	}
	l.rings = kept
}

// Rename gives the polls of a source to another name.
func (l *Log) Rename(from, to string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.rings[from]; r != nil {
		l.rings[to] = r
		delete(l.rings, from)
	}
}

// Add takes note of a poll that has ended.
func (l *Log) Add(source string, p *poller.Result) {
	text := ""
	if p.Err != nil {
		text = shorten(p.Err.Error())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rings[source]
	if r == nil {
		r = &ring{}
		l.rings[source] = r
	}
	r.add(record{
		at: p.At.UnixMilli(), bytes: p.Bytes, duration: fitted(p.Duration.Milliseconds()), requests: fitted(p.Requests), changes: fitted(p.Verdict.Changes),
		status: uint16(min(max(p.Status, 0), 999)), failed: p.Err != nil, outcome: p.Verdict.Outcome, err: text,
	}, l.each)
}

// Last returns the last poll of a source; false where there was none.
func (l *Log) Last(source string) (Poll, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rings[source]
	if r == nil {
		return Poll{}, false
	}
	return r.polls[(r.next+len(r.polls)-1)%len(r.polls)].poll(), true
}

// Polls returns the polls of a source that are kept, the newest first.
func (l *Log) Polls(source string) []Poll {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rings[source]
	if r == nil {
		return []Poll{}
	}
	list := make([]Poll, 0, len(r.polls))
	for _, rec := range r.inOrder() {
		list = append(list, rec.poll())
	}
	slices.Reverse(list)
	return list
}

// add replaces the oldest record where there are most of them.
func (r *ring) add(rec record, most int) {
	if rec.err != "" {
		rec.err = r.known(rec.err)
	}
	if n := len(r.polls); n < most {
		if n == cap(r.polls) {
			r.polls = append(make([]record, 0, min(max(4, 2*n), most)), r.polls...)
		}
		r.polls = append(r.polls, rec)
		return
	}
	r.polls[r.next] = rec
	r.next = (r.next + 1) % len(r.polls)
}

// known returns the text that the ring holds already, so that a source that has
// failed for long holds its error once.
func (r *ring) known(text string) string {
	for i := range r.polls {
		if r.polls[i].err == text {
			return r.polls[i].err
		}
	}
	return text
}

// fit makes room for most records, of which the newest stay.
func (r *ring) fit(most int) {
	ordered := r.inOrder()
	if len(ordered) > most {
		ordered = slices.Clone(ordered[len(ordered)-most:])
	}
	r.polls, r.next = ordered, 0
}

// inOrder returns the records, the oldest first.
func (r *ring) inOrder() []record {
	return append(slices.Clone(r.polls[r.next:]), r.polls[:r.next]...)
}

func (rec *record) poll() Poll {
	return Poll{
		At: time.UnixMilli(rec.at).UTC(), Duration: time.Duration(rec.duration) * time.Millisecond,
		Requests: int(rec.requests), Status: int(rec.status), Bytes: rec.bytes,
		Outcome: rec.outcome, Changes: int(rec.changes), Failed: rec.failed, Error: rec.err,
	}
}

// fitted is a number as a record holds it.
func fitted[N int | int64](n N) uint32 { return uint32(min(max(int64(n), 0), 1<<32-1)) }

// shorten keeps the beginning of an error, which names the request and the reason.
func shorten(text string) string {
	if len(text) <= maxError {
		return text
	}
	return strings.ToValidUTF8(text[:maxError], "") + "…"
}
