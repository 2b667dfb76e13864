package notify

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"
)

const (
	// maxAnswerBytes is the most that is read of an answer.
	maxAnswerBytes = 64 << 10
	// maxKeptBytes is the most that is kept of it.
	maxKeptBytes = 16 << 10
)

// SenderOptions are what a [Sender] needs.
type SenderOptions struct {
	// Transport posts; nil means one of the sender's own. It should keep as
	// many idle connections to a host as MaxInFlight of its endpoint, and must
	// return soon after a request's context has ended.
	Transport http.RoundTripper
	// Version is told in the User-Agent, pollwire/<version>.
	Version string
}

// Sender signs and posts deliveries, one at a time, and says what came of it.
// It keeps no state of them and can be used without a [Dispatcher]. Its methods
// may be called concurrently.
type Sender struct {
	transport http.RoundTripper
	userAgent string
}

// NewSender returns a sender.
func NewSender(o SenderOptions) *Sender {
	version := o.Version
	if version == "" {
		version = "dev"
	}
	if o.Transport == nil {
		o.Transport = network{httpclient.New(httpclient.Options{Version: version})}
	}
	return &Sender{transport: o.Transport, userAgent: "pollwire/" + version}
}

// network is the transport of a sender's own. Like all of pollwire's requests
// to URLs that the operator wrote, its posts reach link-local and metadata
// addresses only where the URL holds the address itself.
type network struct{ client *httpclient.Client }

// RoundTrip implements [http.RoundTripper].
func (n network) RoundTrip(req *http.Request) (*http.Response, error) { return n.client.Do(req) }

// Message is what one attempt posts.
type Message struct {
	// ID is the webhook-id: the event's, the same on every attempt.
	ID string
	// ContentType is that of Body; empty means application/json.
	ContentType string
	// Body is posted as it is; it is not modified.
	Body []byte
	// Number counts the POSTs of the delivery from 1.
	Number int
	// Replay marks an event that is told again on request.
	Replay bool
}

// answer is what a receiver said.
type answer struct {
	status     int
	retryAfter time.Duration
	location   string
	body       []byte
}

// Send posts a message to an endpoint, signed at the time of the call, and
// returns what happened and what it means. The whole attempt, its answer's body
// included, takes at most the endpoint's timeout. When ctx ends before there is
// an answer, the verdict is to [Drop] the attempt.
func (s *Sender) Send(ctx context.Context, e *Endpoint, m Message) (Attempt, Verdict) {
	start := time.Now()
	attempt := Attempt{Number: m.Number, At: start}
	got, err := s.attempt(ctx, e, m, start)
	attempt.Duration = time.Since(start)
	attempt.Status = got.status
	verdict := Judge(got.status, err, e.Retry.pause(got.retryAfter))
	if len(got.body) == 0 && verdict.Action == Deliver {
		return attempt, verdict // the common case needs no mask
	}
	mask := newMask(e)
	attempt.Response = mask.body(got.body, maxKeptBytes)
	if verdict.Action != Deliver {
		attempt.Error = explain(mask, e, got, err)
	}
	return attempt, verdict
}

// attempt builds the request, posts it and reads the answer. With an error the
// answer may still have a status, when only its body was broken or slow.
func (s *Sender) attempt(ctx context.Context, e *Endpoint, m Message, at time.Time) (answer, error) {
	timeout := e.timeout()
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := s.request(bounded, e, m, at)
	if err != nil {
		return answer{}, err
	}
	got, err := s.exchange(req)
	switch {
	case err == nil || got.status != 0:
		return got, err
	case ctx.Err() != nil:
		return got, ErrInterrupted
	case bounded.Err() != nil:
		return got, fmt.Errorf("no answer within %s", timeout)
	}
	return got, err
}

// request builds the signed request of an attempt.
func (s *Sender) request(ctx context.Context, e *Endpoint, m Message, at time.Time) (*http.Request, error) {
	signature := Sign(m.ID, at, m.Body, e.Secrets)
	if signature == "" && !e.unsigned() {
		return nil, ErrNoSecret
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(m.Body))
	if err != nil {
		// The error quotes the URL, escaped in a way that no mask would know.
		return nil, errors.New("build request: the URL cannot be read")
	}
	if req.URL.Host == "" {
		return nil, errors.New("build request: the URL has no host")
	}
	h := req.Header
	h["User-Agent"] = []string{s.userAgent}
	for name, values := range e.Header {
		setHeader(req, name, values)
	}
	if user := req.URL.User; user != nil && h.Get("Authorization") == "" {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	h["Content-Type"] = []string{cmp.Or(m.ContentType, jsonType)}
	h[HeaderID] = []string{m.ID}
	h[HeaderTimestamp] = []string{strconv.FormatInt(at.Unix(), 10)}
	delete(h, HeaderSignature)
	if signature != "" {
		h[HeaderSignature] = []string{signature}
	}
	for _, p := range e.AlsoSign {
		if err := p.sign(h, at, m.Body, e.Secrets); err != nil {
			return nil, err
		}
	}
	h["Pollwire-Attempt"] = []string{strconv.Itoa(m.Number)}
	h["Pollwire-Endpoint"] = []string{e.Name}
	h["Pollwire-Replay"] = []string{strconv.FormatBool(m.Replay)}
	return req, nil
}

// setHeader sets a configured header, in its canonical form, so that none of
// pollwire's own can stand beside it in another spelling.
func setHeader(req *http.Request, name string, values []string) {
	name = http.CanonicalHeaderKey(name)
	if name == "Host" {
		if len(values) > 0 {
			req.Host = values[0]
		}
		return
	}
	req.Header[name] = values
}

// exchange posts the request and reads the answer.
func (s *Sender) exchange(req *http.Request) (answer, error) {
	// A transport, unlike a client, follows no redirect and keeps no cookies.
	res, err := s.transport.RoundTrip(req) //nolint:bodyclose // readAnswer closes it
	if err != nil {
		return answer{}, err
	}
	got := answer{status: res.StatusCode, location: res.Header.Get("Location")}
	if header := res.Header.Get("Retry-After"); header != "" {
		got.retryAfter, _ = httpclient.ParseRetryAfter(header, time.Now())
	}
	got.body, err = readAnswer(res.Body)
	return got, err
}

// readAnswer reads the beginning of an answer. Closing a body that was read to
// its end gives the connection back; a longer one costs its connection, which
// is cheaper than reading on.
func readAnswer(body io.ReadCloser) ([]byte, error) {
	defer body.Close()
	if body == http.NoBody {
		return nil, nil
	}
	read, err := io.ReadAll(io.LimitReader(body, maxAnswerBytes))
	if err != nil {
		return read, fmt.Errorf("read answer: %w", err)
	}
	return read, nil
}

// explain puts a failed attempt in words, without secrets.
func explain(m *mask, e *Endpoint, got answer, err error) string {
	switch {
	case got.status == 0:
		return m.err(err)
	case got.status >= 300 && got.status <= 399:
		return fmt.Sprintf("answered %s: redirects are not followed (%s)", statusText(got.status), m.location(got.location, e.URL))
	case got.status == http.StatusGone:
		return "answered " + statusText(got.status) + ": the endpoint is disabled"
	default:
		return "answered " + statusText(got.status)
	}
}

func statusText(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}
