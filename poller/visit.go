package poller

import (
	"cmp"
	"context"
	"net/http"
	"time"
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
}

// Begin starts a poll of a source, from the state of its last accepted answer.
// It sends nothing yet. The caller closes the visit.
func (f *Fetcher) Begin(s *Source, state State) *Visit {
	return &Visit{fetcher: f, source: s, state: state}
}

// Next makes the next request. It returns the complete answer, nothing at all
// while more is to come, or a *[FetchError]. After an error that is retryable
// the same request may be made again by another call. The caller releases the
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
			Err:    f.secrets.Error(err),
		}
	}
	v.requests++
	start := time.Now()
	timed, cancel := context.WithTimeoutCause(ctx, t.timeout, ErrTimeout)
	defer cancel()
	a, err := f.ask(timed, t, v.state)
	if err != nil {
		v.took += time.Since(start)
		return nil, f.failed(ctx, timed, t, nil, err)
	}
	defer a.resp.Body.Close()
	o, err := f.read(t, v.state, a)
	now := time.Now()
	v.took += now.Sub(start)
	if err != nil {
		return nil, f.failed(ctx, timed, t, a.resp, err)
	}
	o.Source, o.At, o.Duration, o.Requests = v.source.Name, now, v.took, v.requests
	return o, nil
}

// Close drops what came so far. It may be called more than once, and does
// nothing to an observation that was returned. A nil Visit has nothing to drop.
func (v *Visit) Close() {}
