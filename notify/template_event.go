package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// templateEvent is an event as a template sees it.
type templateEvent struct {
	fields map[string]any
	// story puts the event in words when a template asks for it.
	story func() (*story, error)
}

// field is one of fields, or a part of the story.
func (e *templateEvent) field(name string) (any, error) {
	if v, ok := e.fields[name]; ok {
		return v, nil
	}
	switch name {
	case "Title", "Text", "Link":
	default:
		return nil, fmt.Errorf("an event has no .%s; it has %s", name, e.names())
	}
	s, err := e.story()
	switch {
	case err != nil:
		return nil, err
	case name == "Title":
		return s.title, nil
	case name == "Text":
		return s.plain(), nil
	}
	return s.link, nil
}

// newTemplateEvent decodes an event. Numbers stay the texts that they are.
func newTemplateEvent(e *Event, publicURL string) (*templateEvent, error) {
	raw, err := object(e)
	if err != nil {
		return nil, err
	}
	var decoded map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&decoded); err != nil {
		return nil, fmt.Errorf("%w of %s: decode data: %w", errBody, e.ID, err)
	}
	fields := map[string]any{
		"ID": e.ID, "Type": e.Type, "Source": e.Source, "Subject": e.Subject, "Time": e.Time.UTC(),
		"Sequence": json.Number(strconv.FormatInt(e.Sequence, 10)), "Alert": e.Alert, "URL": eventURL(e.ID, publicURL),
		"Data": decoded, "Change": decoded["change"], "Key": decoded["key"], "Before": decoded["before"],
		"After": decoded["after"], "Changed": decoded["changed"], "Patch": decoded["patch"], "Item": decoded["after"],
	}
	if fields["Item"] == nil {
		fields["Item"] = decoded["before"]
	}
	inWords := sync.OnceValues(func() (*story, error) { return tell(e, publicURL) })
	return &templateEvent{fields: fields, story: inWords}, nil
}

// names are the fields that there are, for a message.
func (e *templateEvent) names() string {
	return ".ID, .Type, .Source, .Subject, .Time, .Sequence, .Alert, .Title, .Text, .Link, .URL, .Data, .Change, .Key, .Before, .After, .Item, .Changed, .Patch"
}

// anything stands for a value that a sample event does not have but a real one
// may: it is a number, a text, a list of itself and has every member.
type anything []any

func newAnything() anything { return anything{anything{nil}} }

// String is what it looks like: valid where a number, a text or any value of
// JSON is.
func (anything) String() string { return "1" }

// MarshalJSON implements json.Marshaler.
func (anything) MarshalJSON() ([]byte, error) { return []byte("1"), nil }

// sampleEvents are one of each kind that a template must cope with.
func sampleEvents() []Event {
	change := func(kind, before, after string) Event {
		return Event{
			ID: "evt_01JABCDEF0123456789ABCDEFG", Type: "shop.order." + kind, Source: "orders", Subject: "1042",
			Time: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), Sequence: 42,
			Data: []byte(`{"change":"` + kind + `","key":"1042","before":` + before + `,"after":` + after +
				`,"changed":["/status"],"patch":[{"op":"replace","path":"/status","value":"paid"}],"hash":"0","previous_hash":"0"}`),
		}
	}
	const before, after = `{"id":1042,"name":"A \"sample\"","status":"open"}`, `{"id":1042,"name":"A \"sample\"","status":"paid"}`
	alert := Event{
		ID: "evt_01JABCDEF0123456789ABCDEFH", Type: "pollwire.source.failing", Source: "orders", Alert: true,
		Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Data: []byte(`{"name":"orders","reason":"answered 503: \"sample\"","since":"2026-01-02T03:00:00Z","count":5}`),
	}
	return []Event{change("created", "null", after), change("updated", before, after), change("deleted", before, "null"), alert}
}

// try carries the template out on sample events: with all that it looks for,
// and with nothing that they do not have, where its numbers need not be there,
// so that what it makes need be no JSON.
func (t *Template) try() error {
	for i, sample := range append(sampleEvents(), sampleEvents()...) {
		view, err := newTemplateEvent(&sample, "https://pollwire.example.com")
		if err != nil {
			return err
		}
		whole := i < len(sampleEvents())
		if whole {
			complete(view.fields)
		}
		body, err := t.render(view, 0)
		if err == nil && whole && t.isJSON() {
			err = checkJSON(body)
		}
		if err != nil {
			kind := strings.TrimPrefix(sample.Type, "shop.order.")
			return fmt.Errorf("tried on a sample event (%s): %w", kind, err)
		}
	}
	return nil
}

// complete lets the objects of a sample have every member.
func complete(fields map[string]any) {
	for name, v := range fields {
		switch v := v.(type) {
		case map[string]any:
			complete(v)
			v[everyMember] = newAnything()
		case nil:
			if name == "Before" || name == "After" || name == "before" || name == "after" {
				continue // of what was created or deleted
			}
			fields[name] = newAnything()
		}
	}
}

// everyMember names the member of a sample's object that stands for those that
// it does not have. No member of an answer can have this name: it is no UTF-8.
const everyMember = "\xff"
