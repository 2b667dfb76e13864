package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

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
	if done, err := c.sourceThere(ctx, source, "accept"); done {
		return err
	}
	err := c.d.bridge.AcceptRemoval(ctx, source)
	if errors.Is(err, bridge.ErrNoAnswer) {
		return &server.Refusal{Reason: fmt.Sprintf("source %q has not answered yet, so nothing can have vanished from it", source)}
	}
	if err != nil {
		return moved(notFound(err, bridge.ErrUnknownSource))
	}
	// A source that is disabled or paused is not polled: its next poll takes the
	// acceptance.
	if err := c.Poll(ctx, source); err != nil && !isRefusal(err) {
		return err
	}
	return nil
}

func (c *control) Poll(ctx context.Context, source string) error {
	if done, err := c.sourceThere(ctx, source, "poll"); done {
		return err
	}
	return moved(c.trigger(source))
}

// sourceThere has the node that has a source do something to it that is a path of
// the API. Where this one has it, done is false, and nothing was done.
func (c *control) sourceThere(ctx context.Context, source, do string) (done bool, err error) {
	if c.d.setup.Load().sources[source] == nil {
		return true, noSource(source)
	}
	_, done, err = there[struct{}](ctx, c, store.SourceResource(source), errand{
		method: http.MethodPost, path: []string{"v1", "sources", source, do},
	})
	return done, err
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
	if c.d.setup.Load().sources[source] == nil {
		return nil, noSource(source)
	}
	preview, done, err := there[server.Preview](ctx, c, store.SourceResource(source), errand{
		method: http.MethodPost, path: []string{"v1", "sources", source, "poll"}, body: map[string]bool{"preview": true}, patience: askTimeout,
	})
	if done {
		return preview, err
	}
	preview, err = c.d.preview(ctx, source)
	return preview, moved(err)
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
