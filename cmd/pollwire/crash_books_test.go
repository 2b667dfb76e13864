package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/pollwire/pollwire/internal/receiver"
	"github.com/pollwire/pollwire/notify"
)

// books is a receiver that keeps book of everything it is told, and is as
// unreliable as receivers are: some webhooks it refuses, of some it takes the
// body and drops the connection.
type books struct {
	judge *standardwebhooks.Webhook
	// order is what the endpoint promises, latest that it may leave out all but
	// the last of an item's changes.
	order  notify.Order
	latest bool
	// leased says that the endpoint has other owners now and then, so that what was
	// answered may not have been noted though its process lives: again are the runs
	// that must have lost it then.
	leased bool
	again  map[string]int

	mu      sync.Mutex
	held    chan struct{} // answers wait until it is closed; nil for no wait
	random  *rand.Rand
	taken   map[string]*taken            // by webhook-id, of an event or a batch
	events  map[string]receiver.Envelope // by id
	items   map[string]map[string]item   // source -> key
	last    map[string]int               // source -> last sequence
	repeats map[string]int               // reason -> how many
	wrongs  []string                     // what must not have happened
	told    chan struct{}                // a token whenever something arrived
}

// taken is a webhook that was taken.
type taken struct {
	body []byte
	// run is the daemon's run that posted it last, unanswered says that the answer
	// to that was lost.
	run        string
	unanswered bool
}

// item is what the books have of an item.
type item struct {
	value, hash string // of a deleted one empty
	sequence    int
}

func newBooks(random *rand.Rand, judge *standardwebhooks.Webhook) *books {
	return &books{
		judge:   judge,
		order:   notify.OrderSource,
		random:  random,
		taken:   make(map[string]*taken),
		events:  make(map[string]receiver.Envelope),
		items:   make(map[string]map[string]item),
		last:    make(map[string]int),
		repeats: make(map[string]int),
		again:   make(map[string]int),
		told:    make(chan struct{}, 1),
	}
}

func (b *books) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // killed while it posted
	}
	b.mu.Lock()
	mood := b.random.IntN(20)
	if mood >= 2 { // else refused unread
		b.take(r.Header, body, mood == 2)
	}
	held := b.held
	b.mu.Unlock()
	select {
	case b.told <- struct{}{}:
	default:
	}
	if held != nil {
		select {
		case <-held:
		case <-r.Context().Done():
			return // killed while it waited
		}
	}
	switch mood {
	case 0:
		http.Error(w, "try again", http.StatusInternalServerError)
	case 1:
		http.Error(w, "busy", http.StatusTooManyRequests)
	case 2: // taken, but the answer is lost
		panic(http.ErrAbortHandler)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// take enters a webhook. The caller holds b.mu.
func (b *books) take(header http.Header, body []byte, unanswered bool) {
	if err := b.judge.Verify(body, header); err != nil {
		b.wrong("signature: %v", err)
		return
	}
	hook := receiver.Webhook{ID: header.Get("webhook-id"), Body: body}
	run := header.Get("X-Run")
	if known := b.taken[hook.ID]; known != nil {
		b.repeat(hook.ID, known, run, body)
		known.run, known.unanswered = run, unanswered
		return
	}
	b.taken[hook.ID] = &taken{body: body, run: run, unanswered: unanswered}
	list, err := hook.Envelopes()
	if err != nil {
		b.wrong("%s: %v", hook.ID, err)
		return
	}
	for i := range list {
		if _, twice := b.events[list[i].ID]; twice {
			b.wrong("%s has %s, which was told under another id", hook.ID, list[i].ID)
		}
		b.events[list[i].ID] = list[i]
		b.enter(&list[i])
	}
}

// repeat counts a webhook that was taken before. There is a reason for each:
// the daemon did not get the answer, or was killed before it had noted it.
func (b *books) repeat(id string, known *taken, run string, body []byte) {
	if !bytes.Equal(known.body, body) {
		b.wrong("%s came with another body", id)
	}
	switch {
	case known.unanswered:
		b.repeats["answer lost"]++
	case known.run != run:
		b.repeats["killed"]++
	case b.leased:
		b.repeats["lease lost"]++
		b.again[run]++
	default:
		b.wrong("%s came again though it had been answered", id)
	}
}

// enter checks a new event against what was told before. The caller holds b.mu.
func (b *books) enter(e *receiver.Envelope) {
	sequence, err := strconv.Atoi(e.Sequence)
	if err != nil {
		b.wrong("%s: sequence %q", e.ID, e.Sequence)
	}
	if b.items[e.Source] == nil {
		b.items[e.Source] = make(map[string]item)
	}
	known := b.items[e.Source][e.Subject]
	if sequence < known.sequence {
		if b.order != notify.OrderNone {
			b.wrong("%s %s: sequence %d came after %d", e.Source, e.Subject, sequence, known.sequence)
		}
		return
	}
	if b.order == notify.OrderSource && !b.latest && sequence != b.last[e.Source]+1 {
		b.wrong("%s: sequence %d came after %d", e.Source, sequence, b.last[e.Source])
	}
	b.last[e.Source] = sequence
	if b.order != notify.OrderNone && !b.latest {
		b.follows(e, known)
	}
	b.items[e.Source][e.Subject] = itemAfter(e, sequence)
}

// follows checks that an event begins where the last one of its item ended.
func (b *books) follows(e *receiver.Envelope, known item) {
	if e.Data.PreviousHash != known.hash {
		b.wrong("%s %s: previous_hash %q, but the last hash was %q", e.Source, e.Subject, e.Data.PreviousHash, known.hash)
	}
	if known.value != "" && known.value != string(e.Data.Before) {
		b.wrong("%s %s: before is %s, but was told as %s", e.Source, e.Subject, e.Data.Before, known.value)
	}
}

// itemAfter is an item after an event.
func itemAfter(e *receiver.Envelope, sequence int) item {
	if e.Data.Change == "deleted" {
		return item{sequence: sequence}
	}
	return item{value: string(e.Data.After), hash: e.Data.Hash, sequence: sequence}
}

func (b *books) wrong(format string, args ...any) {
	b.wrongs = append(b.wrongs, fmt.Sprintf(format, args...))
}

// holds says whether the books agree with the state of a source.
func (b *books) holds(source string, state map[string]string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := make(map[string]string)
	for key, item := range b.items["/sources/"+source] {
		if item.value != "" {
			known[key] = item.value
		}
	}
	return maps.Equal(known, state)
}

// summary says how much was told, and why some of it twice.
func (b *books) summary() string {
	var repeats []string
	for _, reason := range slices.Sorted(maps.Keys(b.repeats)) {
		repeats = append(repeats, fmt.Sprintf("%d (%s)", b.repeats[reason], reason))
	}
	return fmt.Sprintf("%d events in %d webhooks, repeats: %s", len(b.events), len(b.taken), strings.Join(repeats, ", "))
}

// holdAnswers has all receivers keep who posts waiting, until the function that it
// returns is called.
func (c *crash) holdAnswers() (answer func()) {
	held := make(chan struct{})
	hold := func(by chan struct{}) {
		for _, b := range c.books {
			b.mu.Lock()
			b.held = by
			b.mu.Unlock()
		}
	}
	hold(held)
	return func() {
		hold(nil)
		close(held)
	}
}
