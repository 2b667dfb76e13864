package poller

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// FetchError says why a request gave no observation. Its text names the
// request, with credentials and query values removed.
type FetchError struct {
	// Method and URL are the request, as it may be shown.
	Method, URL string
	// Page is the number of the page, from 1, where the source has pages; else 0.
	Page int
	// Status is the code of the answer, 0 where there was none.
	Status int
	// Unreached says that the host of the source gave no answer at all, for a
	// reason that lies with it or the network between.
	Unreached bool
	// Retryable says that another attempt may succeed soon.
	Retryable bool
	// RetryAfter is the wait that the answer asked for, at least one second and
	// not capped; 0 where it asked for none. Of an [ErrToken] it is the wait until
	// a token is asked for again, which is no concern of the source's server.
	RetryAfter time.Duration
	// Renewed says that the server refused the credentials, and that the same
	// request may be made again at once, under its limit, with others. Whoever
	// asks does so once for each request.
	Renewed bool
	// Err is the reason.
	Err error
}

// Error names the request and the reason.
func (e *FetchError) Error() string {
	page := ""
	if e.Page > 0 {
		page = fmt.Sprintf("page %d: ", e.Page)
	}
	return page + e.Method + " " + e.URL + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *FetchError) Unwrap() error { return e.Err }

// ErrTimeout says that the answer was not complete in time.
var ErrTimeout = errors.New("answer not complete within request.timeout")

// ErrUnfit says that a complete answer is no observation: its code, its type or
// its lack of a body speaks against it.
var ErrUnfit = errors.New("answer is no observation")

// errRequest says that the request cannot be sent as it is configured.
var errRequest = errors.New("request cannot be sent")

// errRedirect says that a redirect was not followed to its end.
var errRedirect = errors.New("redirect was not followed")

// errPage says that a page, or where it leads, speaks against the poll.
var errPage = errors.New("page does not fit")

// badPage is an errPage that says why in its own words.
type badPage struct{ err error }

func (p *badPage) Error() string        { return p.err.Error() }
func (p *badPage) Unwrap() error        { return p.err }
func (p *badPage) Is(target error) bool { return target == errPage }

// unfit is an ErrUnfit in words of its own.
type unfit struct {
	text string
	// code is set where the status code alone made it unfit.
	code bool
}

func (u *unfit) Error() string        { return u.text }
func (u *unfit) Is(target error) bool { return target == ErrUnfit }

// unreached says that the host of the source gave no answer.
type unreached struct{ err error }

func (u *unreached) Error() string { return u.err.Error() }
func (u *unreached) Unwrap() error { return u.err }

// stopped says that the caller ended the attempt.
type stopped struct{ cause error }

func (s *stopped) Error() string        { return "stopped: " + s.cause.Error() }
func (s *stopped) Unwrap() error        { return s.cause }
func (s *stopped) Is(target error) bool { return target == context.Canceled }

// timedOut is an ErrTimeout that says how long it waited, and for what.
type timedOut struct {
	after time.Duration
	doing string
}

func (t *timedOut) Error() string {
	return fmt.Sprintf("timed out after %s %s (request.timeout)", t.after, t.doing)
}

// unadmitted says that a redirect was not followed because its limit did not let
// it through in time.
type unadmitted struct {
	limit string
	err   error
}

func (u *unadmitted) Error() string { return "follow redirect: " + u.err.Error() }
func (u *unadmitted) Unwrap() error { return u.err }

// waitingFor is what an attempt without an answer was doing.
func waitingFor(err error) string {
	if u, ok := errors.AsType[*unadmitted](err); ok {
		return fmt.Sprintf("waiting for rate limit %q to let a redirect through; set request.url to where it leads", u.limit)
	}
	return "waiting for the answer"
}

func (t *timedOut) Is(target error) bool { return target == ErrTimeout }

// retryable decides whether another attempt may succeed soon. status is the
// code of the answer, 0 where there was none.
//
// The network and its peers may recover: refused and cut connections, timeouts,
// 408, 429 and 5xx. What was said on purpose stays as it is: other codes, the
// wrong content, too large a body, a certificate, a refused address.
func retryable(status int, err error) bool {
	if u, ok := errors.AsType[*unfit](err); ok && u.code {
		return temporary(status)
	}
	if proxy, ok := errors.AsType[*httpclient.ProxyError](err); ok {
		return temporary(proxy.Status)
	}
	for _, final := range []error{
		context.Canceled, ErrUnfit, errRequest, errRedirect, errPage, errCharset,
		httpclient.ErrProxied, httpclient.ErrCompressedTooLarge,
	} {
		if errors.Is(err, final) {
			return false
		}
	}
	return !isFinal[*httpclient.BodyTooLargeError](err) &&
		!isFinal[*httpclient.EncodingError](err) &&
		!isFinal[*httpclient.ForbiddenAddressError](err) &&
		!isFinal[*tls.CertificateVerificationError](err) &&
		!isFinal[x509.UnknownAuthorityError](err) &&
		!isFinal[x509.HostnameError](err) &&
		!isFinal[x509.CertificateInvalidError](err)
}

// temporary reports whether a code says that the same may succeed soon.
func temporary(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

func isFinal[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
