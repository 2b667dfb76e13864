package poller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// maxAcknowledged is how many answers one poll takes off a queue, one after the
// other. The others come with the next polls.
const maxAcknowledged = 100

// Acknowledgement is how an API is told that an answer was taken, which gives the
// same one until then: a queue that is read from its head. Where 204 is one of
// SuccessStatusCodes it says that the queue is empty, which changes nothing.
type Acknowledgement struct {
	// Method is how it is told, such as DELETE.
	Method string
	// URL is where, at the same origin as the source. {header.NAME} stands for a
	// header of the answer, escaped.
	URL string
}

// headerPlaceholder is what stands for a header of an answer.
var headerPlaceholder = regexp.MustCompile(`\{header\.([^{}]+)\}`)

// fill returns the address at which an answer is acknowledged.
func (a *Acknowledgement) fill(h http.Header) (*url.URL, error) {
	missing := ""
	put := func(text string, escape func(string) string) string {
		return headerPlaceholder.ReplaceAllStringFunc(text, func(found string) string {
			name := headerPlaceholder.FindStringSubmatch(found)[1]
			value := strings.TrimSpace(h.Get(name))
			if value == "" || value == "." || value == ".." {
				missing = name
			}
			return escape(value)
		})
	}
	text, query, asks := strings.Cut(a.URL, "?")
	if text = put(text, url.PathEscape); asks {
		text += "?" + put(query, url.QueryEscape) // a path may hold & and +, a value may not
	}
	if missing != "" {
		return nil, &unfit{text: fmt.Sprintf("has no header %s by which acknowledge.url could name it", missing)}
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("parse acknowledge.url: %w", errRequest)
	}
	return u, nil
}

// debt is an answer that was accepted and is not acknowledged yet.
type debt struct {
	Acknowledgement
	to *url.URL
	// renewed says that credentials were renewed since they were refused.
	renewed bool
}

// owe returns what is owed for the answer that the observation is of; nil for
// nothing.
func (f *Fetcher) owe(t *template, o *Observation, a answer) (*debt, error) {
	if t.source.Acknowledge == nil {
		return nil, nil //nolint:nilnil // nothing is owed, and nothing is wrong
	}
	d := &debt{Acknowledgement: *t.source.Acknowledge}
	var err error
	if d.to, err = d.fill(a.resp.Header); err != nil {
		o.Release()
	}
	return d, err
}

// acknowledge tells the API that an answer was taken. One that it has no more is
// as good as taken; a redirect is not followed, for what it leads to is another
// thing to delete. The error is a *[FetchError].
func (f *Fetcher) acknowledge(ctx context.Context, s *Source, d *debt) error {
	t, err := f.template(s)
	if err != nil {
		return &FetchError{Method: d.Method, URL: "acknowledge.url", Err: f.secrets.Load().Error(err)}
	}
	timed, cancel := context.WithTimeoutCause(ctx, t.timeout, ErrTimeout)
	defer cancel()
	tg := target{url: d.to, method: d.Method}
	a, err := f.ask(timed, t, State{}, tg)
	if a.resp != nil {
		defer a.resp.Body.Close()
	}
	if err == nil {
		code := a.resp.StatusCode
		if code/100 == 2 || code == http.StatusNotFound || code == http.StatusGone {
			httpclient.Drain(a.resp)
			return nil
		}
		err = f.unexpectedCode(t, a)
	}
	return f.failed(ctx, timed, t, tg, a.resp, err)
}

// settle acknowledges what is owed for the last answer, and asks for the next one
// then. A request that fails is made again like any other. While it fails nothing
// is asked, for the answer would be the same, and the poll has failed: the operator
// hears of a queue that does not move.
func (p *Poller) settle(ctx context.Context, s *Source, pr *progress, request int, d *debt) Outcome {
	attempt := pr.attempt(request <= 1)
	if request <= 1 {
		d.renewed = false
	}
	if err := p.fetcher.acknowledge(ctx, s, d); err != nil {
		if failure, ok := errors.AsType[*FetchError](err); ok && failure.Renewed {
			failure.Renewed, d.renewed = !d.renewed, true
		}
		return p.failed(ctx, s, pr, nil, attempt, fmt.Errorf("acknowledge the last answer: %w", err))
	}
	p.answered(ctx, s)
	pr.owe(nil)
	return Outcome{More: request < 2*maxAcknowledged}
}
