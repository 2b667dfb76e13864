// Package poller decides when a source is asked, and asks it.
//
// A [Scheduler] fires each source when it is due, a [Limiter] admits it within
// the request budget that it shares with others, and a [Fetcher] asks and
// returns an [Observation], which goes to an [Observer]. What an answer means
// is not decided here, nor is anybody told: into bodies this package looks only
// as far as it must to ask for the next page, and to refuse what is no answer.
package poller

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/pollwire/pollwire/diff"
)

// Source is a thing that is polled: when, within which limit, and how.
// A Source is immutable once it was handed to a Scheduler.
type Source struct {
	// Name identifies the source; its state follows it.
	Name string

	// RequestKey identifies what is asked, for the [Observer]; it may be empty.
	RequestKey string

	Schedule Schedule
	// Jitter spreads each run over [0, Jitter) after its time.
	Jitter time.Duration
	// OnMissed says what becomes of a run that was due while nothing ran.
	OnMissed OnMissed

	Request Request
	// Limit names the request budget, empty for none.
	Limit string
	// Cost is what one request takes of the budget; at least 1.
	Cost int
	// Retry governs further attempts of a request within one poll.
	Retry Retry
	// FailureThreshold is how many polls in a row must get no answer from the
	// host until it is left alone for a while; of several sources of a host
	// the least counts. 0 means 5.
	FailureThreshold int

	// Pagination is how the pages of an answer follow each other, nil where it
	// has one. Incremental asks only for what is new, nil for all.
	Pagination  *Pagination
	Incremental *Incremental
	// Detail is how the pages of its items are asked for, nil where only the list
	// is.
	Detail *DetailRequest
	// Acknowledge is how the API is told that an answer was taken; nil for not. It
	// is for answers of one page, without details.
	Acknowledge *Acknowledgement
	// Items is the gjson path of the list, for these two; empty is the whole
	// answer. Format is how answers are read, empty by their content type.
	Items  string
	Format diff.Format
}

// OnMissed says what becomes of a run that was due while the process was away.
type OnMissed string

const (
	// RunOnce runs it once, spread over the lesser of the schedule's interval and five minutes.
	RunOnce OnMissed = "run_once"
	// Skip waits for the next run.
	Skip OnMissed = "skip"
)

// Retry governs the attempts of each request.
type Retry struct {
	// MaxAttempts counts the first one too; at least 1.
	MaxAttempts int
	// WaitMin and WaitMax bound the exponential wait between attempts.
	WaitMin, WaitMax time.Duration
	// MaxRetryAfter caps what a Retry-After header can ask for.
	MaxRetryAfter time.Duration
}

// Request is how a source is asked.
type Request struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
	// GraphQL says that an answer is one to a GraphQL query: it is an observation
	// only where it has no errors.
	GraphQL bool
	// Auth adds credentials to each request; nil for none.
	Auth Auth
	// Route is the way to the servers that the source names.
	Route Route
	// Timeout bounds each request, from dial to the last byte of the body.
	Timeout time.Duration
	// MaxBodySize bounds the body of each answer after decompression, in bytes.
	MaxBodySize int64
	// Conditional sends If-None-Match and If-Modified-Since, where the last
	// answer had one page.
	Conditional bool
	// FollowRedirects follows up to ten. Configured headers and credentials
	// never cross to another origin.
	FollowRedirects bool
	// SuccessStatusCodes are the codes whose answer is an observation (304
	// answers to conditional requests are always understood).
	SuccessStatusCodes []int
	// ContentType is the media type that an answer must have, empty for any.
	ContentType string
	// AllowNetworks opens private networks to redirects to another origin.
	AllowNetworks []netip.Prefix
}

// Auth adds credentials to a request.
type Auth interface {
	Authorize(ctx context.Context, req *http.Request) error
}
