package subscription

import (
	"context"
	"errors"
	"fmt"
	"net/url"
)

// Added is what came of a request.
type Added struct {
	Subscription
	// Created is false where there was one for the same URL, sources, events and
	// filter, which is the one that is returned.
	Created bool
	// Secret is what signs the webhooks, in the form of Standard Webhooks. It is
	// told this once, to whoever made the subscription.
	Secret string
}

// errNoKey says why nothing can be kept.
const errNoKey = "subscriptions are kept with their URL and secret encrypted: " +
	"set storage.encryption_key in the configuration, and restart pollwire (make one with: openssl rand -base64 32)"

// Add registers a URL and returns when that is durable. Asked for again, it
// returns the subscription that there is. Its errors are *[Invalid] and
// *[Refused], or of the store.
func (r *Registry) Add(ctx context.Context, q Request) (Added, error) {
	w, err := r.validate(q)
	if err != nil {
		return Added{}, err
	}
	if r.sealer == nil {
		return Added{}, &Refused{errNoKey}
	}
	added, found, err := r.reserve(w)
	if found || err != nil {
		return added, err
	}
	defer r.release()
	e, err := newEntry(w)
	if err != nil {
		return Added{}, err
	}
	if err := r.ask(ctx, e); err != nil {
		return Added{}, err
	}

	r.changing.Lock()
	defer r.changing.Unlock()
	// Another request may have asked for the same meanwhile.
	if added, found, err := r.find(w); found || err != nil {
		return added, err
	}
	if err := r.save(ctx, e); err != nil {
		return Added{}, err
	}
	r.o.Logger.Info("subscription added", "endpoint", e.row.ID, "url", shown(w.url), "sources", w.sources, "events", w.events)
	return Added{Subscription: e.told(), Created: true, Secret: e.secrets.Secret}, nil
}

// reserve returns the subscription that a request asks for, or else takes a
// place for it, which release gives back.
func (r *Registry) reserve(w *wanted) (added Added, found bool, err error) {
	if added, found, err = r.find(w); found || err != nil {
		return added, found, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.entries)+r.pending >= maxSubscriptions {
		return Added{}, false, &Refused{fmt.Sprintf("there are %d subscriptions already, and there can be no more: delete those that nobody needs", maxSubscriptions)}
	}
	r.pending++
	return Added{}, false, nil
}

func (r *Registry) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending--
}

// find looks for a subscription that is what is wanted. One with another secret
// is an error: the client would verify what it is told with the wrong one.
func (r *Registry) find(w *wanted) (added Added, found bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, e := range r.entries {
		if !e.asks(w) {
			continue
		}
		if w.secret != "" && !e.signs(w.secret) {
			return Added{}, false, &Refused{fmt.Sprintf("subscription %s is the same but for its secret: delete it first to give it another", id)}
		}
		return Added{Subscription: e.told()}, true, nil
	}
	return Added{}, false, nil
}

// ask makes sure that the receiver can be reached and, where that is required,
// that it wants to be told.
func (r *Registry) ask(ctx context.Context, e *entry) error {
	u, err := url.Parse(e.secrets.URL)
	if err != nil {
		return errors.New("parse url: it was valid before")
	}
	rules := r.rules.Load()
	if err := rules.Receivers.Check(ctx, u); err != nil {
		return &Invalid{"url: " + err.Error()}
	}
	if !rules.Verify {
		return nil
	}
	c, err := newChallenge(e.row.ID)
	if err != nil {
		return err
	}
	endpoint := e.endpoint()
	answer, err := rules.Receivers.Challenge(ctx, &endpoint, c.id, c.body)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return &Invalid{"url: the receiver was asked to echo a challenge: " + err.Error()}
	case !c.echoed(answer):
		return &Invalid{fmt.Sprintf("url: the receiver did not echo the challenge: it must answer the event %s with data.challenge as its body, as text or as {\"challenge\": \"…\"}", challengeType)}
	}
	return nil
}
