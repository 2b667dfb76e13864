package poller

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pollwire/pollwire/internal/httpclient"
)

const (
	// excerptRead is how much of an unfit answer is read to be shown.
	excerptRead = 4 << 10
	// excerptShown is how much of it is shown, in bytes.
	excerptShown = 200
)

// accepts reports whether answers of this code are observations.
func (t *template) accepts(code int) bool { return slices.Contains(t.success, code) }

// read turns an answer into an observation, without its names and times.
func (f *Fetcher) read(t *template, state State, a answer) (*Observation, error) {
	resp := a.resp
	if resp.StatusCode == http.StatusNotModified {
		if !a.validated {
			return nil, &unfit{text: "answered 304 Not Modified, though no validators were sent"}
		}
		return &Observation{Status: resp.StatusCode, Unchanged: true, State: state}, nil
	}
	if !t.accepts(resp.StatusCode) {
		return nil, f.unexpectedCode(t, a)
	}
	// 204 and 205 count only where success_status_codes lists them: then an
	// empty body is what the operator takes for an answer.
	bodyless := resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusResetContent
	mediaType := mediaTypeOf(resp.Header.Get("Content-Type"))
	if want := mediaTypeOf(t.source.Request.ContentType); want != "" && mediaType != want && !bodyless {
		return nil, f.unexpectedType(t, resp, want)
	}
	body, err := f.client.ReadBody(resp, t.limit)
	if err != nil {
		return nil, err
	}
	if len(body.Bytes) == 0 && !bodyless {
		body.Release()
		return nil, emptyBody(resp)
	}
	o := &Observation{Status: resp.StatusCode, ContentType: mediaType, Bytes: int64(len(body.Bytes)), fetcher: f, template: t}
	o.State.RawHash = sha256.Sum256(body.Bytes)
	if !a.redirected {
		// Validators belong to the URL that gave them. A redirect may lead
		// elsewhere next time, where they would mean another thing.
		o.State.ETag, o.State.LastModified = validators(resp.Header, state)
	}
	if o.State.RawHash == state.RawHash {
		o.Unchanged = true
		body.Release()
		return o, nil
	}
	if err := f.fit(t, resp, body); err != nil {
		body.Release()
		return nil, err
	}
	o.Body, o.buffer = body.Bytes, body
	return o, nil
}

// fit turns a body to UTF-8, and refuses one that is no observation.
func (f *Fetcher) fit(t *template, resp *http.Response, body *httpclient.Body) error {
	if len(body.Bytes) == 0 {
		return nil
	}
	decoded, err := toUTF8(body.Bytes, resp.Header.Get("Content-Type"), t.limit)
	if err != nil {
		return err
	}
	body.Bytes = decoded
	switch {
	case len(decoded) == 0:
		return emptyBody(resp)
	case endsWithConnection(resp) && !whole(decoded):
		return &unfit{text: "body ends with its connection, so it cannot be told from one that was cut:" +
			" the server must send a Content-Length or chunked encoding"}
	case t.source.Request.GraphQL:
		return f.checkGraphQL(t, decoded)
	}
	return nil
}

func (f *Fetcher) unexpectedCode(t *template, a answer) error {
	resp := a.resp
	text := fmt.Sprintf("answered %d", resp.StatusCode)
	if name := http.StatusText(resp.StatusCode); name != "" {
		text += " " + name
	}
	if isRedirect(resp) {
		where := "an invalid location"
		if u, err := redirectTarget(t.base.URL, resp.Header.Get("Location")); err == nil {
			where = httpclient.RedactURL(u)
		}
		text += ", a redirect to " + where + " that is not followed"
	}
	return &unfit{text: text + f.excerpt(t, resp), code: true}
}

func (f *Fetcher) unexpectedType(t *template, resp *http.Response, want string) error {
	// Masked as it came: a secret in other letters, or cut, is not recognised.
	got := f.mask(t).Excerpt([]byte(resp.Header.Get("Content-Type")), false, excerptShown)
	if got = mediaTypeOf(got); got == "" {
		got = "missing"
	}
	return &unfit{text: fmt.Sprintf("content type is %s, not %s (expect.content_type)", got, want) + f.excerpt(t, resp)}
}

func emptyBody(resp *http.Response) error {
	if resp.Request != nil && resp.Request.Method == http.MethodHead {
		return &unfit{text: "answer to a HEAD request has no body to compare"}
	}
	return &unfit{text: fmt.Sprintf("answered %d with an empty body", resp.StatusCode)}
}

// excerpt returns the beginning of a body for the end of an error's text.
func (f *Fetcher) excerpt(t *template, resp *http.Response) string {
	if resp.StatusCode < 200 {
		return "" // what follows is another protocol
	}
	start, cut := f.client.ReadStart(resp, excerptRead)
	shown := f.mask(t).Excerpt(start, cut, excerptShown)
	if shown == "" {
		return ""
	}
	return ": " + shown
}

// mediaTypeOf returns a media type without its parameters, in lower case.
func mediaTypeOf(contentType string) string {
	mediaType, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(mediaType))
}

// endsWithConnection reports whether nothing but the end of the connection marks
// the end of the body.
func endsWithConnection(resp *http.Response) bool {
	return resp.ProtoMajor == 1 && resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 &&
		!httpclient.Compressed(resp)
}

// whole reports whether a body shows by itself that nothing of it is missing. A
// JSON number does not: 12 may be the beginning of 123.
func whole(body []byte) bool {
	body = bytes.TrimSpace(body)
	return len(body) > 0 && strings.IndexByte(`{["`, body[0]) >= 0 && json.Valid(body)
}
