package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
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
	attempts, err := c.d.attempts.read(ctx, c.d.store)
	if err != nil {
		return nil, err
	}
	standings, err := c.standings(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]server.Endpoint, len(standings))
	for i := range standings {
		s := &standings[i]
		var depth store.Depth
		if n := slices.IndexFunc(depths, func(d store.Depth) bool { return d.Endpoint == s.Name }); n >= 0 {
			depth = depths[n]
		}
		list[i] = server.NewEndpoint(&s.EndpointStatus, depth, c.d.dispatcher.Origin(s.Name))
		list[i].Attempts, list[i].Node, list[i].Saved = attemptsOf(attempts, s.Name), s.node, s.saved
	}
	return list, nil
}

func (c *control) Endpoint(ctx context.Context, name string) (*server.Endpoint, error) {
	if c.hasEndpoint(name) {
		answer, done, err := there[server.Endpoint](ctx, c, store.EndpointResource(name), errand{
			method: http.MethodGet, path: []string{"v1", "endpoints", name},
		})
		if done && err == nil {
			return answer, nil
		}
		if err != nil && (!unknown(err) || isRelayed(ctx)) {
			return nil, err
		}
	}
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
	if change == server.Enable && c.silent(name) {
		return nil, &server.Refusal{
			Reason: fmt.Sprintf("endpoint %q has enabled: false in the configuration, which wins; change it there", name),
		}
	}
	if c.hasEndpoint(name) {
		answer, done, err := there[server.Endpoint](ctx, c, store.EndpointResource(name), errand{
			method: http.MethodPost, path: []string{"v1", "endpoints", name, string(change)},
		})
		if done {
			return answer, err
		}
	}
	var err error
	switch change {
	case server.Enable:
		err = c.d.dispatcher.Enable(ctx, name)
	case server.Disable:
		err = c.d.dispatcher.Disable(ctx, name, "disabled by the operator")
	case server.Pause:
		err = c.d.dispatcher.Pause(ctx, name)
	case server.Resume:
		err = c.d.dispatcher.Resume(ctx, name)
	}
	if err != nil {
		return nil, moved(notFound(err, notify.ErrUnknownEndpoint))
	}
	return c.Endpoint(ctx, name)
}

// silent says whether the configuration disables an endpoint.
func (c *control) silent(name string) bool {
	e := c.d.setup.Load().configured.endpoint(name)
	return e != nil && !e.Enabled
}

func (c *control) TestEndpoint(ctx context.Context, name string) (*server.Test, error) {
	if c.hasEndpoint(name) {
		answer, done, err := there[server.Test](ctx, c, store.EndpointResource(name), errand{
			method: http.MethodPost, path: []string{"v1", "endpoints", name, "test"}, patience: askTimeout,
		})
		if done {
			return answer, err
		}
	}
	now := time.Now()
	ping := notify.Event{
		ID: "test_" + ulid.Make().String(), Type: notify.TypePing, Source: name, Time: now, Alert: true,
		Data: bridge.PingData(name, now),
	}
	attempt, err := c.d.dispatcher.Test(ctx, name, &ping)
	if err != nil {
		return nil, moved(notFound(err, notify.ErrUnknownEndpoint))
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
	if told.State == notify.Waiting {
		reasons, err := c.heldBack(ctx, told.Endpoint)
		if err != nil {
			return nil, err
		}
		told.Held = strings.Join(reasons, "; ")
	}
	return &told, nil
}

// RetryDelivery makes what waits due now, and tells what has ended again.
func (c *control) RetryDelivery(ctx context.Context, id int64) (*server.Delivery, error) {
	delivery, err := c.Delivery(ctx, id)
	if err != nil {
		return nil, err
	}
	if !c.hasEndpoint(delivery.Endpoint) {
		return nil, &server.Refusal{Reason: fmt.Sprintf(
			"there is no endpoint %q any more, so delivery %d cannot be told: bring the endpoint back, or replay its event to another one",
			delivery.Endpoint, id)}
	}
	again, done, err := there[server.Delivery](ctx, c, store.EndpointResource(delivery.Endpoint), errand{
		method: http.MethodPost, path: []string{"v1", "deliveries", strconv.FormatInt(id, 10), "retry"},
	})
	if done {
		return again, err
	}
	if delivery.State == notify.Waiting {
		err = c.d.dispatcher.Retry(ctx, delivery.Endpoint, id)
		if err == nil {
			return c.Delivery(ctx, id)
		}
		if !errors.Is(err, notify.ErrNotWaiting) {
			return nil, retryRefused(err)
		}
		// It has ended just now.
	}
	retold, err := c.d.bridge.Retell(ctx, id)
	if errors.Is(err, bridge.ErrWaits) {
		return nil, &server.Refusal{Reason: fmt.Sprintf(
			"another delivery of event %s waits for endpoint %q: retry that one", delivery.Event, delivery.Endpoint)}
	}
	if errors.Is(err, notify.ErrUnknownEndpoint) {
		return nil, &server.Refusal{Reason: err.Error() + " any more, so that there is nobody to tell"}
	}
	if err != nil {
		return nil, moved(err)
	}
	return c.Delivery(ctx, retold.ID)
}

// retryRefused says why a waiting delivery cannot be made due.
func retryRefused(err error) error {
	if behind, ok := errors.AsType[*notify.BehindError](err); ok {
		return &server.Refusal{Reason: behind.Error()}
	}
	if errors.Is(err, notify.ErrUnknownEndpoint) || errors.Is(err, notify.ErrNotRunning) {
		return &server.Refusal{Status: http.StatusServiceUnavailable, Reason: "deliveries are being started or stopped: try again in a moment"}
	}
	return moved(err)
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
	if err != nil {
		return nil, replayRefused(q, err)
	}
	if err := c.d.stir(ctx); err != nil {
		return nil, err
	}
	return c.tellReplay(ctx, &r)
}

// replayRefused says what is wrong with what was asked, where that is it.
func replayRefused(q *server.ReplayRequest, err error) error {
	var reason string
	switch {
	case errors.Is(err, notify.ErrUnknownEndpoint):
		reason = fmt.Sprintf("there is no endpoint %q: GET /v1/endpoints lists them, as 'pollwire endpoints' does", q.Endpoint)
	case errors.Is(err, bridge.ErrUnknownSource):
		reason = fmt.Sprintf("there is no source %q, in the configuration or in the log", q.Source)
	case errors.Is(err, bridge.ErrNothingToReplay):
		reason = err.Error()
	default:
		return err
	}
	return &server.Refusal{Status: http.StatusUnprocessableEntity, Reason: reason}
}

func (c *control) Replay(ctx context.Context, id string) (*server.Replay, error) {
	r, err := c.d.bridge.Replay(ctx, id)
	if err != nil {
		return nil, err
	}
	return c.tellReplay(ctx, &r)
}
