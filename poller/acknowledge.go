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
	text := headerPlaceholder.ReplaceAllStringFunc(a.URL, func(found string) string {
		name := headerPlaceholder.FindStringSubmatch(found)[1]
		value := strings.TrimSpace(h.Get(name))
		if value == "" || value == "." || value == ".." {
			missing = name
		}
		return url.PathEscape(value)
	})
	if missing != "" {
		return nil, &unfit{text: fmt.Sprintf("has no header %s by which acknowledge.url could name it", missing)}
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("parse acknowledge.url: %w", errRequest)
	}
	return u, nil
}

// owe returns where the answer is to be acknowledged that the observation is of;
// nil for nowhere.
func (f *Fetcher) owe(t *template, o *Observation, a answer) (*url.URL, error) {
	if t.source.Acknowledge == nil {
		return nil, nil //nolint:nilnil // nothing is owed, and nothing is wrong
	}
	u, err := t.source.Acknowledge.fill(a.resp.Header)
	if err != nil {
		o.Release()
	}
	return u, err
}

// acknowledge tells the API that an answer was taken. One that it has no more is
// as good as taken. The error is a *[FetchError].
func (f *Fetcher) acknowledge(ctx context.Context, s *Source, u *url.URL) error {
	t, err := f.template(s)
	if err != nil {
		return &FetchError{Method: s.Acknowledge.Method, URL: "acknowledge.url", Err: f.secrets.Load().Error(err)}
	}
	timed, cancel := context.WithTimeoutCause(ctx, t.timeout, ErrTimeout)
	defer cancel()
	tg := target{url: u, method: s.Acknowledge.Method}
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
// then. While that fails nothing is asked, for the answer would be the same, and
// the poll has failed: the operator hears of a queue that does not move.
func (p *Poller) settle(ctx context.Context, s *Source, pr *progress, request int, u *url.URL) Outcome {
	if err := p.fetcher.acknowledge(ctx, s, u); err != nil {
		if failure, ok := errors.AsType[*FetchError](err); ok && failure.Renewed && request == 1 && ctx.Err() == nil {
			return Outcome{More: true} // once more, with the credentials that were renewed
		}
		p.fail(ctx, s, pr, (*Visit)(nil).failed(fmt.Errorf("acknowledge the last answer: %w", err)))
		return Outcome{}
	}
	p.answered(ctx, s)
	pr.owe(nil)
	return Outcome{More: request < 2*maxAcknowledged}
}
