// Package subscription keeps the endpoints that are registered over the API, as
// REST hooks are: it judges what is asked for, makes sure that the receiver
// wants it where that is required, seals URL and secret, and says who is to be
// told. It neither tells nor speaks HTTP.
package subscription

import (
	"net/url"
	"strings"
	"time"

	"github.com/pollwire/pollwire/internal/expression"
	"github.com/pollwire/pollwire/notify"
)

// Prefix is what the ID of every subscription begins with. A ULID follows.
const Prefix = "sub_"

// Request is what a client asks for.
type Request struct {
	// URL is where webhooks are posted to. It may be a secret in itself.
	URL string
	// Sources are the names of those whose events are told, none for all.
	Sources []string
	// Events are globs of event types, none for all changes and no alerts.
	Events []string
	// Filter is an expression of a change, empty for none.
	Filter string
	// Secret signs the webhooks; one is made where it is empty.
	Secret string
}

// Subscription is what is told of one to those who may know of it.
type Subscription struct {
	ID string
	// URL is the part of it that may be shown: scheme and host.
	URL             string
	Sources, Events []string
	Filter          string
	CreatedAt       time.Time
	// Problem says why it is not told, or not as it should be, and the way out;
	// empty where all is well.
	Problem string
}

// Endpoint is a subscription as it is told.
type Endpoint struct {
	// Name is the subscription's ID.
	Name string
	// Readable says that URL and Secret are known. Deliveries of the others wait.
	Readable bool
	URL      string
	Secret   notify.Secret
	// Sources, Events and Filter say which events are told, as in a [Request].
	Sources, Events []string
	Filter          *expression.Program
}

// Invalid is an error in what was asked for.
type Invalid struct {
	// Reason is told to the client: what is wrong, and the way out.
	Reason string
}

func (e *Invalid) Error() string { return e.Reason }

// Refused is the error of what cannot be done as things are.
type Refused struct {
	// Reason is told to the client: why not, and the way out.
	Reason string
}

func (e *Refused) Error() string { return e.Reason }

// shown is the part of a URL that is no secret.
func shown(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return ""
	}
	origin := u.Scheme + "://" + u.Host
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		origin += "/..."
	}
	return origin
}
