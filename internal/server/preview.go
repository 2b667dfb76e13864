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
	Source      string    `json:"source" doc:"The name of the source."`
	Request     string    `json:"request" doc:"The request line, method and URL, secrets masked."`
	Status      int       `json:"status" doc:"The HTTP status code, 0 where there was no answer."`
	DurationMS  int64     `json:"duration_ms" doc:"How long the answer took, to its last byte, in milliseconds."`
	Bytes       int64     `json:"bytes" doc:"The length of the body, decompressed."`
	ContentType string    `json:"content_type" doc:"The content type of the answer."`
	Outcome     Outcome   `json:"outcome" doc:"What was found."`
	Reason      string    `json:"reason,omitempty" doc:"Why the poll failed; missing when it did not."`
	DetailsLeft int       `json:"details_left,omitempty" doc:"How many details were not fetched, since a preview fetches the first few, or since they failed."`
	Webhooks    []Webhook `json:"webhooks" doc:"The changes, in order, as they would be told."`
}

// Webhook is one change as it would be told.
type Webhook struct {
	ID        string          `json:"id" doc:"The webhook-id. It begins with test_: nothing has happened yet."`
	Endpoints []string        `json:"endpoints" doc:"The names of those that would be told; empty when the change would only be logged."`
	Untold    string          `json:"untold,omitempty" doc:"The key of the source that keeps the change from every endpoint, such as when; missing where none does."`
	Body      json.RawMessage `json:"body" doc:"The envelope, from which what is posted to each of them is made."`
}
