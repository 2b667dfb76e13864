package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// endpointsView is what the page of endpoints shows.
type endpointsView struct {
	Rows []endpointRow
}

// endpointRow is an endpoint as pages show it.
type endpointRow struct {
	server.Endpoint
	Badge badge
	// Why says why it is not posted to, or not well; empty where it is.
	Why string
	// Until is when it will be posted to again by itself; nil where it is, or where
	// somebody has to do something.
	Until *time.Time
}

func newEndpointRow(e *server.Endpoint) endpointRow {
	row := endpointRow{Endpoint: *e, Badge: endpointBadge(e)}
	if row.Badge.Tone != toneOK {
		row.Why = endpointReason(e)
	}
	switch {
	case !e.Enabled || e.Paused:
	case e.OpenUntil != nil && e.OpenUntil.After(time.Now()):
		row.Until = e.OpenUntil
	case e.PausedUntil != nil && e.PausedUntil.After(time.Now()):
		row.Until = e.PausedUntil
	}
	return row
}

// Path is where it is shown.
func (r endpointRow) Path() string { return endpointPath(r.Name) }

// endpoints lists the endpoints.
func (h *Handler) endpoints(r *http.Request) (*view, error) {
	list, err := h.opts.Controller.Endpoints(r.Context())
	if err != nil {
		return nil, fmt.Errorf("look at endpoints: %w", err)
	}
	v := &endpointsView{}
	for i := range list {
		v.Rows = append(v.Rows, newEndpointRow(&list[i]))
	}
	return &view{Title: "Endpoints", Page: v}, nil
}

// shownOfEndpoint is how many deliveries the page of an endpoint shows.
const shownOfEndpoint = 15

// endpointView is what the page of one endpoint shows.
type endpointView struct {
	endpointRow
	// Replay is the one that is looked at; nil for none.
	Replay *server.Replay
	Rows   []deliveryRow
	// More is where its other deliveries are. Further says that there may be some.
	More    string
	Further bool
	Back    string
}

// endpoint shows one endpoint.
func (h *Handler) endpoint(r *http.Request) (*view, error) {
	ctx, name := r.Context(), r.PathValue("name")
	e, err := h.opts.Controller.Endpoint(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("look at endpoint: %w", err)
	}
	v := &endpointView{endpointRow: newEndpointRow(e), More: address("/deliveries", "endpoint", name), Back: endpointPath(name)}
	// Of an endpoint that is told little, none may be among the newest deliveries of
	// all, which is where the first look goes.
	for i, state := range []notify.State{"", notify.Waiting, notify.Dead} {
		page, err := h.opts.Controller.Deliveries(ctx, store.DeliveryQuery{Endpoint: name, State: state, Limit: shownOfEndpoint})
		if err != nil {
			return nil, fmt.Errorf("read deliveries of the endpoint: %w", err)
		}
		for j := range page.Deliveries {
			v.Rows = append(v.Rows, newDeliveryRow(&page.Deliveries[j]))
		}
		if i == 0 {
			v.Further = page.Next != ""
		}
		if len(v.Rows) > 0 || !v.Further {
			break
		}
	}
	hold(v.Rows, []server.Endpoint{*e})
	if id := r.URL.Query().Get("replay"); id != "" {
		// One that retention has removed since is of no interest any more.
		if v.Replay, err = h.opts.Controller.Replay(ctx, id); err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("look at replay: %w", err)
		}
	}
	return &view{Title: name, Page: v}, nil
}

// changeEndpoint makes a change of an endpoint.
func (h *Handler) changeEndpoint(r *http.Request) (*done, error) {
	name, change := r.PathValue("name"), server.EndpointChange(r.PathValue("change"))
	words, ok := map[server.EndpointChange]string{
		server.Enable: "is enabled", server.Disable: "is disabled: its deliveries wait until it is enabled again",
		server.Pause: "is paused: its deliveries wait until it is resumed", server.Resume: "goes on",
	}[change]
	if !ok {
		return nil, fmt.Errorf("change %q: %w", change, store.ErrNotFound)
	}
	if _, err := h.opts.Controller.ChangeEndpoint(r.Context(), name, change); err != nil {
		return nil, err
	}
	return &done{Message: fmt.Sprintf("Endpoint %s %s.", name, words)}, nil
}

// testEndpoint posts a ping to an endpoint.
func (h *Handler) testEndpoint(r *http.Request) (*done, error) {
	name := r.PathValue("name")
	test, err := h.opts.Controller.TestEndpoint(r.Context(), name)
	if err != nil {
		return nil, err
	}
	a := &test.Attempt
	if a.Error != "" {
		return &done{Message: fmt.Sprintf("The test of %s failed after %s: %s", name, milliseconds(a.DurationMS), a.Error), Bad: true}, nil
	}
	return &done{Message: fmt.Sprintf("Endpoint %s took the test: it answered %d in %s.", name, a.Status, milliseconds(a.DurationMS))}, nil
}

// formTime is how browsers send the value of an input of a date and a time.
const formTime = "2006-01-02T15:04"

// replayEndpoint begins a replay to an endpoint.
func (h *Handler) replayEndpoint(r *http.Request) (*done, error) {
	name := r.PathValue("name")
	q := &server.ReplayRequest{Endpoint: name, Source: r.PostFormValue("source")}
	switch what := r.PostFormValue("what"); what {
	case "dead":
		q.Dead = true
	case "", "all":
	default:
		span, err := time.ParseDuration(what)
		if err != nil || span <= 0 {
			return nil, &server.Refusal{Reason: "There is no such span of time to replay."}
		}
		since := time.Now().Add(-span).UTC()
		q.Since = &since
	}
	for field, bound := range map[string]**time.Time{"since": &q.Since, "until": &q.Until} {
		value := r.PostFormValue(field)
		if value == "" {
			continue
		}
		at, err := time.ParseInLocation(formTime, value[:min(len(value), len(formTime))], time.UTC)
		if err != nil {
			return nil, &server.Refusal{Reason: fmt.Sprintf("%.40q is no time: it must look like 2026-01-02T15:04, in UTC.", value)}
		}
		*bound = &at
	}
	replay, err := h.opts.Controller.StartReplay(r.Context(), q)
	if err != nil {
		return nil, err
	}
	return &done{Message: "The replay has begun.", To: address(endpointPath(name), "replay", replay.ID)}, nil
}
