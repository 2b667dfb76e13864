package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
)

var _ server.Poker = (*control)(nil)

// Poke polls a source as Poll does, but not where that would be impolite: what
// an operator may do once, a provider does again and again.
func (c *control) Poke(source string) (wait time.Duration, err error) {
	// Nobody waits for it: what it asks of another node is bounded by its own time.
	return c.poke(context.Background(), source)
}

// poke polls a source, which another node may have that is asked to do so.
func (c *control) poke(ctx context.Context, source string) (wait time.Duration, err error) {
	s, ok := c.d.setup.Load().sources[source]
	if !ok {
		return 0, fmt.Errorf("source %q: %w", source, store.ErrNotFound)
	}
	switch answer, done, err := there[poked](ctx, c, store.SourceResource(source), errand{method: methodPoke, path: []string{pokePath, source}}); {
	case unknown(err):
		return retryAway, nil // it changes hands
	case err != nil:
		return 0, err
	case done && answer.Error != "":
		return 0, errors.New(answer.Error)
	case done:
		return answer.Wait, nil
	}
	if wait := c.d.poller.Hold(s.asked); wait > 0 {
		return wait, nil
	}
	return 0, c.trigger(source)
}

// MayPoke refuses the pokes of a source that is paused: whoever sends them is told
// that they come to nothing.
func (c *control) MayPoke(source string) error {
	if !c.d.pauses.of(source).IsZero() {
		return paused(source)
	}
	return nil
}

// disabled says why a source that there is cannot be polled.
func disabled(source string) *server.Refusal {
	return &server.Refusal{Reason: fmt.Sprintf("source %q is disabled (enabled: false in the configuration)", source)}
}

// paused says why a source that is paused cannot be polled.
func paused(source string) *server.Refusal {
	return &server.Refusal{Reason: fmt.Sprintf("source %q is paused: resume it first, with 'pollwire resume source/%s'", source, source)}
}
