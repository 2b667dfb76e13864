package notify

import (
	"fmt"
	"strings"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// The content types of what is posted.
const (
	jsonType       = "application/json"
	cloudEventType = "application/cloudevents+json; charset=utf-8"
	cloudBatchType = "application/cloudevents-batch+json"
)

// Render makes what an endpoint is posted of an event. The same event gives the
// same bytes each time, so that every attempt posts the same body. Where
// publicURL is set, the event is linked to below it.
//
// An error says that no body can be made of this event for this endpoint, now
// or later, and why.
func Render(e *Endpoint, ev *Event, publicURL string) ([]byte, error) {
	switch e.Format {
	case FormatTemplate:
		return renderTemplate(e, ev, publicURL)
	case FormatSlack:
		return renderChat(e, ev, publicURL, slackMessage, maxSlackBytes)
	case FormatDiscord:
		return renderChat(e, ev, publicURL, discordMessage, maxDiscordBytes)
	case FormatTeams:
		return renderChat(e, ev, publicURL, teamsMessage, maxTeamsBytes)
	case FormatStandard, FormatCloudEvents:
	}
	return renderEnvelope(e, ev, publicURL)
}

// NewMessage makes the first post of an event to an endpoint by itself: where the
// endpoint is told several at once, it is a batch of one, under the event's ID.
func NewMessage(e *Endpoint, ev *Event, publicURL string) (Message, error) {
	body, err := Render(e, ev, publicURL)
	if err != nil {
		return Message{}, err
	}
	batch := e.Batch.batches()
	if batch {
		body = RenderBatch(e, [][]byte{body})
	}
	return Message{ID: ev.ID, ContentType: e.ContentType(batch), Body: body, Number: 1}, nil
}

// RenderBatch makes one body of those of several events: an array of them.
func RenderBatch(_ *Endpoint, bodies [][]byte) []byte {
	size := len(bodies) + 1
	for _, b := range bodies {
		size += len(b)
	}
	dst := make([]byte, 0, size)
	dst = append(dst, '[')
	for i, b := range bodies {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, b...)
	}
	return append(dst, ']')
}

// ContentType is the content type of what an endpoint is posted: of the body of
// one event, or of a batch.
func (e *Endpoint) ContentType(batch bool) string {
	switch {
	case e.Format == FormatCloudEvents && batch:
		return cloudBatchType
	case e.Format == FormatCloudEvents:
		return cloudEventType
	case e.Format == FormatTemplate && e.Template != nil:
		return e.Template.contentType()
	}
	return jsonType
}

// manner is all of an endpoint that decides what it is posted. Endpoints that
// have the same are posted the same bodies.
type manner struct {
	// format is empty for envelopes, which both formats have alike.
	format  Format
	thin    bool
	fields  string
	maxBody int64
	// template is its body, json whether that has to be JSON.
	template string
	json     bool
}

func (e *Endpoint) manner() manner {
	m := manner{maxBody: e.MaxBody}
	switch e.Format {
	case FormatTemplate:
		m.format = e.Format
		if e.Template != nil {
			m.template, m.json = e.Template.Body, e.Template.isJSON()
		}
	case FormatSlack, FormatDiscord, FormatTeams:
		m.format = e.Format
	default:
		m.thin, m.fields = e.Payload.Thin, strings.Join(e.Payload.Fields, "\n")
	}
	return m
}

// renderTemplate carries out the template of the endpoint.
func renderTemplate(e *Endpoint, ev *Event, publicURL string) ([]byte, error) {
	if e.Template == nil {
		return nil, fmt.Errorf("%w of %s: the endpoint has no template", errBody, ev.ID)
	}
	view, err := newTemplateEvent(ev, publicURL)
	if err != nil {
		return nil, err
	}
	body, err := e.Template.render(view, e.MaxBody)
	if err == nil && e.Template.isJSON() {
		err = checkJSON(body)
	}
	if err != nil {
		// It may quote the template.
		return nil, fmt.Errorf("%w of %s: %w", errBody, ev.ID, httpclient.NewRedactor(e.Mask...).Error(err))
	}
	return body, nil
}

// renderEnvelope makes the envelope with as much of the data as the endpoint
// wants and takes.
func renderEnvelope(e *Endpoint, ev *Event, publicURL string) ([]byte, error) {
	raw, err := object(ev)
	if err != nil {
		return nil, err
	}
	var d *data
	if !e.Payload.isFull() && !ev.Alert {
		d = e.Payload.of(raw)
		raw = d.append(nil)
	}
	body := envelopeOf(ev, raw, publicURL)
	if e.fits(body) {
		return body, nil
	}
	if d == nil {
		d = readData(raw)
	}
	for d.shrink() {
		if body = envelopeOf(ev, d.append(nil), publicURL); e.fits(body) {
			return body, nil
		}
	}
	return nil, fmt.Errorf("%w of %s: without all that can be left out it still has %d bytes, and max_body allows %d", errBody, ev.ID, len(body), e.MaxBody)
}

func (e *Endpoint) fits(body []byte) bool { return e.MaxBody <= 0 || int64(len(body)) <= e.MaxBody }
