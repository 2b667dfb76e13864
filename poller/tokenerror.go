package poller

import (
	"errors"
	"time"
)

// ErrToken says that a request was not sent because there is no access token
// for it.
var ErrToken = errors.New("access token could not be obtained")

// tokenError is an ErrToken in words of its own. Its text shows no secret.
type tokenError struct {
	err error
	// refusedGrant says that the server refused the grant itself (invalid_grant).
	refusedGrant bool
	retryable    bool
	// retryAfter is what the server asked for.
	retryAfter time.Duration
	// until is when the next token may be asked for.
	until time.Time
}

func (e *tokenError) Error() string        { return "obtain access token: " + e.err.Error() }
func (e *tokenError) Unwrap() error        { return e.err }
func (e *tokenError) Is(target error) bool { return target == ErrToken }
