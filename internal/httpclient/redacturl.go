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
	sep := byte('?')
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
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
