package poller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// Visit is one poll of a source, request by request: each is admitted by the
// limit on its own, and between them a Visit holds nothing but what came so
// far. It is used by one goroutine at a time.
type Visit struct {
	fetcher *Fetcher
	source  *Source
	state   State

	requests int
	took     time.Duration
	bytes    int64
	// interval is the least time until the next poll that the answers asked for.
	interval time.Duration
	// run is where a poll stands that has pages or a start; nil for others.
	run *run
	// gather is where a poll stands whose list has come; nil before that, and
	// where no details are wanted.
	gather *gather
	// renewed says that the credentials of the next request were renewed since it
	// was refused.
	renewed bool
}

// Begin starts a poll of a source, from the state of its last accepted answer.
// It sends nothing yet. The caller closes the visit.
func (f *Fetcher) Begin(s *Source, state State) *Visit {
	return &Visit{fetcher: f, source: s, state: state}
}

// Next makes the next request. It returns the complete answer, nothing at all
// while more is to come, or a *[FetchError]. After an error that is retryable,
// or that says Renewed, another call makes the same request again. The caller releases the
// observation.
//
// A body that ends with its connection (HTTP/1.0 without Content-Length) cannot
// be told from one that was cut. It is accepted where its own form says that it
// is whole, which gzip and a JSON object, array or string do, and refused else.
func (v *Visit) Next(ctx context.Context) (*Observation, error) {
	f := v.fetcher
	t, err := f.template(v.source)
	if err != nil {
		return nil, &FetchError{
			Method: cmp.Or(v.source.Request.Method, http.MethodGet),
			URL:    "request.url",
			Err:    f.secrets.Load().Error(err),
		}
	}
	if v.Gathering() {
		return v.detail(ctx, t)
	}
	if err := v.prepare(t); err != nil {
		return nil, f.failed(ctx, ctx, t, target{}, nil, &badPage{err})
	}
	page, start := v.page(), time.Now()
	timed, cancel := context.WithTimeoutCause(ctx, t.timeout, ErrTimeout)
	defer cancel()
	v.requests++
	o, a, err := v.ask(timed, t)
	if a.resp != nil {
		defer a.resp.Body.Close()
	}
	now := time.Now()
	v.took += now.Sub(start)
	if err == nil {
		v.bytes += o.Bytes
		o.Source, o.RequestKey = v.source.Name, v.source.RequestKey
		o.At, o.Duration, o.Requests, o.Bytes = now, v.took, v.requests, v.bytes
		o, err = v.turn(t, o, a)
	}
	if err != nil {
		if a.resp != nil && a.resp.StatusCode == http.StatusNotFound && v.guesses() {
			err = fmt.Errorf("%w (if that is how the API says that there is no such page, set pagination.total_path or add 404 to request.success_status_codes)", err)
		}
		fe := f.failed(ctx, timed, t, v.target(), a.resp, err)
		fe.Page = page
		return nil, v.refuse(fe)
	}
	v.renewed = false
	return o, nil
}

// refuse lets credentials be renewed once for each request: a server that
// refuses the new ones too has another reason.
func (v *Visit) refuse(failure *FetchError) *FetchError {
	renewed := failure.Renewed && !v.renewed
	v.renewed = v.renewed || renewed
	failure.Renewed = renewed
	return failure
}

// failed is what came of the poll where it ends with an error. A nil Visit has
// sent nothing.
func (v *Visit) failed(reason error) Result {
	r := Result{At: time.Now(), Err: reason}
	if v != nil {
		r.Duration, r.Requests, r.Bytes = v.took, v.requests, v.bytes
	}
	if failure, ok := errors.AsType[*FetchError](reason); ok {
		r.Status = failure.Status
	}
	return r
}

// Close drops what came so far. It may be called more than once, and does
// nothing to an observation that was returned. A nil Visit has nothing to drop.
func (v *Visit) Close() {
	if v == nil {
		return
	}
	if v.run != nil {
		v.run.spool.close()
		v.run.spool = nil
	}
	v.gather.close()
	v.gather = nil
}

// ask makes one request and reads its answer.
func (v *Visit) ask(ctx context.Context, t *template) (*Observation, answer, error) {
	state := v.state
	if v.run != nil && v.run.pages > 0 {
		state = State{} // validators are those of the first page
	}
	a, err := v.fetcher.ask(ctx, t, state, v.target())
	if a.resp != nil {
		v.interval = max(v.interval, httpclient.PollInterval(a.resp.Header))
	}
	if err != nil {
		return nil, a, err
	}
	if code := a.resp.StatusCode; v.run != nil && v.run.pages > 0 && t.isEnd(code) && t.accepts(code) {
		httpclient.Drain(a.resp) // There is no such page, and nothing to read.
		return &Observation{Status: code}, a, nil
	}
	if a.resp.StatusCode == http.StatusNoContent && v.source.Acknowledge != nil && t.accepts(http.StatusNoContent) {
		httpclient.Drain(a.resp) // The queue is empty: that is no answer to compare with the last message.
		return &Observation{Status: http.StatusNoContent, Unchanged: true, State: state}, a, nil
	}
	if v.run != nil {
		state.RawHash = [32]byte{} // whether anything is new, the last page tells
	}
	o, err := v.fetcher.read(t, state, a)
	if err == nil {
		o.owed, err = v.fetcher.owe(t, o, a)
	}
	return o, a, err
}

// target is where the next request goes.
func (v *Visit) target() target {
	if v.run == nil {
		return target{}
	}
	return v.run.target
}

// page is the number of the page that is asked for, 0 where there are none.
func (v *Visit) page() int {
	if v.source.Pagination == nil || v.run == nil {
		return 0
	}
	return v.run.pages + 1
}

// guesses says whether nobody knows that there is the page that is asked for.
func (v *Visit) guesses() bool {
	return v.run != nil && v.run.pages > 0 && v.run.pager.byNumber() && v.run.pager.TotalPath == ""
}
