package poller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"
)

const (
	// maxEarly is how long before its end a token is renewed at most; a tenth of
	// its lifetime where that is less.
	maxEarly = time.Minute
	// A token that replaced a refused one, and is refused itself, is not replaced
	// before this: its refusal is then no matter of its age.
	minReplaced = time.Minute
	// firstTokenWait and maxTokenWait bound the wait after an answer without a
	// token; it doubles in between.
	firstTokenWait = time.Second
	maxTokenWait   = time.Minute
	// maxTokenRetryAfter is the longest wait that a token's server can ask for.
	maxTokenRetryAfter = time.Hour
	// keptTokens is how many tokens are masked that are used no more: servers may
	// still echo them.
	keptTokens = 8
)

// errTokensStopped says that no token is obtained any more.
var errTokensStopped = errors.New("tokens are stopped")

// keeper keeps the token of one grant, for all sources that share it.
type keeper struct {
	tokens *Tokens
	// credential is the id of its credentials.
	credential string
	asker      asker
	timeout    time.Duration
	// chain is nil where there is no refresh token. Only a fetch under way uses it.
	chain *chain

	mu sync.Mutex
	// client goes the route.
	client *tokenClient
	route  Route
	// current is nil where there is no token, or it was refused.
	current *token
	// refused says that the next token replaces one that was refused.
	refused bool
	// fetch is under way where it is not nil.
	fetch *fetch
	// failure is that of the last fetch; until waitUntil none is made.
	failure   *tokenError
	failures  int
	waitUntil time.Time
	known     []string // tokens, newest last
}

// token is an access token.
type token struct {
	value    string
	obtained time.Time
	// renewAt comes shortly before end; both are zero where nothing is known of
	// its end.
	renewAt, end time.Time
	replacement  bool
}

// fetch is a request for a token that others may wait for.
type fetch struct {
	done chan struct{} // closed at its end
	// cancel ends it before.
	cancel context.CancelFunc
	value  string
	err    error
}

// get returns the token, and waits for it where there is none. The end of ctx
// ends the waiting, and not what is waited for.
func (k *keeper) get(ctx context.Context) (string, error) {
	k.mu.Lock()
	now := time.Now()
	waiting := now.Before(k.waitUntil)
	switch t := k.current; {
	case t != nil && (t.end.IsZero() || now.Before(t.renewAt) || waiting && now.Before(t.end)):
		k.mu.Unlock()
		return t.value, nil
	case k.fetch != nil:
	case waiting:
		err := k.failure
		k.mu.Unlock()
		return "", err
	default:
		k.fetch = &fetch{done: make(chan struct{})}
		if err := k.tokens.start(k, k.fetch); err != nil {
			k.fetch = nil
			k.mu.Unlock()
			return "", err
		}
	}
	f := k.fetch
	k.mu.Unlock()
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		return "", &tokenWait{cause: context.Cause(ctx)}
	}
}

// run makes the fetch that get began. A token whose end is near serves on where
// no other can be had.
func (k *keeper) run(ctx context.Context) {
	t, err := k.obtain(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	f := k.fetch
	k.fetch = nil
	now := time.Now()
	switch {
	case err == nil:
		t.replacement, k.refused = k.refused, false
		k.current = t
		k.failure, k.failures, k.waitUntil = nil, 0, time.Time{}
		f.value = t.value
	case k.current != nil && now.Before(k.current.end):
		k.fail(now, err)
		f.value = k.current.value
	case errors.Is(err, ErrElsewhere):
		f.err = err // nothing was asked for, so that nobody has to wait with it
	default:
		k.fail(now, err)
		f.err = k.failure
	}
	close(f.done)
}

// fail notes that there is no token, and when the next may be asked for. The
// lock is held.
func (k *keeper) fail(now time.Time, err error) {
	failure, ok := errors.AsType[*tokenError](err)
	if !ok {
		failure = &tokenError{err: err, retryable: retryable(0, err)}
	}
	wait := maxTokenWait
	if k.failures < 6 {
		wait = firstTokenWait << k.failures
	}
	k.failures++
	k.waitUntil = now.Add(min(max(wait, failure.retryAfter), maxTokenRetryAfter))
	failure.until = k.waitUntil
	k.failure = failure
}

// obtain asks for a token. A refresh token that replaces the one that was used
// is saved first: until then the access token that came with it is not used.
func (k *keeper) obtain(ctx context.Context) (*token, error) {
	refresh := ""
	if k.chain != nil {
		pending, err := k.chain.begin(ctx)
		if err != nil || pending != nil {
			return pending, err
		}
		refresh = k.chain.refresh
		k.remember(refresh)
	}
	if !k.tokens.holds(k.credential) {
		return nil, &tokenError{err: ErrElsewhere}
	}
	k.mu.Lock()
	client := k.client
	k.mu.Unlock()
	asked := time.Now()
	answer, err := k.asker.ask(ctx, client, refresh)
	if err != nil {
		if k.chain != nil {
			err = k.chain.explain(err)
		}
		return nil, err
	}
	k.remember(answer.refresh, answer.access)
	t := newToken(answer, asked)
	if k.chain == nil || answer.refresh == "" {
		return t, nil
	}
	return t, k.chain.rotate(ctx, answer.refresh, t)
}

// trust takes another client for the same route, where what its file of
// authorities holds is another than before. A refresh token has one keeper, by
// whichever route it is asked for, so that this would else stay at the old ones.
func (k *keeper) trust(r Route, client *httpclient.Client) {
	k.mu.Lock()
	defer k.mu.Unlock()
	same := k.route
	same.CAVersion = r.CAVersion
	if same == r && k.route != r {
		k.route, k.client = r, &tokenClient{Client: client, mask: k.client.mask}
		k.failure, k.failures, k.waitUntil = nil, 0, time.Time{} // that may have been why
	}
}

// newToken counts the lifetime of a token from when it was asked for: that is
// early, never late.
func newToken(answer tokenAnswer, asked time.Time) *token {
	t := &token{value: answer.access, obtained: time.Now()}
	if answer.lifetime > 0 {
		t.end = asked.Add(answer.lifetime)
		t.renewAt = t.end.Add(-min(answer.lifetime/10, maxEarly))
	}
	return t
}

// renew gives up the token if it is the one that was refused, and reports
// whether there is, or will be, another.
func (k *keeper) renew(isRefused func(token string) bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.current
	switch {
	case t == nil || !isRefused(t.value):
		return true // another source had it renewed since
	case t.replacement && time.Since(t.obtained) < minReplaced:
		return false
	}
	k.current, k.refused = nil, true
	return true
}

// remember adds to what is masked.
func (k *keeper) remember(values ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, v := range values {
		if v != "" && !slices.Contains(k.known, v) {
			k.known = append(k.known, v)
		}
	}
	if extra := len(k.known) - keptTokens; extra > 0 {
		k.known = slices.Delete(k.known, 0, extra)
	}
}

func (k *keeper) secrets() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.known)
}

// tokenWait says that the caller stopped waiting for a token.
type tokenWait struct{ cause error }

func (w *tokenWait) Error() string { return fmt.Sprintf("wait for access token: %v", w.cause) }
func (w *tokenWait) Unwrap() error { return w.cause }
