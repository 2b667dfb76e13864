package httpclient

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// RedactURL returns a URL as it may be shown: scheme, host and path, and of the
// query only the keys. Userinfo and fragment are left out.
func RedactURL(u *url.URL) string {
	var b strings.Builder
	if u.Scheme != "" {
		b.WriteString(u.Scheme)
		b.WriteString("://")
	}
	b.WriteString(u.Host)
	b.WriteString(u.EscapedPath())
	b.WriteString(redactQuery(u.RawQuery))
	return b.String()
}

// redactQuery returns the keys of a query, and ? before them.
func redactQuery(query string) string {
	var b strings.Builder
	sep := byte('?')
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		b.WriteByte(sep)
		sep = '&'
		key, _, valued := strings.Cut(pair, "=")
		if !valued {
			// A query without keys may be a token as a whole.
			b.WriteString("…")
			continue
		}
		b.WriteString(key)
		b.WriteString("=…")
	}
	return b.String()
}

// URL returns a URL that a peer sent as it may be shown, like [RedactURL]. Parts
// of the path that hold a known secret are left out. What was sent may come back
// escaped once more, in forms that no redactor knows: where a secret is found
// beneath the escapes and not in one part, only scheme and host are shown.
func (r *Redactor) URL(u *url.URL) string {
	segments := strings.Split(u.EscapedPath(), "/")
	for i, segment := range segments {
		if r.holdsBeneath(segment) {
			segments[i] = "…"
		}
	}
	path := strings.Join(segments, "/")
	if r.holdsBeneath(path) {
		return u.Scheme + "://" + u.Host
	}
	return u.Scheme + "://" + u.Host + path + r.Mask(redactQuery(u.RawQuery))
}

// maxEscapes is how many times a text may have been escaped.
const maxEscapes = 3

// holdsBeneath reports whether a known secret is in a part of a URL, however
// often that was escaped.
func (r *Redactor) holdsBeneath(text string) bool {
	for range maxEscapes {
		if r.Holds(text) {
			return true
		}
		plain, err := url.PathUnescape(text)
		if err != nil {
			return false
		}
		text = plain
	}
	return r.Holds(text)
}

// stripURL takes the whole URL, which url.Error carries, out of an error.
func stripURL(err error) error {
	ue, ok := errors.AsType[*url.Error](err)
	if !ok {
		return err
	}
	where := "the url"
	if u, perr := url.Parse(ue.URL); perr == nil {
		where = RedactURL(u)
	}
	return fmt.Errorf("%s %s: %w", ue.Op, where, ue.Err)
}
