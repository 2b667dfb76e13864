package notify

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
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
	// maxIdlePerHost is how many connections to a receiver are kept for reuse: as
	// many attempts may be under way to an endpoint at most.
	maxIdlePerHost = 1000
	// maxTargets bounds what is kept prepared of endpoints.
	maxTargets = 10_000
)

// SenderOptions are what a [Sender] needs.
type SenderOptions struct {
	// Transport posts, whatever the Route of an endpoint; nil means the network. It
	// must return soon after a request's context has ended. Before it, addresses
	// are checked only where they stand in the URL.
	Transport http.RoundTripper
	// Version is told in the User-Agent, pollwire/<version>.
	Version string

	// resolver stands in for the system's in tests.
	resolver *net.Resolver
}

// Sender signs and posts deliveries, one at a time, and says what came of it.
// It keeps no state of them and can be used without a [Dispatcher]. Its methods
// may be called concurrently.
type Sender struct {
	routes *httpclient.Routes

	mu      sync.Mutex
	targets map[string]*target // by name of the endpoint
}

// NewSender returns a sender. Close closes its connections.
func NewSender(o SenderOptions) *Sender {
	return &Sender{
		routes: httpclient.NewRoutes(httpclient.Options{
			Version: o.Version, RoundTripper: o.Transport, Resolver: o.resolver, MaxIdleConnsPerHost: maxIdlePerHost,
		}),
		targets: make(map[string]*target),
	}
}

// Close closes the connections that are kept for reuse. Attempts under way are
// not disturbed, and a sender that is closed can still send.
func (s *Sender) Close() { s.routes.CloseIdle() }

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

	// gate is asked at the last moment whether it may be posted; nil for yes.
	gate func() bool
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
		got, err = t.attempt(ctx, m, start)
	}
	attempt.Duration = time.Since(start)
	attempt.Status = got.status
	verdict := Judge(got.status, err, e.Retry.pause(got.retryAfter))
	attempt.Response = t.body(got)
	if verdict.Action != Deliver {
		attempt.Error = t.explain(got, err)
	}
	return attempt, verdict
}

// target returns what was prepared for this very endpoint: one of the same name
// may have been replaced. With an error there is a target that can explain it.
func (s *Sender) target(e *Endpoint) (*target, error) {
	s.mu.Lock()
	t := s.targets[e.Name]
	s.mu.Unlock()
	if t != nil && t.endpoint == e {
		return t, nil
	}
	t, err := newTarget(e, s.routes) // it may read files
	if err != nil {
		return t, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.targets) >= maxTargets {
		clear(s.targets) // of endpoints that are gone
	}
	s.targets[e.Name] = t
	return t, nil
}

// attempt posts a message and reads the answer. Where the receiver refuses
// credentials that can be renewed, it posts once more.
func (t *target) attempt(ctx context.Context, m Message, at time.Time) (answer, error) {
	timeout := t.endpoint.timeout()
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	got, sent, err := t.post(bounded, m, at)
	if got.status == http.StatusUnauthorized && t.endpoint.Auth != nil && t.endpoint.Auth.Renew(sent) {
		got, _, err = t.post(bounded, m, time.Now())
	}
	switch {
	case err == nil:
		return got, nil
	case ctx.Err() != nil:
		return answer{}, ErrInterrupted
	case bounded.Err() != nil && errors.Is(err, errCredentials):
		return answer{}, fmt.Errorf("no credentials within %s", timeout)
	case bounded.Err() != nil:
		return answer{}, fmt.Errorf("no answer within %s", timeout)
	}
	return answer{}, err
}

// errCredentials says that nothing was posted, for want of credentials.
var errCredentials = errors.New("get credentials")

// errShut says that a message was not posted, since it may not be any more.
var errShut = fmt.Errorf("not posted: %w", ErrInterrupted)

// post builds one request, posts it and reads the answer. It returns the header
// that was sent.
func (t *target) post(ctx context.Context, m Message, at time.Time) (answer, http.Header, error) {
	req, err := t.request(ctx, m, at)
	if m.gate != nil && !m.gate() {
		return answer{}, nil, errShut // whatever became of credentials that are another's by now
	}
	if err != nil {
		return answer{}, nil, err
	}
	got, err := exchange(t.client, req)
	return got, req.Header, err
}

// request builds the signed request of an attempt.
func (t *target) request(ctx context.Context, m Message, at time.Time) (*http.Request, error) {
	e := t.endpoint
	signature := Sign(m.ID, at, m.Body, e.Secrets)
	if signature == "" && !e.unsigned() {
		return nil, ErrNoSecret
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(m.Body))
	if err != nil {
		return nil, errURL // newTarget has read it
	}
	req.Header = t.header.Clone()
	if t.host != "" {
		req.Host = t.host
	}
	if err := t.authorize(ctx, req); err != nil {
		return nil, err
	}
	// What is pollwire's own comes last, so that nothing can stand in its place.
	h := req.Header
	h["User-Agent"] = []string{t.client.UserAgent()}
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

// authorize adds the credentials of the endpoint.
func (t *target) authorize(ctx context.Context, req *http.Request) error {
	if user := t.url.User; user != nil && req.Header.Get("Authorization") == "" {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	if t.endpoint.Auth == nil {
		return nil
	}
	if err := t.endpoint.Auth.Authorize(ctx, req); err != nil {
		return fmt.Errorf("%w: %w", errCredentials, err)
	}
	return nil
}

// exchange posts the request and reads the answer. Once there is a status, it
// says what the answer means; whatever is wrong with the body after it is not told.
func exchange(client *httpclient.Client, req *http.Request) (answer, error) {
	res, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	got := answer{status: res.StatusCode, location: res.Header.Get("Location")}
	got.retryAfter = httpclient.RetryAfter(res.Header, time.Now())
	// A body that is read to its end gives the connection back; a longer one costs
	// its connection, which is cheaper than reading on. A compressed one is kept as
	// what it holds, or a secret in it would be kept unseen.
	if res.Body != http.NoBody {
		res.Body = limited{io.LimitReader(res.Body, maxAnswerBytes), res.Body}
		got.body, got.cut = client.ReadStart(res, maxAnswerBytes)
	}
	return got, nil
}

// limited is the beginning of a body.
type limited struct {
	io.Reader
	io.Closer
}

func statusText(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}
