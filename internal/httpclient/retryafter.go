package httpclient

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// minRetryAfter is the least that a Retry-After means: "0" is sent by servers
// that would be asked in a loop.
const minRetryAfter = time.Second

// maxRetryAfterSeconds is what a time.Duration can hold.
const maxRetryAfterSeconds = int64(1<<63-1) / int64(time.Second)

// ParseRetryAfter reads a Retry-After header: a number of seconds or an HTTP
// date, which counts from now. Fractions of a second, which RFC 9110 does not
// know but Shopify sends ("2.0"), are rounded up. The wait is at least one
// second; the caller caps it. It is not ok where the header is missing or is
// neither form, and where the number is negative.
func ParseRetryAfter(header string, now time.Time) (wait time.Duration, ok bool) {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0, false
	}
	if whole, fraction, dot := strings.Cut(header, "."); isDigits(whole) && (!dot || isDigits(fraction)) {
		// The only error is that of a number out of range, which gives the largest int64.
		seconds, _ := strconv.ParseInt(whole, 10, 64)
		if seconds = min(seconds, maxRetryAfterSeconds); strings.Trim(fraction, "0") != "" {
			seconds = min(seconds+1, maxRetryAfterSeconds)
		}
		return max(time.Duration(seconds)*time.Second, minRetryAfter), true
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0, false
	}
	return max(at.Sub(now), minRetryAfter), true
}

func isDigits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }
