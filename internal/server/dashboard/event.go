package dashboard

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/pollwire/pollwire/internal/server"
	"github.com/pollwire/pollwire/notify"
)

// eventBytes is of how many bytes of data a page of the log takes no further event.
const eventBytes = 4 << 20

// shownChanges is how many changed members a line names.
const shownChanges = 3

// event is one line of the log, as pages show it; template "event-line".
type event struct {
	ID, Type string
	// Headline is what it is about: the key of an item, or the source.
	Headline string
	// Detail says what changed, or why it was told.
	Detail string
	// Change is created, updated or deleted; empty for an alert.
	Change string
	// Source is what it comes from.
	Source about
	Time   time.Time
	// Envelope is the whole of it.
	Envelope json.RawMessage
}

// about is a source or an endpoint that an event comes from.
type about struct {
	Name, Path string
}

// Path is where the event is shown.
func (e event) Path() string { return "/events/" + e.ID }

// Diff shows what changed; nil where that is not done among other events.
func (e event) Diff() *diffView {
	return smallDiff(e.Envelope)
}

// newEvent reads an envelope.
func newEvent(envelope json.RawMessage) (event, error) {
	read, err := notify.ParseEnvelope(envelope)
	if err != nil {
		return event{}, err
	}
	var data struct {
		Change  string   `json:"change"`
		Changed []string `json:"changed"`
		Reason  string   `json:"reason"`
	}
	if err := json.Unmarshal(read.Data, &data); err != nil {
		return event{}, fmt.Errorf("read data of %s: %w", read.ID, err)
	}
	e := event{
		ID: read.ID, Type: read.Type, Headline: headline(read.Subject, read.Source), Detail: data.Reason, Change: data.Change,
		Source: about{read.Source, "/sources/" + read.Source}, Time: read.Time, Envelope: envelope,
	}
	if strings.HasPrefix(read.Type, "pollwire.endpoint.") {
		e.Source.Path = "/endpoints/" + read.Source
	}
	if data.Change == "updated" {
		e.Detail = changedMembers(data.Changed)
	}
	return e, nil
}

// changedMembers names the first members that changed.
func changedMembers(pointers []string) string {
	var names []string
	for _, pointer := range pointers[:min(len(pointers), shownChanges)] {
		name := strings.NewReplacer("~1", "/", "~0", "~").Replace(strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", "."))
		if name == "" {
			name = "the whole"
		}
		names = append(names, legible(name))
	}
	text := strings.Join(names, ", ")
	if more := len(pointers) - shownChanges; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// newestFirst are the events of a page of the log that can be read, the newest
// first.
func newestFirst(page *server.EventPage, log *slog.Logger) []event {
	events := make([]event, 0, len(page.Events))
	for _, logged := range slices.Backward(page.Events) {
		e, err := newEvent(logged.Envelope)
		if err != nil {
			log.Warn("event of the log cannot be shown", "err", err)
			continue
		}
		events = append(events, e)
	}
	return events
}
