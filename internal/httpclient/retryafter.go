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
// date, which counts from now. The wait is at least one second; the caller caps
// it. It is not ok where the header is missing or is neither form, and where
// the number is negative or too large to be meant.
func ParseRetryAfter(header string, now time.Time) (wait time.Duration, ok bool) {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0, false
	}
	if strings.Trim(header, "0123456789") == "" {
		// The only error is that of a number out of range, which gives the largest int64.
		seconds, _ := strconv.ParseInt(header, 10, 64)
		return max(time.Duration(min(seconds, maxRetryAfterSeconds))*time.Second, minRetryAfter), true
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0, false
	}
	return max(at.Sub(now), minRetryAfter), true
}
