package httpclient

import (
	"net/http"
	"time"
)

// PollInterval is the least time until its next poll that an answer asks for by
// X-Poll-Interval, in seconds, as GitHub does; 0 where it asks for none. What is
// repeated with another value, or is no number, is taken as not said. The caller
// caps it.
func PollInterval(h http.Header) time.Duration {
	seconds, ok := parseNumber(onlyValue(h, "X-Poll-Interval"))
	if !ok {
		return 0
	}
	return time.Duration(min(seconds, float64(maxReset/time.Second)) * float64(time.Second))
}
