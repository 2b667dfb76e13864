package poller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pollwire/pollwire/diff"
	"github.com/pollwire/pollwire/internal/httpclient"
)

// Observation is what one complete poll saw.
type Observation struct {
	Source string
	// RequestKey is that of the source that was asked.
	RequestKey string
	// At is when the answer was complete.
	At time.Time
	// Duration is how long the requests took, each to its last byte, without the
	// waits between them.
	Duration time.Duration
	// Requests is how many were made, those included that were made again.
	Requests int
	// Status is the code of the answer, of several pages that of the first one.
	Status int
	// Bytes is how many bytes of bodies came, decompressed, those of details included.
	Bytes int64
	// Unchanged says that the answer is the one State was taken from: a 304, or
	// the same bytes again. Body and Pages are nil then.
	Unchanged bool
	// ContentType is the media type of the answer, without parameters, in lower case.
	ContentType string
	// Body is the whole answer, decompressed and in UTF-8 (as far as it is in any
	// characters), where it has one page. It lives in
	// a pooled buffer: who wants to keep it beyond the call that received it must
	// copy it.
	Body []byte
	// Pages are the bodies of an answer that has several pages, in their order;
	// nil where it has one. They too are gone after the call that received them.
	Pages diff.Pages
	// Largest is how many bytes the largest of Pages has; 0 where there are none.
	Largest int
	// Doubtful says that the pages were asked for by offset or by page number,
	// or by cursors that are no more than that: an item that is absent may only
	// have been skipped, because others before it were removed meanwhile.
	Doubtful bool
	// Cut says that there were more pages than were asked for.
	Cut bool
	// PassedOver says that what is on them is new, and that by [Incremental] no
	// other poll asks for it.
	PassedOver bool
	// Details are what came of the requests for details of items, in their order;
	// nil where none was made. DetailBodies has a page for each of them, which is
	// empty where there is an error.
	Details      []Detail
	DetailBodies diff.Pages
	// DetailBytes is how many bytes these have together.
	DetailBytes int64
	// State is what the next poll of the source starts from, once the
	// observation has been accepted.
	State State
	// Verdict is what the [Observer] made of it, who sets it.
	Verdict Verdict

	// fetcher and template know the secrets that the answer may show.
	fetcher  *Fetcher
	template *template

	// owed is how the answer is to be acknowledged once it was accepted; nil for not.
	owed *debt

	buffer  *httpclient.Body
	pages   *spool
	details *spool
}

// maxSaying is how long an answer may be, in bytes, that is taken for a word on
// what is wrong.
const maxSaying = 1 << 10

// saying comes before what an answer says.
const saying = "; the answer begins: "

// Quote adds what a short answer says to the reason why it is refused: many an API
// tells its errors in a 200. Secrets are masked, and 200 bytes are shown in one
// line. An answer that is longer than 1 KiB is not quoted, nor is one with several
// pages, or one that was not made by a [Fetcher].
func (o *Observation) Quote(reason error) error {
	if o.template == nil || len(o.Body) == 0 || len(o.Body) > maxSaying {
		return reason
	}
	return fmt.Errorf("%w"+saying+"%s", reason, o.fetcher.mask(o.template).Excerpt(o.Body, false, excerptShown))
}

// Release gives the buffer of Body back for reuse, and drops Pages and
// DetailBodies; all are invalid afterwards. Who called [Visit.Next] calls it, an [Observer] does not.
// It may be called more than once; a nil Observation has nothing to release.
func (o *Observation) Release() {
	if o == nil {
		return
	}
	o.Body, o.Pages, o.DetailBodies = nil, nil, nil
	o.buffer.Release()
	o.pages.close()
	o.details.close()
	o.buffer, o.pages, o.details = nil, nil, nil
}

// State is what lets the next poll notice cheaply that nothing changed. It is
// valid only together with the snapshot of the same answer: an ETag that ran
// ahead of its snapshot would hide a change for ever.
type State struct {
	ETag         string
	LastModified string
	// RawHash is the SHA-256 of the whole body as it came, decompressed; of
	// several pages, that of their hashes one after the other. All zero means
	// unknown.
	RawHash [32]byte
	// Cursor is the newest value of the items' cursor that was accepted,
	// in JSON as the server wrote it; empty for none.
	Cursor string
}

// ErrReplaced says that an answer is to a request that its source does not make
// any more: it was given another one meanwhile.
var ErrReplaced = errors.New("the source was given another request meanwhile")

// Observer receives what polls saw.
type Observer interface {
	// Observe takes a complete answer and returns when all that it changes is
	// durable. After an error the observation counts as not made: the poller
	// keeps the state it had, and the poll has failed with that error. After a
	// *[KeptError] the poll has failed, but the observation was made. Of
	// [ErrReplaced] nobody is told: the poll begins anew. Of [ErrElsewhere] nobody
	// is either: another node polls the source.
	Observe(ctx context.Context, o *Observation) error
	// Fail takes a poll that ended without an observation, after its last
	// attempt, with the reason. It is also told of the errors of Observe.
	Fail(ctx context.Context, source string, reason error)
}
