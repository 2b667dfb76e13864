package poller

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/pollwire/pollwire/internal/httpclient"
)

// maxTokenBody bounds the answer with a token, decompressed.
const maxTokenBody = 1 << 20

// tokenClient sends requests for tokens. It follows no redirect: what it sends
// is for the configured URL only.
type tokenClient struct {
	*httpclient.Client
	// mask knows all that errors must not show.
	mask func() *httpclient.Redactor
}

// tokenReply is an answer, whatever it says.
type tokenReply struct {
	url        *url.URL
	status     int
	retryAfter time.Duration
	body       []byte
}

// send returns the answer to a request, or a *tokenError where there is none or
// where it is a redirect.
func (c *tokenClient) send(req *http.Request) (*tokenReply, error) {
	resp, err := c.Do(req)
	if err != nil {
		return nil, c.failure(req.URL, err)
	}
	defer resp.Body.Close()
	if isRedirect(resp) {
		httpclient.Drain(resp)
		return nil, c.final(req.URL, fmt.Sprintf("answered %d, a redirect to %s, which is not followed with credentials: write the final url into auth",
			resp.StatusCode, c.target(req.URL, resp.Header.Get("Location"))))
	}
	reply := &tokenReply{url: req.URL, status: resp.StatusCode}
	reply.retryAfter, _ = httpclient.ParseRetryAfter(resp.Header.Get("Retry-After"), time.Now())
	body, err := c.ReadBody(resp, maxTokenBody)
	if err != nil {
		if tooLarge, ok := errors.AsType[*httpclient.BodyTooLargeError](err); ok {
			return nil, c.final(req.URL, fmt.Sprintf("answered %d with more than %d bytes", resp.StatusCode, tooLarge.Limit))
		}
		return nil, c.failure(req.URL, err)
	}
	defer body.Release()
	reply.body = append([]byte(nil), body.Bytes...)
	return reply, nil
}

// target is where a redirect leads, as it may be shown.
func (c *tokenClient) target(at *url.URL, location string) string {
	u, err := redirectTarget(at, location)
	if err != nil {
		return "an invalid location"
	}
	return c.mask().URL(u)
}

// failure is the error of a request that got no whole answer.
func (c *tokenClient) failure(at *url.URL, err error) *tokenError {
	return &tokenError{err: c.mask().Error(fmt.Errorf("%s: %w", httpclient.RedactURL(at), err)), retryable: retryable(0, err)}
}

// final is the error of an answer that another one will not differ from.
func (c *tokenClient) final(at *url.URL, text string) *tokenError {
	return &tokenError{err: c.mask().Error(errors.New(httpclient.RedactURL(at) + " " + text))}
}

// refusal is the error of an answer that grants nothing; why is what it gives
// as the reason, empty where only its body can say it.
func (c *tokenClient) refusal(r *tokenReply, why string) *tokenError {
	text := fmt.Sprintf("answered %d", r.status)
	if name := http.StatusText(r.status); name != "" {
		text += " " + name
	}
	if why == "" {
		why = string(r.body[:min(len(r.body), excerptRead)])
	}
	if shown := c.mask().Excerpt([]byte(why), len(r.body) > excerptRead, excerptShown); shown != "" {
		text += ": " + shown
	}
	failure := c.final(r.url, text)
	failure.retryable, failure.retryAfter = temporary(r.status), r.retryAfter
	return failure
}

// usableToken says why a token cannot be sent in a header, or "".
func usableToken(token string) string {
	switch {
	case token == "":
		return "it holds no token"
	case len(token) > maxToken:
		return "its token is too long for a header"
	case !validHeaderValue(token) || token[0] == ' ' || token[len(token)-1] == ' ':
		return "its token cannot be sent in a header: it holds a line break, a control character or a space at its end"
	}
	return ""
}

// maxToken bounds a token, in bytes: servers take headers of some KiB.
const maxToken = 64 << 10
