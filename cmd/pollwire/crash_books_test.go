package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/pollwire/pollwire/internal/receiver"
)

// books is a receiver that keeps book of everything it is told, and is as
// unreliable as receivers are: some webhooks it refuses, of some it takes the
// body and drops the connection.
type books struct {
	judge *standardwebhooks.Webhook

	mu      sync.Mutex
	random  *rand.Rand
	bodies  map[string][]byte            // by webhook-id
	state   map[string]map[string]string // source -> key -> item
	hashes  map[string]map[string]string // source -> key -> last hash
	last    map[string]int               // source -> last sequence
	repeats int
	wrongs  []string      // what must not have happened
	told    chan struct{} // a token whenever something arrived
}

func newBooks(random *rand.Rand, judge *standardwebhooks.Webhook) *books {
	return &books{
		judge:  judge,
		random: random,
		bodies: make(map[string][]byte),
		state:  make(map[string]map[string]string),
		hashes: make(map[string]map[string]string),
		last:   make(map[string]int),
		told:   make(chan struct{}, 1),
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
		b.take(r.Header, body)
	}
	b.mu.Unlock()
	select {
	case b.told <- struct{}{}:
	default:
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
func (b *books) take(header http.Header, body []byte) {
	if err := b.judge.Verify(body, header); err != nil {
		b.wrong("signature: %v", err)
		return
	}
	hook := receiver.Webhook{ID: header.Get("webhook-id"), Body: body}
	if known, ok := b.bodies[hook.ID]; ok {
		b.repeats++
		if !bytes.Equal(known, body) {
			b.wrong("%s came with another body", hook.ID)
		}
		return
	}
	b.bodies[hook.ID] = body
	e, err := hook.Envelope()
	if err != nil {
		b.wrong("%s: %v", hook.ID, err)
		return
	}
	b.enter(e)
}

// enter checks a new event against what was told before. The caller holds b.mu.
func (b *books) enter(e receiver.Envelope) {
	sequence, err := strconv.Atoi(e.Sequence)
	if err != nil || sequence != b.last[e.Source]+1 {
		b.wrong("%s: sequence %s came after %d", e.Source, e.Sequence, b.last[e.Source])
	}
	b.last[e.Source] = sequence
	if b.state[e.Source] == nil {
		b.state[e.Source], b.hashes[e.Source] = make(map[string]string), make(map[string]string)
	}
	if previous := b.hashes[e.Source][e.Subject]; e.Data.PreviousHash != previous {
		b.wrong("%s %s: previous_hash %q, but the last hash was %q", e.Source, e.Subject, e.Data.PreviousHash, previous)
	}
	if before := b.state[e.Source][e.Subject]; before != "" && before != string(e.Data.Before) {
		b.wrong("%s %s: before is %s, but was told as %s", e.Source, e.Subject, e.Data.Before, before)
	}
	b.hashes[e.Source][e.Subject] = e.Data.Hash
	if e.Data.Change == "deleted" {
		delete(b.state[e.Source], e.Subject)
		return
	}
	b.state[e.Source][e.Subject] = string(e.Data.After)
}

func (b *books) wrong(format string, args ...any) {
	b.wrongs = append(b.wrongs, fmt.Sprintf(format, args...))
}

// holds says whether the books agree with the state of a source.
func (b *books) holds(source string, state map[string]string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Equal(b.state["/sources/"+source], state)
}
