package poller

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// sickDetails is how many details in a row may fail of what may pass, each after
// all of its attempts, until the others are left to the next poll.
const sickDetails = 3

// gather is where a poll stands that fetches details.
type gather struct {
	// list is what the list came to. Its body is put aside: details take their
	// time, under their limit.
	list *Observation
	// wants are the details to come; the first is the next one.
	wants  []Want
	target target
	done   []Detail
	bodies *spool
	// size is how many bytes have come, sick how many details failed in a row of
	// what may pass.
	size int64
	sick int
}

// Gather goes on with the details that are wanted of an observation, which is
// the visit's again. It reports whether there are requests to make: [Visit.Next]
// makes them. Where there are none the observation is the caller's as before.
// An error ends the poll, and releases the observation.
//
// The details of a poll together are about as large as one answer may be; those
// that do not fit are left to another poll.
func (v *Visit) Gather(o *Observation, wants []Want) (more bool, err error) {
	if len(wants) == 0 {
		return false, nil
	}
	g := &gather{list: o, wants: wants, bodies: v.newSpool()}
	if o.Body != nil {
		o.pages = v.newSpool()
		if err := o.pages.add(o.Body); err != nil {
			o.Release()
			return false, err
		}
		o.buffer.Release()
		o.Body, o.buffer = nil, nil
	}
	v.gather = g
	return true, nil
}

// Gathering says whether the next request is one for a detail.
func (v *Visit) Gathering() bool { return v != nil && v.gather != nil }

func (v *Visit) newSpool() *spool { return &spool{zip: &v.fetcher.zip, dir: v.fetcher.spoolDir} }

// detail makes the request for the next detail, or says why it cannot be made.
func (v *Visit) detail(ctx context.Context, t *template) (*Observation, error) {
	g := v.gather
	u, err := detailURL(v.source.Detail.URL, t.base.URL, &g.wants[0])
	if err != nil {
		return nil, &FetchError{Method: http.MethodGet, URL: "detail.url", Err: v.fetcher.secrets.Load().Error(err)}
	}
	g.target = target{url: u, detail: true}
	timed, cancel := context.WithTimeoutCause(ctx, t.timeout, ErrTimeout)
	defer cancel()
	start := time.Now()
	v.requests++
	a, err := v.fetcher.ask(timed, t, State{}, g.target)
	if a.resp != nil {
		defer a.resp.Body.Close()
	}
	var o *Observation
	if err == nil {
		o, err = v.fetcher.read(t, State{}, a)
	}
	now := time.Now()
	v.took += now.Sub(start)
	if o != nil {
		v.bytes += o.Bytes
	}
	if err != nil {
		return nil, v.refuse(v.fetcher.failed(ctx, timed, t, g.target, a.resp, err))
	}
	v.renewed = false
	defer o.Release()
	g.size += int64(len(o.Body))
	g.sick = 0
	if err := v.note(Detail{ContentType: o.ContentType, At: now}, o.Body); err != nil {
		return nil, err
	}
	if g.size >= t.limit {
		g.wants = nil
	}
	return v.gathered()
}

// Pass goes on after a detail that has failed for good, which [Visit.Next] said.
// It returns what Next does. Where the others would
// fare no better they are left to another poll.
func (v *Visit) Pass(failure *FetchError) (*Observation, error) {
	g := v.gather
	passing := failure.Unreached || failure.Retryable || failure.Renewed || failure.RetryAfter > 0
	if passing {
		g.sick++
	} else {
		g.sick = 0
	}
	if err := v.note(Detail{At: time.Now(), Err: failure}, nil); err != nil {
		return nil, err
	}
	if failure.Unreached || failure.Status == http.StatusUnauthorized || failure.RetryAfter > 0 || isFinal[*tokenError](failure) || g.sick >= sickDetails {
		g.wants = nil
	}
	return v.gathered()
}

// note keeps what came of the next detail.
func (v *Visit) note(d Detail, body []byte) error {
	g := v.gather
	d.Key = g.wants[0].Key
	g.wants = g.wants[1:]
	g.done = append(g.done, d)
	return g.bodies.add(body)
}

// gathered returns the observation of the list with its details, or nil where
// more are to come.
func (v *Visit) gathered() (*Observation, error) {
	g := v.gather
	if len(g.wants) > 0 {
		return nil, nil
	}
	o := g.list
	o.Duration, o.Requests, o.Bytes = v.took, v.requests, v.bytes
	o.Details, o.DetailBodies, o.details = slices.Clip(g.done), g.bodies, g.bodies
	o.DetailBytes = g.size
	v.gather = nil
	if o.pages != nil && o.Pages == nil {
		var err error
		if o.Body, err = o.pages.Page(0); err != nil {
			o.Release()
			return nil, err
		}
	}
	return o, nil
}

// leave ends a poll in the middle of its details, whose list and whose other
// details are as good as ever. It returns nil where there is none.
func (v *Visit) leave() *Observation {
	if v == nil || v.gather == nil || len(v.gather.done) == 0 {
		return nil
	}
	v.gather.wants = nil
	o, err := v.gathered()
	if err != nil {
		return nil
	}
	return o
}

func (g *gather) close() {
	if g != nil {
		g.list.Release()
		g.bodies.close()
	}
}
