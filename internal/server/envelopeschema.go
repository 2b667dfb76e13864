package server

import "github.com/google/jsonschema-go/jsonschema"

// envelopeSchema is the schema of an envelope as notify.Envelope makes it, of a
// change or of an alert.
func envelopeSchema() *jsonschema.Schema {
	text := func(doc string) *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Description: doc} }
	orNull := func(doc string) *jsonschema.Schema {
		return &jsonschema.Schema{Types: []string{"string", "null"}, Description: doc}
	}
	texts := func(doc string) *jsonschema.Schema {
		return &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Type: "string"}, Description: doc}
	}
	moment := func(doc string) *jsonschema.Schema {
		return &jsonschema.Schema{Type: "string", Format: "date-time", Description: doc}
	}
	data := &jsonschema.Schema{
		Type:        "object",
		Description: "What changed, or what an alert is about.",
		Properties: map[string]*jsonschema.Schema{
			"change":        {Type: "string", Enum: anyOf([]string{"created", "updated", "deleted"}), Description: "What happened."},
			"key":           orNull("The key of the item; null of a document."),
			"reason":        text("Of an alert: why. Of an item that was deleted and still exists: filtered."),
			"before":        {Description: "What there was, null of what was created. A text where the answer is no JSON."},
			"after":         {Description: "What there is, null of what was deleted."},
			"changed":       texts("JSON pointers (RFC 6901) to the members that make it a change."),
			"patch":         {Description: "Turns before into after: operations of RFC 6902, or a unified diff of texts; null of what was created or deleted."},
			"hash":          orNull("SHA-256 of what is compared; null of what was deleted."),
			"previous_hash": orNull("The hash of the last change of the same key; null of what was created."),
			"omitted":       texts("The members of data that were left out."),
			"name":          text("Of an alert: the source or the endpoint that it is about."),
			"since":         moment("Of an alert: since when that is so."),
			"count":         {Type: "integer", Description: "Of an alert: how often it happened."},
			"url":           text("Where all of the event can be read."),
		},
		PropertyOrder: []string{"change", "key", "reason", "before", "after", "changed", "patch", "hash", "previous_hash", "omitted", "url", "name", "since", "count"},
	}
	return &jsonschema.Schema{
		Type:        "object",
		Description: "An event, in the body of the webhook that tells it: a Standard Webhooks payload and a CloudEvent.",
		Properties: map[string]*jsonschema.Schema{
			"specversion":     {Const: jsonschema.Ptr[any]("1.0"), Description: "The version of CloudEvents."},
			"id":              text("The same wherever and whenever it is told."),
			"source":          text("/sources/NAME, or /endpoints/NAME of an alert about an endpoint."),
			"type":            text("Such as shop.order.created."),
			"subject":         text("The key of the item; missing where there is none."),
			"time":            moment("When it was seen."),
			"timestamp":       moment("The same."),
			"datacontenttype": {Const: jsonschema.Ptr[any]("application/json"), Description: "The type of data."},
			"sequence":        {Type: "string", Pattern: "^[0-9]{20}$", Description: "Counts the changes of the source; alerts have none."},
			"data":            data,
		},
		PropertyOrder: []string{"specversion", "id", "source", "type", "subject", "time", "timestamp", "datacontenttype", "sequence", "data"},
		Required:      []string{"specversion", "id", "source", "type", "time", "timestamp", "datacontenttype", "data"},
	}
}
