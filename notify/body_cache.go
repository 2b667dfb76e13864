package notify

import (
	"container/list"
	"context"
	"fmt"
	"sync"
)

// maxCachedBytes bounds the bodies that are kept for other endpoints and
// further attempts.
const maxCachedBytes = 8 << 20

const (
	// largeEvent is the size of data from which the body of an event is made
	// under a bound: a template takes some thirty times as much memory meanwhile.
	largeEvent = 1 << 20
	// maxLarge is how many bodies of such events are made at once, whatever the
	// endpoints have under way.
	maxLarge = 2
)

// bodyCache makes the bodies that tell events and keeps those used last, each
// for all endpoints that are told in the same way.
type bodyCache struct {
	queue Queue
	// large holds a token for each body of a large event that is being made.
	large chan struct{}

	mu        sync.Mutex
	publicURL string
	// edition counts how often all was forgotten.
	edition int
	size    int
	byKey   map[bodyKey]*list.Element
	// used has the one used last in front.
	used list.List
}

// bodyKey is the event at a position, told in one way.
type bodyKey struct {
	position int64
	manner   manner
}

// body tells an event; shared, never modified.
type body struct {
	key bodyKey
	// id is the event's.
	id    string
	bytes []byte
}

func newBodyCache(queue Queue, publicURL string) *bodyCache {
	return &bodyCache{
		queue: queue, publicURL: publicURL, large: make(chan struct{}, maxLarge),
		byKey: make(map[bodyKey]*list.Element),
	}
}

// get returns what an endpoint is posted of the event at a position. An error
// that wraps errBody is for ever; any other one is of the queue.
func (c *bodyCache) get(ctx context.Context, e *Endpoint, position int64) (*body, error) {
	key := bodyKey{position, e.manner()}
	edition := c.edited()
	if b := c.cached(key); b != nil {
		return b, nil
	}
	event, err := c.queue.Event(ctx, position)
	if err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	if len(event.Data) < largeEvent {
		return c.render(e, key, &event, edition)
	}
	select {
	case c.large <- struct{}{}:
		defer func() { <-c.large }()
		return c.render(e, key, &event, edition)
	default:
	}
	event = Event{} // is not held while others are at work
	select {
	case c.large <- struct{}{}:
		defer func() { <-c.large }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for other large events: %w", context.Cause(ctx))
	}
	edition = c.edited()
	if b := c.cached(key); b != nil {
		return b, nil
	}
	if event, err = c.queue.Event(ctx, position); err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	return c.render(e, key, &event, edition)
}

// render makes a body of an event that was read in an edition, and keeps it.
func (c *bodyCache) render(e *Endpoint, key bodyKey, event *Event, edition int) (*body, error) {
	c.mu.Lock()
	publicURL := c.publicURL
	c.mu.Unlock()
	rendered, err := Render(e, event, publicURL)
	if err != nil {
		return nil, err
	}
	b := &body{key: key, id: event.ID, bytes: rendered}
	c.keep(b, edition)
	return b, nil
}

// link lets events be linked to below another URL from now on.
func (c *bodyCache) link(publicURL string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.publicURL == publicURL {
		return
	}
	c.publicURL = publicURL
	c.clear()
}

// forget drops all bodies, and those that are being made: the queue may have other
// events at their positions.
func (c *bodyCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
}

// clear is forget for who holds mu.
func (c *bodyCache) clear() {
	c.edition++
	c.size = 0
	clear(c.byKey)
	c.used.Init()
}

// edited returns the edition.
func (c *bodyCache) edited() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.edition
}

func (c *bodyCache) cached(key bodyKey) *body {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.byKey[key]
	if !ok {
		return nil
	}
	c.used.MoveToFront(element)
	return element.Value.(*body)
}

// keep adds a body of an edition, unless it would push out much of the others.
func (c *bodyCache) keep(b *body, edition int) {
	if len(b.bytes) > maxCachedBytes/8 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[b.key]; ok || edition != c.edition {
		return // another endpoint was faster, or all is to be made anew since
	}
	c.byKey[b.key] = c.used.PushFront(b)
	c.size += cap(b.bytes)
	for c.size > maxCachedBytes {
		oldest := c.used.Remove(c.used.Back()).(*body)
		delete(c.byKey, oldest.key)
		c.size -= cap(oldest.bytes)
	}
}
