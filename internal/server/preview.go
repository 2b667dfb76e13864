package server

import "encoding/json"

// Outcome is what a preview found.
type Outcome string

// The outcomes of a preview.
const (
	// Baseline is a first look, which tells nothing by default.
	Baseline Outcome = "baseline"
	// Unchanged is an answer in which nothing changed.
	Unchanged Outcome = "unchanged"
	// Rebaselined is an answer that cannot be compared with the stored one.
	Rebaselined Outcome = "rebaselined"
	// Changed is an answer with changes, told or not.
	Changed Outcome = "changed"
	// Failed is a poll that gave no observation.
	Failed Outcome = "failed"
)

// Preview is what would come of a poll.
type Preview struct {
	Source string `json:"source"`
	// Request is the request line, method and URL, secrets masked.
	Request string `json:"request"`
	// Status is the HTTP status code, 0 where there was no answer.
	Status int `json:"status"`
	// DurationMS is how long the answer took, to its last byte, in milliseconds.
	DurationMS int64 `json:"duration_ms"`
	// Bytes is the length of the body, decompressed.
	Bytes       int64   `json:"bytes"`
	ContentType string  `json:"content_type"`
	Outcome     Outcome `json:"outcome"`
	// Reason says why the poll failed; empty when it did not.
	Reason string `json:"reason,omitempty"`
	// DetailsLeft is how many details were not fetched, since a preview fetches the
	// first few, or since they failed.
	DetailsLeft int `json:"details_left,omitempty"`
	// Webhooks are the changes, in order, as they would be told.
	Webhooks []Webhook `json:"webhooks"`
}

// Webhook is one change as it would be told.
type Webhook struct {
	// ID is the webhook-id. It begins with test_: nothing has happened yet.
	ID string `json:"id"`
	// Endpoints are those that would be told; empty when the change would only
	// be logged.
	Endpoints []string `json:"endpoints"`
	// Untold is the key of the source that keeps the change from every endpoint,
	// such as when; empty where none does.
	Untold string `json:"untold,omitempty"`
	// Body is the envelope, from which what is posted to each of them is made.
	Body json.RawMessage `json:"body"`
}
