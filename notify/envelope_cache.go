package notify

import (
	"container/list"
	"context"
	"fmt"
	"sync"
)

// maxCachedBytes bounds the envelopes that are kept for other endpoints and
// further attempts.
const maxCachedBytes = 8 << 20

// envelopeCache builds the envelopes of events and keeps those used last.
type envelopeCache struct {
	queue     Queue
	publicURL string

	mu    sync.Mutex
	bytes int
	byPos map[int64]*list.Element
	// used has the one used last in front.
	used list.List
}

// envelope is the body that tells an event; shared, never modified.
type envelope struct {
	position int64
	id       string
	body     []byte
}

func newEnvelopeCache(queue Queue, publicURL string) *envelopeCache {
	return &envelopeCache{queue: queue, publicURL: publicURL, byPos: make(map[int64]*list.Element)}
}

// get returns the envelope of the event at a position. An error that wraps
// errData is for ever; any other one is of the queue.
func (c *envelopeCache) get(ctx context.Context, position int64) (*envelope, error) {
	if e := c.cached(position); e != nil {
		return e, nil
	}
	event, err := c.queue.Event(ctx, position)
	if err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	body, err := Envelope(&event, c.publicURL)
	if err != nil {
		return nil, err
	}
	e := &envelope{position: position, id: event.ID, body: body}
	c.keep(e)
	return e, nil
}

func (c *envelopeCache) cached(position int64) *envelope {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.byPos[position]
	if !ok {
		return nil
	}
	c.used.MoveToFront(element)
	return element.Value.(*envelope)
}

// keep adds an envelope, unless it would push out much of the others.
func (c *envelopeCache) keep(e *envelope) {
	if len(e.body) > maxCachedBytes/8 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byPos[e.position]; ok {
		return // another endpoint was faster
	}
	c.byPos[e.position] = c.used.PushFront(e)
	c.bytes += cap(e.body)
	for c.bytes > maxCachedBytes {
		oldest := c.used.Remove(c.used.Back()).(*envelope)
		delete(c.byPos, oldest.position)
		c.bytes -= cap(oldest.body)
	}
}
