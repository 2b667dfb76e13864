package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

// shownDeliveries is how many deliveries a page shows.
const shownDeliveries = 50

// deliveriesView is what the page of deliveries shows.
type deliveriesView struct {
	Tabs []choice
	// State, Endpoint and Event choose.
	State, Endpoint, Event string
	Endpoints              []string
	Rows                   []deliveryRow
	Pager                  pager
	Empty                  emptyState
	// Back is the path of this page, where a button leads back to.
	Back string
}

// choice is a choice of a state.
type choice struct {
	Path, Text string
	Current    bool
}

// deliveryRow is a delivery as pages show it; template "delivery-row".
type deliveryRow struct {
	server.Delivery
	Badge badge
	// Headline is what it tells about.
	Headline string
	// Again is the word of the button that has it posted again.
	Again string
	// Held says why it is not posted though it may be due; empty where nothing holds
	// it back.
	Held string
}

// IsWaiting says whether it will be posted yet.
func (r deliveryRow) IsWaiting() bool { return r.State == notify.Waiting }

func newDeliveryRow(d *server.Delivery) deliveryRow {
	row := deliveryRow{Delivery: *d, Badge: deliveryBadge(d.State), Headline: headline(d.Subject, d.Source), Again: "Post again"}
	if row.IsWaiting() {
		row.Again = "Post now"
	}
	return row
}

// hold says of the rows that wait what holds their endpoints back. Those of an
// endpoint that is gone say nothing.
func hold(rows []deliveryRow, endpoints []server.Endpoint) {
	held := make(map[string]string)
	for i := range endpoints {
		e := &endpoints[i]
		switch b := endpointBadge(e); {
		case !e.Enabled, e.Paused:
			held[e.Name] = "the endpoint is " + b.Text
		case b.Tone == toneBad, b.Text == "held":
			held[e.Name] = "waits for the endpoint"
		}
	}
	for i := range rows {
		if rows[i].IsWaiting() {
			rows[i].Held = held[rows[i].Endpoint]
		}
	}
}

// deliveries lists deliveries, the newest first.
func (h *Handler) deliveries(r *http.Request) (*view, error) {
	query := r.URL.Query()
	v := &deliveriesView{State: query.Get("state"), Endpoint: query.Get("endpoint"), Event: query.Get("event"), Back: r.URL.RequestURI()}
	q := store.DeliveryQuery{State: notify.State(v.State), Endpoint: v.Endpoint, Event: v.Event, Limit: shownDeliveries}
	if after := query.Get("after"); after != "" {
		var err error
		if q.Before, err = strconv.ParseInt(after, 10, 64); err != nil {
			return nil, &server.Refusal{Status: http.StatusBadRequest, Reason: "There is no such page of deliveries."}
		}
	}
	page, err := h.opts.Controller.Deliveries(r.Context(), q)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	for i := range page.Deliveries {
		v.Rows = append(v.Rows, newDeliveryRow(&page.Deliveries[i]))
	}
	endpoints, err := h.opts.Controller.Endpoints(r.Context())
	if err != nil {
		return nil, fmt.Errorf("look at endpoints: %w", err)
	}
	for i := range endpoints {
		v.Endpoints = append(v.Endpoints, endpoints[i].Name)
	}
	hold(v.Rows, endpoints)
	v.Tabs = deliveryTabs(v)
	v.Pager = pager{Label: "Pages of deliveries", BeforeText: "Newest", AfterText: "Older"}
	if q.Before > 0 {
		v.Pager.Before = v.address(v.State, "")
	}
	if page.Next != "" {
		v.Pager.After = v.address(v.State, page.Next)
	}
	v.Empty = noDeliveries(v, page.Next != "")
	return &view{Title: "Deliveries", Page: v}, nil
}

// address is that of a page of a state.
func (v *deliveriesView) address(state, after string) string {
	return address("/deliveries", "state", state, "endpoint", v.Endpoint, "event", v.Event, "after", after)
}

func deliveryTabs(v *deliveriesView) []choice {
	states := []notify.State{"", notify.Waiting, notify.Dead, notify.Delivered, notify.Superseded}
	words := []string{"All", "Waiting", "Dead", "Delivered", "Superseded"}
	tabs := make([]choice, len(states))
	for i, state := range states {
		tabs[i] = choice{v.address(string(state), ""), words[i], v.State == string(state)}
	}
	return tabs
}

// noDeliveries says why no deliveries are shown.
func noDeliveries(v *deliveriesView, more bool) emptyState {
	switch {
	case more:
		return emptyState{"search", "None among the newest deliveries", "There are older ones: go on to look through those."}
	case v.State == string(notify.Waiting):
		return emptyState{"check", "Nothing waits", "Every delivery that was due has been made."}
	case v.State == string(notify.Dead):
		return emptyState{"check", "Nothing is dead", "No delivery has used up its attempts."}
	default:
		return emptyState{"deliveries", "No deliveries", "A change that is told to an endpoint makes one."}
	}
}

// delivery shows one delivery with its attempts.
func (h *Handler) delivery(r *http.Request) (*view, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("delivery %q: %w", r.PathValue("id"), store.ErrNotFound)
	}
	d, err := h.opts.Controller.Delivery(r.Context(), id)
	if err != nil {
		return nil, fmt.Errorf("read delivery: %w", err)
	}
	rows := []deliveryRow{newDeliveryRow(d)}
	if err := h.hold(r.Context(), rows); err != nil {
		return nil, err
	}
	return &view{Title: "Delivery " + strconv.FormatInt(id, 10), Page: &rows[0]}, nil
}

// hold asks for the endpoints of rows, and says what holds them back.
func (h *Handler) hold(ctx context.Context, rows []deliveryRow) error {
	if !slices.ContainsFunc(rows, deliveryRow.IsWaiting) {
		return nil
	}
	endpoints, err := h.opts.Controller.Endpoints(ctx)
	if err != nil {
		return fmt.Errorf("look at endpoints: %w", err)
	}
	hold(rows, endpoints)
	return nil
}

// retryDelivery has a delivery posted again.
func (h *Handler) retryDelivery(r *http.Request) (*done, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("delivery %q: %w", r.PathValue("id"), store.ErrNotFound)
	}
	d, err := h.opts.Controller.RetryDelivery(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if d.ID == id {
		return &done{Message: fmt.Sprintf("Delivery %d is posted to %s now.", id, d.Endpoint)}, nil
	}
	return &done{Message: fmt.Sprintf("The event is posted to %s again, as delivery %d.", d.Endpoint, d.ID)}, nil
}

// endpointPath is where an endpoint is shown.
func endpointPath(name string) string { return "/endpoints/" + url.PathEscape(name) }

// statusText shows a status code with its meaning, such as 404 Not Found.
func statusText(code int) string {
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}
