package notify

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"
)

const (
	// maxAnswerBytes is the most that is read of an answer.
	maxAnswerBytes = 64 << 10
	// maxKeptBytes is the most that is kept of it.
	maxKeptBytes = 16 << 10
	// maxTargets bounds what is kept prepared of endpoints.
	maxTargets = 10_000
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

	mu      sync.Mutex
	targets map[string]*target // by name of the endpoint
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
	return &Sender{transport: o.Transport, userAgent: "pollwire/" + version, targets: make(map[string]*target)}
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
	// cut says that the body went on, or broke off.
	cut bool
}

// Send posts a message to an endpoint, signed at the time of the call, and
// returns what happened and what it means. The whole attempt, its answer's body
// included, takes at most the endpoint's timeout. When ctx ends before there is
// an answer, the verdict is to [Drop] the attempt.
func (s *Sender) Send(ctx context.Context, e *Endpoint, m Message) (Attempt, Verdict) {
	start := time.Now()
	attempt := Attempt{Number: m.Number, At: start}
	t, err := s.target(e)
	var got answer
	if err == nil {
		got, err = s.attempt(ctx, t, m, start)
	}
	attempt.Duration = time.Since(start)
	attempt.Status = got.status
	verdict := Judge(got.status, err, e.Retry.pause(got.retryAfter))
	if len(got.body) > 0 {
		attempt.Response = t.answers.Body(got.body, got.cut, maxKeptBytes)
	}
	if verdict.Action != Deliver {
		attempt.Error = t.explain(got, err)
	}
	return attempt, verdict
}

// target returns what was prepared for this very endpoint: one of the same name
// may have been replaced. With an error there is a target that can explain it.
func (s *Sender) target(e *Endpoint) (*target, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.targets[e.Name]; t != nil && t.endpoint == e {
		return t, nil
	}
	t, err := newTarget(e)
	if err != nil {
		return t, err
	}
	if len(s.targets) >= maxTargets {
		clear(s.targets) // of endpoints that are gone
	}
	s.targets[e.Name] = t
	return t, nil
}

// attempt builds the request, posts it and reads the answer. With an error the
// answer may still have a status, when only its body was broken or slow.
func (s *Sender) attempt(ctx context.Context, t *target, m Message, at time.Time) (answer, error) {
	timeout := t.endpoint.timeout()
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := s.request(bounded, t, m, at)
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
func (s *Sender) request(ctx context.Context, t *target, m Message, at time.Time) (*http.Request, error) {
	e := t.endpoint
	signature := Sign(m.ID, at, m.Body, e.Secrets)
	if signature == "" && !e.unsigned() {
		return nil, ErrNoSecret
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(m.Body))
	if err != nil {
		return nil, errURL // newTarget has read it
	}
	h := t.header.Clone()
	req.Header = h
	if t.host != "" {
		req.Host = t.host
	}
	if user := t.url.User; user != nil && h.Get("Authorization") == "" {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	h["User-Agent"] = []string{s.userAgent}
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
	got.cut = err != nil || len(got.body) == maxAnswerBytes
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

func statusText(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}
