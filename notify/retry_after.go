package notify

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// parseRetryAfter reads a Retry-After header, in seconds or as an HTTP date, as
// a wait from now. A wait of less than a second is one second; false says that
// the header is absent or unreadable.
func parseRetryAfter(header string, now time.Time) (time.Duration, bool) {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0, false
	}
	if isDigits(header) {
		const most = int64(1<<63-1) / int64(time.Second)
		seconds, err := strconv.ParseInt(header, 10, 64)
		if err != nil {
			seconds = most // out of range: longer than any cap
		}
		return max(time.Duration(min(seconds, most))*time.Second, time.Second), true
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0, false
	}
	return max(at.Sub(now), time.Second), true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
