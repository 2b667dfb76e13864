package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/internal/store"
	"github.com/pollwire/pollwire/notify"
)

const (
	// shownTold is how many deliveries of an event are shown with their attempts.
	shownTold = 20
	// shownPayload is how many bytes of a payload are shown.
	shownPayload = 64 << 10
	// shownPointers is how many changed members are named above a diff.
	shownPointers = 12
)

// eventView is what the page of one event shows.
type eventView struct {
	event
	Sequence     int64
	Alert        *alertFacts
	Diff         *diffView
	Changed      []string
	MoreChanged  int
	Hash         string
	PreviousHash string
	// Siblings is where all events of its item are; empty of a document or an alert.
	Siblings string
	// Reason says why an item counts as deleted; empty for the usual one.
	Reason     string
	Deliveries []deliveryRow
	// MoreDeliveries is where the deliveries are that are not shown.
	MoreDeliveries string
	Payload        string
	// Left is how many bytes of the payload are not shown.
	Left int64
}

// alertFacts is what an alert tells.
type alertFacts struct {
	Name   string    `json:"name"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	Count  int       `json:"count"`
}

// event shows one event, what changed, and who was told.
func (h *Handler) event(r *http.Request) (*view, error) {
	id := r.PathValue("id")
	envelope, err := h.opts.Controller.Event(r.Context(), id)
	if err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	v, err := newEventView(envelope)
	if err != nil {
		return nil, err
	}
	page, err := h.opts.Controller.Deliveries(r.Context(), store.DeliveryQuery{Event: id, Limit: shownTold})
	if err != nil {
		return nil, fmt.Errorf("read deliveries of the event: %w", err)
	}
	if v.Deliveries, err = h.withAttempts(r.Context(), page.Deliveries); err != nil {
		return nil, err
	}
	if page.Next != "" {
		v.MoreDeliveries = address("/deliveries", "event", id)
	}
	return &view{Title: v.Headline, Page: v}, nil
}

// newEventView reads an envelope.
func newEventView(envelope json.RawMessage) (*eventView, error) {
	line, err := newEvent(envelope)
	if err != nil {
		return nil, err
	}
	read, err := notify.ParseEnvelope(envelope)
	if err != nil {
		return nil, err
	}
	v := &eventView{event: line, Sequence: read.Sequence}
	v.Payload, v.Left = payload(envelope)
	if read.Alert {
		v.Alert = &alertFacts{}
		if err := json.Unmarshal(read.Data, v.Alert); err != nil {
			return nil, fmt.Errorf("read data of %s: %w", read.ID, err)
		}
		return v, nil
	}
	var data changeData
	if err := json.Unmarshal(read.Data, &data); err != nil {
		return nil, fmt.Errorf("read data of %s: %w", read.ID, err)
	}
	diff := newDiffView(&data)
	v.Diff, v.Reason = &diff, data.Reason
	if read.Subject != "" {
		v.Siblings = address("/events", "source", read.Source, "key", read.Subject)
	}
	if data.Change == "updated" {
		for _, pointer := range data.Changed[:min(len(data.Changed), shownPointers)] {
			v.Changed = append(v.Changed, legible(pointer))
		}
		v.MoreChanged = len(data.Changed) - len(v.Changed)
	}
	if data.Hash != nil {
		v.Hash = *data.Hash
	}
	if data.PreviousHash != nil {
		v.PreviousHash = *data.PreviousHash
	}
	return v, nil
}

// payload is an envelope as people read it, and how many bytes of it are left out.
func payload(envelope json.RawMessage) (text string, left int64) {
	var indented bytes.Buffer
	if err := json.Indent(&indented, envelope, "", "  "); err != nil {
		return string(envelope), 0 // It was read as JSON before.
	}
	text = cutBytes(indented.String(), shownPayload)
	return legible(text), int64(indented.Len() - len(text))
}

// withAttempts asks for the attempts of deliveries. One that retention removes
// meanwhile is left as it is.
func (h *Handler) withAttempts(ctx context.Context, list []server.Delivery) ([]deliveryRow, error) {
	rows := make([]deliveryRow, 0, len(list))
	for i := range list {
		d, err := h.opts.Controller.Delivery(ctx, list[i].ID)
		if err != nil {
			return nil, fmt.Errorf("read attempts of a delivery: %w", err)
		}
		rows = append(rows, newDeliveryRow(d))
	}
	return rows, h.hold(ctx, rows)
}
