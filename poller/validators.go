package poller

import (
	"net/http"
	"strings"
	"time"
)

// maxValidator bounds what is kept of a validator and sent back.
const maxValidator = 1024

// unsettled is how close to the answer a Last-Modified is not trusted: its unit
// is the second, so a change later in the same second would be hidden for ever.
const unsettled = 2 * time.Second

// validators returns the ETag and Last-Modified to start the next poll from.
// Strings that stayed the same are those of old, so that an answer's whole
// header is not kept in memory for them.
func validators(h http.Header, old State) (etag, lastModified string) {
	etag = h.Get("Etag")
	switch {
	case etag == old.ETag:
		etag = old.ETag
	case len(etag) > maxValidator || !validHeaderValue(etag):
		etag = ""
	default:
		etag = strings.Clone(etag)
	}
	lastModified = h.Get("Last-Modified")
	switch {
	case lastModified == "":
	case lastModified == old.LastModified:
		lastModified = old.LastModified
	case !settled(lastModified, h.Get("Date")):
		lastModified = ""
	default:
		lastModified = strings.Clone(lastModified)
	}
	return etag, lastModified
}

// settled reports whether the answer is enough later than its last modification.
func settled(lastModified, date string) bool {
	modified, err := http.ParseTime(lastModified)
	if err != nil {
		return false
	}
	at, err := http.ParseTime(date)
	return err == nil && at.Sub(modified) >= unsettled
}

// validHeaderValue reports whether a value can be sent in a header.
func validHeaderValue(v string) bool {
	return !strings.ContainsFunc(v, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f })
}
