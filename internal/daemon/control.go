package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pollwire/pollwire/internal/bridge"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
	"github.com/pollwire/pollwire/poller"
)

// control does what the API asks for.
type control struct{ d *Daemon }

var _ server.Controller = (*control)(nil)

func (c *control) AcceptRemoval(ctx context.Context, source string) error {
	err := c.d.bridge.AcceptRemoval(ctx, source)
	if errors.Is(err, bridge.ErrNoAnswer) {
		return &server.Refusal{Reason: fmt.Sprintf("source %q has not answered yet, so nothing can have vanished from it", source)}
	}
	if err != nil {
		return notFound(err, bridge.ErrUnknownSource)
	}
	// A source that is disabled or paused is not polled: its next poll takes the
	// acceptance.
	if err := c.Poll(ctx, source); err != nil && !isRefusal(err) {
		return err
	}
	return nil
}

func (c *control) Poll(_ context.Context, source string) error {
	if _, ok := c.d.setup.Load().sources[source]; !ok {
		return fmt.Errorf("source %q: %w", source, store.ErrNotFound)
	}
	return c.trigger(source)
}

// trigger polls a source now, or says why it cannot be polled.
func (c *control) trigger(source string) error {
	err := c.d.scheduler.Trigger(source)
	switch {
	case errors.Is(err, poller.ErrUnknownSource):
		return disabled(source)
	case errors.Is(err, poller.ErrPaused):
		return paused(source)
	}
	return err
}

func (c *control) Preview(ctx context.Context, source string) (*server.Preview, error) {
	return c.d.preview(ctx, source)
}

func (c *control) Event(ctx context.Context, id string) (json.RawMessage, error) {
	event, err := c.d.store.EventByID(ctx, id)
	if err != nil {
		return nil, err
	}
	return notify.Envelope(&event, c.d.setup.Load().link)
}

// notFound makes unknown, where err is it, the error that the server knows.
func notFound(err, unknown error) error {
	if errors.Is(err, unknown) {
		return fmt.Errorf("%w: %w", store.ErrNotFound, err)
	}
	return err
}

func isRefusal(err error) bool {
	var refusal *server.Refusal
	return errors.As(err, &refusal)
}
