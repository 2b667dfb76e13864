package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// envelopeTime is RFC 3339 with milliseconds; times are brought to UTC first.
const envelopeTime = "2006-01-02T15:04:05.000Z07:00"

var (
	// errBody says of an event that no body can be made of it, so that it can
	// never be posted.
	errBody = errors.New("no body can be made")
	errData = errors.New("data is not a JSON object")
)

// Envelope returns the body that tells an event: a Standard Webhooks payload
// that is a structured CloudEvent too. The same event gives the same bytes each
// time, so that every attempt posts the same body. Where publicURL is set, data
// gets the event's URL below it as its last member, "url". An event whose ID
// begins with test_ is in no log and has none.
//
// The event's Data is copied as it is and must be valid JSON; only that it is
// an object is checked.
func Envelope(e *Event, publicURL string) ([]byte, error) {
	raw, err := object(e)
	if err != nil {
		return nil, err
	}
	return envelopeOf(e, raw, publicURL), nil
}

// object returns the data of an event, and an error where it is no object.
func object(e *Event) ([]byte, error) {
	raw := bytes.TrimSpace(e.Data)
	if len(raw) < 2 || raw[0] != '{' || raw[len(raw)-1] != '}' {
		return nil, fmt.Errorf("%w of %s: %w", errBody, e.ID, errData)
	}
	return raw, nil
}

// envelopeOf is the envelope of an event with a data object in place of its own.
func envelopeOf(e *Event, data []byte, publicURL string) []byte {
	dst := make([]byte, 0, len(data)+len(publicURL)+512)
	dst = append(dst, `{"specversion":"1.0","id":`...)
	dst = appendString(dst, e.ID)
	dst = append(dst, `,"source":`...)
	dst = appendString(dst, sourceURI(e))
	dst = append(dst, `,"type":`...)
	dst = appendString(dst, e.Type)
	// The CloudEvents SDK refuses a blank subject too; data has the key anyway.
	if strings.TrimSpace(e.Subject) != "" {
		dst = append(dst, `,"subject":`...)
		dst = appendString(dst, e.Subject)
	}
	// "time" is the CloudEvents name of it, "timestamp" the Standard Webhooks one.
	at := e.Time.UTC()
	dst = append(dst, `,"time":"`...)
	dst = at.AppendFormat(dst, envelopeTime)
	dst = append(dst, `","timestamp":"`...)
	dst = at.AppendFormat(dst, envelopeTime)
	dst = append(dst, `","datacontenttype":"application/json"`...)
	if !e.Alert {
		dst = fmt.Appendf(dst, `,"sequence":"%020d"`, e.Sequence)
	}
	dst = append(dst, `,"data":`...)
	dst = appendData(dst, data, eventURL(e.ID, publicURL))
	return append(dst, '}')
}

// sourceURI names where an event comes from: a source, or the endpoint that an
// alert is about.
func sourceURI(e *Event) string {
	if e.Alert && (strings.HasPrefix(e.Type, "pollwire.endpoint.") || e.Type == TypePing) {
		return "/endpoints/" + url.PathEscape(e.Source)
	}
	return "/sources/" + url.PathEscape(e.Source)
}

// appendData appends the data object, with the event's URL as a further member
// where it has one.
func appendData(dst, data []byte, link string) []byte {
	if link == "" {
		return append(dst, data...)
	}
	members := bytes.TrimRight(data[:len(data)-1], " \t\r\n")
	dst = append(dst, members...)
	if len(members) > 1 {
		dst = append(dst, ',')
	}
	dst = append(dst, `"url":`...)
	dst = appendString(dst, link)
	return append(dst, '}')
}

// testPrefix begins the IDs of events that have not happened.
const testPrefix = "test_"

// eventURL is where all of an event can be read; empty where that is nowhere.
func eventURL(id, publicURL string) string {
	if publicURL == "" || strings.HasPrefix(id, testPrefix) {
		return ""
	}
	return strings.TrimRight(publicURL, "/") + "/v1/events/" + url.PathEscape(id)
}

// appendString appends a string as JSON. Nearly all strings here are plain and
// are copied.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendQuoted(dst, s)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// appendQuoted appends a string that needs escapes, or may.
func appendQuoted(dst []byte, s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	// Nobody pastes a webhook into HTML; <, > and & stay readable.
	enc.SetEscapeHTML(false)
	// A string always encodes; what is no UTF-8 becomes U+FFFD.
	_ = enc.Encode(s)
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
