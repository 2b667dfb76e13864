package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"
)

// fields is a JSON object of a message. Its members are written in the order of
// their names, so that the same message has the same bytes.
type fields map[string]any

// renderChat makes the message of a chat service of an event: as much of the
// story as the service and the endpoint take.
func renderChat(e *Endpoint, ev *Event, publicURL string, message func(*story) fields, most int64) ([]byte, error) {
	s, err := tell(ev, publicURL)
	if err != nil {
		return nil, err
	}
	if e.MaxBody > 0 && e.MaxBody < most {
		most = e.MaxBody
	}
	for {
		body, err := encodeMessage(message(s))
		if err != nil {
			return nil, fmt.Errorf("%w of %s: encode message: %w", errBody, ev.ID, err)
		}
		if int64(len(body)) <= most {
			return body, nil
		}
		if !s.shrink() {
			return nil, fmt.Errorf("%w of %s: the shortest message still has %d bytes, and %d are allowed (max_body)", errBody, ev.ID, len(body), most)
		}
	}
}

func encodeMessage(message fields) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	// What is told stays readable; no chat service puts a body into HTML.
	enc.SetEscapeHTML(false)
	if err := enc.Encode(message); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// units counts a text as chat services do, in UTF-16 code units.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// escapedTo escapes a text, cut so that it has so many units at most.
func escapedTo(s string, most int, escape func(string) string) string {
	for keep := most; ; keep = keep * 3 / 4 {
		if escaped := escape(shorten(s, max(keep, 1))); units(escaped) <= most || keep <= 1 {
			return escaped
		}
	}
}
