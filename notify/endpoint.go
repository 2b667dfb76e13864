package notify

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"time"
)

const (
	defaultTimeout     = 15 * time.Second
	defaultMaxInFlight = 16
)

// Endpoint is a URL that is told. It is immutable once it was handed to a
// [Dispatcher] or a [Sender].
type Endpoint struct {
	// Name identifies the endpoint; its deliveries and its state follow it.
	Name string
	// URL may be a secret in itself: of it only scheme and host are ever shown.
	URL string
	// Enabled endpoints are posted to, unless they were disabled at run time;
	// the deliveries of the others wait.
	Enabled bool
	// Secrets sign each attempt, all that are live. Only endpoints whose format is
	// not pollwire's own may have none; nothing else is posted unsigned.
	Secrets []Secret
	// Header is sent with each attempt. All that it holds, but for descriptions such
	// as Accept, is taken for a secret. It cannot replace Content-Type, nor the
	// Webhook- and Pollwire- headers.
	Header http.Header
	// Timeout bounds one attempt, from the dial to the last byte of the answer
	// that is read; 0 means 15 s.
	Timeout time.Duration
	// MaxInFlight is the most attempts under way at once; 0 means 16.
	MaxInFlight int
	// Retry says when failed deliveries are tried again.
	Retry RetryPolicy

	// Order says which deliveries must keep their order; empty means none.
	Order Order
	// RateLimit bounds how many attempts are made; its zero value does not.
	RateLimit RateLimit
	// Batch says how many events one attempt tells; its zero value is one.
	Batch Batch
	// Breaker stops attempts while the endpoint fails; its zero value never does.
	Breaker Breaker
	// DisableAfter disables an endpoint that has answered with nothing but
	// failures for so long; 0 never does.
	DisableAfter time.Duration

	// Format is what is posted; empty means Standard.
	Format Format
	// Template is the body of a FormatTemplate.
	Template *Template
	// Mask are further values that must not be shown, such as those in Template:
	// receivers repeat what they were posted in their answers.
	Mask []string
	// Payload says what of an event is posted.
	Payload Payload
	// MaxBody is how many bytes the body of one event may have, beyond which
	// parts of it are left out; 0 for any number.
	MaxBody int64
	// AlsoSign are other providers whose signature headers are sent too. Their key
	// is the whole text of a whsec_ secret.
	AlsoSign []Provider

	// Auth adds credentials to each attempt; nil for none.
	Auth Auth
	// Route is the way to the receiver.
	Route Route
	// Foreign says that somebody else chose the URL, so that it may lead only to
	// public addresses and to AllowNetworks.
	Foreign bool
	// AllowNetworks opens ranges of addresses, AllowKey names the configuration
	// key that a refusal of the address guard points to.
	AllowNetworks []netip.Prefix
	AllowKey      string
}

// RateLimit bounds attempts: at most Requests in any Per, up to Burst of them at
// once and the others evenly. Requests or Per of 0 bound nothing; a Burst of 0 is 1.
type RateLimit struct {
	Requests int
	Per      time.Duration
	Burst    int
}

// Batch says how events are told together: up to MaxEvents in one attempt, for
// which the first of them waits up to MaxWait. MaxEvents of 0 and 1 tell each
// event alone.
type Batch struct {
	MaxEvents int
	MaxWait   time.Duration
}

// Breaker opens after so many Failures in a row of the kind that a receiver that
// is away makes (no connection, no answer in time, 408, 429, 5xx), and then lets
// one attempt through after Cooldown, which doubles up to MaxCooldown. Failures
// of 0 never open it.
type Breaker struct {
	Failures              int
	Cooldown, MaxCooldown time.Duration
}

// Auth adds credentials to attempts. Its methods may be called concurrently.
type Auth interface {
	// Authorize adds them to a request, in place, and does not send it. It may ask
	// somebody else for a token within ctx. Its error fails the attempt.
	Authorize(ctx context.Context, req *http.Request) error
	// Renew is told that a request with this header was answered with 401. It
	// reports whether the request may be made once more, with other credentials.
	Renew(sent http.Header) bool
	// Secrets returns the values that must never be shown, such as a token.
	Secrets() []string
}

func (e *Endpoint) timeout() time.Duration {
	if e.Timeout <= 0 {
		return defaultTimeout
	}
	return e.Timeout
}

// unsigned reports whether the endpoint is posted to without a signature: only
// where it never had a secret, not because all of them are over.
func (e *Endpoint) unsigned() bool {
	if len(e.Secrets) > 0 {
		return false
	}
	switch e.Format {
	case FormatSlack, FormatDiscord, FormatTeams, FormatTemplate:
		return true
	}
	return false
}

func (e *Endpoint) order() Order { return cmp.Or(e.Order, OrderNone) }

func (e *Endpoint) maxInFlight() int {
	if e.MaxInFlight <= 0 {
		return defaultMaxInFlight
	}
	return e.MaxInFlight
}
