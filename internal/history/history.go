// Package history keeps what came of the last polls of each source, in memory.
//
// It is for people who look, and decides nothing: it begins anew with each start,
// and however many sources there are, and whatever their errors say, it stays
// within bounds that are known beforehand.
package history

import (
	"math"
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
	// that was, at most 4 GiB.
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
	// words are the outcomes that there were, of which an observer has few.
	words []string
}

// ring are the last polls of a source. Those after next are older than those
// before it, once it is full.
type ring struct {
	polls []record
	next  int
}

// record is a poll in less room.
type record struct {
	at       int64   // Unix milliseconds
	err      *string // nil where there was none
	bytes    uint32  // as many as fit
	duration uint32  // milliseconds
	changes  uint32
	requests uint16
	status   uint16
	outcome  uint8 // in Log.words
}

// New returns a log for so many sources that is empty.
func New(sources int) *Log {
	return &Log{each: share(sources), rings: make(map[string]*ring), words: []string{""}}
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
			r.shrink(l.each)
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
	rec := record{
		at: p.At.UnixMilli(), bytes: fit[uint32](p.Bytes), duration: fit[uint32](p.Duration.Milliseconds()),
		changes: fit[uint32](int64(p.Verdict.Changes)), requests: fit[uint16](int64(p.Requests)), status: fit[uint16](int64(p.Status)),
	}
	if p.Err != nil {
		text := shorten(p.Err.Error())
		rec.err = &text
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	rec.outcome = l.word(p.Verdict.Outcome)
	r := l.rings[source]
	if r == nil {
		r = &ring{}
		l.rings[source] = r
	}
	r.add(rec, l.each)
}

// word is the number of an outcome. Beyond the first 255 they are the empty one.
func (l *Log) word(outcome string) uint8 {
	i := slices.Index(l.words, outcome)
	if i < 0 && len(l.words) < math.MaxUint8 {
		i = len(l.words)
		l.words = append(l.words, outcome)
	}
	return uint8(max(i, 0))
}

// Last returns the last poll of a source; false where there was none.
func (l *Log) Last(source string) (Poll, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rings[source]
	if r == nil {
		return Poll{}, false
	}
	return l.poll(&r.polls[(r.next+len(r.polls)-1)%len(r.polls)]), true
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
	ordered := r.inOrder()
	for i := range ordered {
		list = append(list, l.poll(&ordered[i]))
	}
	slices.Reverse(list)
	return list
}

// add replaces the oldest record where there are most of them.
func (r *ring) add(rec record, most int) {
	if rec.err != nil {
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
func (r *ring) known(text *string) *string {
	for i := range r.polls {
		if held := r.polls[i].err; held != nil && *held == *text {
			return held
		}
	}
	return text
}

// shrink drops the oldest records beyond most.
func (r *ring) shrink(most int) {
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

// poll is what a record says. The lock is held.
func (l *Log) poll(rec *record) Poll {
	p := Poll{
		At: time.UnixMilli(rec.at).UTC(), Duration: time.Duration(rec.duration) * time.Millisecond,
		Requests: int(rec.requests), Status: int(rec.status), Bytes: int64(rec.bytes),
		Outcome: l.words[rec.outcome], Changes: int(rec.changes),
	}
	if rec.err != nil {
		p.Failed, p.Error = true, *rec.err
	}
	return p
}

// fit is the nearest number that a type has.
func fit[N uint16 | uint32](n int64) N { return N(min(max(n, 0), int64(^N(0)))) }

// shorten keeps the beginning of an error, which names the request and the reason.
func shorten(text string) string {
	if len(text) <= maxError {
		return text
	}
	return strings.ToValidUTF8(text[:maxError], "") + "…"
}
