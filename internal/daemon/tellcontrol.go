package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/pollwire/pollwire/internal/bridge"
	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

func (c *control) Endpoints(ctx context.Context) ([]server.Endpoint, error) {
	depths, err := c.d.store.Depths(ctx)
	if err != nil {
		return nil, err
	}
	status := c.d.dispatcher.Status()
	list := make([]server.Endpoint, len(status))
	for i := range status {
		var depth store.Depth
		if n := slices.IndexFunc(depths, func(d store.Depth) bool { return d.Endpoint == status[i].Name }); n >= 0 {
			depth = depths[n]
		}
		list[i] = server.NewEndpoint(&status[i], depth, c.d.dispatcher.Origin(status[i].Name))
	}
	return list, nil
}

func (c *control) Endpoint(ctx context.Context, name string) (*server.Endpoint, error) {
	list, err := c.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(e server.Endpoint) bool { return e.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("endpoint %q: %w", name, store.ErrNotFound)
	}
	return &list[i], nil
}

func (c *control) ChangeEndpoint(ctx context.Context, name string, change server.EndpointChange) (*server.Endpoint, error) {
	var err error
	switch change {
	case server.Enable:
		if c.silent(name) {
			return nil, &server.Refusal{
				Reason: fmt.Sprintf("endpoint %q has enabled: false in the configuration, which wins; change it there", name),
			}
		}
		err = c.d.dispatcher.Enable(ctx, name)
	case server.Disable:
		err = c.d.dispatcher.Disable(ctx, name, "disabled by the operator")
	case server.Pause:
		err = c.d.dispatcher.Pause(ctx, name)
	case server.Resume:
		err = c.d.dispatcher.Resume(ctx, name)
	}
	if err != nil {
		return nil, notFound(err, notify.ErrUnknownEndpoint)
	}
	return c.Endpoint(ctx, name)
}

// silent says whether the configuration disables an endpoint.
func (c *control) silent(name string) bool {
	for i := range c.d.cfg.Endpoints {
		if e := &c.d.cfg.Endpoints[i]; e.Name == name {
			return !e.Enabled
		}
	}
	return false
}

func (c *control) TestEndpoint(ctx context.Context, name string) (*server.Test, error) {
	now := time.Now()
	ping := notify.Event{
		ID: "test_" + ulid.Make().String(), Type: notify.TypePing, Source: name, Time: now, Alert: true,
		Data: bridge.PingData(name, now),
	}
	attempt, err := c.d.dispatcher.Test(ctx, name, &ping)
	if err != nil {
		return nil, notFound(err, notify.ErrUnknownEndpoint)
	}
	return &server.Test{ID: ping.ID, Attempt: server.NewAttempt(&attempt)}, nil
}

func (c *control) Deliveries(ctx context.Context, q store.DeliveryQuery) (*server.DeliveryPage, error) {
	page, err := c.d.store.Deliveries(ctx, q)
	if err != nil {
		return nil, err
	}
	told := &server.DeliveryPage{Deliveries: make([]server.Delivery, len(page.Deliveries))}
	for i := range page.Deliveries {
		told.Deliveries[i] = server.NewDelivery(&page.Deliveries[i], nil)
	}
	if page.Next > 0 {
		told.Next = fmt.Sprint(page.Next)
	}
	return told, nil
}

func (c *control) Delivery(ctx context.Context, id int64) (*server.Delivery, error) {
	delivery, attempts, err := c.d.store.Delivery(ctx, id)
	if err != nil {
		return nil, err
	}
	told := server.NewDelivery(&delivery, attempts)
	return &told, nil
}

func (c *control) RetryDelivery(ctx context.Context, id int64) (*server.Delivery, error) {
	again, err := c.d.bridge.Retell(ctx, id)
	if errors.Is(err, bridge.ErrWaits) {
		return nil, c.stillWaits(ctx, id)
	}
	if err != nil {
		return nil, err
	}
	return c.Delivery(ctx, again.ID)
}

// stillWaits refuses to tell again what is not told yet.
func (c *control) stillWaits(ctx context.Context, id int64) error {
	delivery, err := c.Delivery(ctx, id)
	if err != nil {
		return err
	}
	due := ""
	if delivery.NotBefore != nil {
		due = ", which is due at " + delivery.NotBefore.Format(time.RFC3339)
	}
	return &server.Refusal{Reason: fmt.Sprintf(
		"event %s still waits for endpoint %q%s; where the endpoint is held back, enable or resume it", delivery.Event, delivery.Endpoint, due)}
}

func (c *control) StartReplay(ctx context.Context, q *server.ReplayRequest) (*server.Replay, error) {
	r := store.Replay{Endpoint: q.Endpoint, Source: q.Source, Dead: q.Dead}
	if q.Since != nil {
		r.Since = *q.Since
	}
	if q.Until != nil {
		r.Until = *q.Until
	}
	r, err := c.d.bridge.StartReplay(ctx, r)
	// All of these say what is wrong with what was asked.
	for _, bad := range []error{bridge.ErrNothingToReplay, bridge.ErrUnknownSource, notify.ErrUnknownEndpoint} {
		if errors.Is(err, bad) {
			return nil, &server.Refusal{Reason: err.Error()}
		}
	}
	if err != nil {
		return nil, err
	}
	told := server.NewReplay(&r)
	return &told, nil
}

func (c *control) Replay(ctx context.Context, id string) (*server.Replay, error) {
	r, err := c.d.bridge.Replay(ctx, id)
	if err != nil {
		return nil, err
	}
	told := server.NewReplay(&r)
	return &told, nil
}
