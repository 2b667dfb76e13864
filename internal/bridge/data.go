package bridge

import (
	"bytes"
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/pollwire/pollwire/diff"
)

// alertData is the "data" member of an alert's envelope.
type alertData struct {
	Name   string    `json:"name"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	Count  int       `json:"count"`
}

func (d alertData) json() json.RawMessage {
	d.Since = d.Since.UTC().Truncate(time.Millisecond)
	return quote(d)
}

// PingData is the data of a pollwire.ping to an endpoint.
func PingData(endpoint string, at time.Time) json.RawMessage {
	return alertData{Name: endpoint, Reason: "a test that somebody asked for", Since: at, Count: 1}.json()
}

// changeData makes the "data" member of a change's envelope. The values are
// spliced in as they came: encoding/json would rewrite them.
func changeData(c *diff.Change, item bool) json.RawMessage {
	buf := make([]byte, 0, 256+len(c.Before)+len(c.After)+len(c.Unified))
	buf = append(buf, `{"change":`...)
	buf = append(buf, quote(c.Kind)...)
	buf = append(buf, `,"key":`...)
	if item {
		buf = append(buf, quote(c.Key)...)
	} else {
		buf = append(buf, "null"...)
	}
	buf = append(buf, `,"before":`...)
	buf = appendValue(buf, c.Before)
	buf = append(buf, `,"after":`...)
	buf = appendValue(buf, c.After)
	buf = append(buf, `,"changed":[`...)
	for i, pointer := range c.Changed() {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = appendPointer(buf, pointer)
	}
	buf = append(buf, `],"patch":`...)
	buf = appendPatch(buf, c)
	buf = append(buf, `,"hash":`...)
	buf = appendHash(buf, c.Hash())
	buf = append(buf, `,"previous_hash":`...)
	buf = appendHash(buf, c.PreviousHash())
	if c.Filtered {
		buf = append(buf, `,"reason":"filtered"`...)
	}
	return append(buf, '}')
}

// appendPatch appends what turns Before into After: operations, the unified
// diff of a text, or null where one of them is missing. Only a text has an
// update without operations.
func appendPatch(buf []byte, c *diff.Change) []byte {
	switch {
	case c.Kind != diff.Updated:
		return append(buf, "null"...)
	case len(c.Patch) == 0:
		return append(buf, quote(c.Unified)...)
	}
	return diff.AppendPatch(buf, c.Patch)
}

// appendPointer appends a JSON pointer, just as the patch has it. Half of a
// surrogate pair in a name, which is no UTF-8, stays an escape there.
func appendPointer(buf []byte, pointer string) []byte {
	if utf8.ValidString(pointer) {
		return append(buf, quote(pointer)...)
	}
	const head, tail = `[{"op":"remove","path":`, `}]`
	patch := diff.AppendPatch(nil, []diff.Operation{{Op: "remove", Path: pointer}})
	return append(buf, patch[len(head):len(patch)-len(tail)]...)
}

func appendValue(buf []byte, value json.RawMessage) []byte {
	if value == nil {
		return append(buf, "null"...)
	}
	return append(buf, value...)
}

// appendHash appends a hash, which is plain hex, or null.
func appendHash(buf []byte, hash string) []byte {
	if hash == "" {
		return append(buf, "null"...)
	}
	buf = append(buf, '"')
	buf = append(buf, hash...)
	return append(buf, '"')
}

// quote is v in JSON, with <, > and & as they are. v is a string, or a struct
// of strings and numbers, which cannot fail to encode.
func quote(v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}
