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

// bodyCache makes the bodies that tell events and keeps those used last, each
// for all endpoints that are told in the same way.
type bodyCache struct {
	queue     Queue
	publicURL string

	mu    sync.Mutex
	size  int
	byKey map[bodyKey]*list.Element
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
	return &bodyCache{queue: queue, publicURL: publicURL, byKey: make(map[bodyKey]*list.Element)}
}

// get returns what an endpoint is posted of the event at a position. An error
// that wraps errBody is for ever; any other one is of the queue.
func (c *bodyCache) get(ctx context.Context, e *Endpoint, position int64) (*body, error) {
	key := bodyKey{position, e.manner()}
	if b := c.cached(key); b != nil {
		return b, nil
	}
	event, err := c.queue.Event(ctx, position)
	if err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	rendered, err := Render(e, &event, c.publicURL)
	if err != nil {
		return nil, err
	}
	b := &body{key: key, id: event.ID, bytes: rendered}
	c.keep(b)
	return b, nil
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

// keep adds a body, unless it would push out much of the others.
func (c *bodyCache) keep(b *body) {
	if len(b.bytes) > maxCachedBytes/8 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[b.key]; ok {
		return // another endpoint was faster
	}
	c.byKey[b.key] = c.used.PushFront(b)
	c.size += cap(b.bytes)
	for c.size > maxCachedBytes {
		oldest := c.used.Remove(c.used.Back()).(*body)
		delete(c.byKey, oldest.key)
		c.size -= cap(oldest.bytes)
	}
}
