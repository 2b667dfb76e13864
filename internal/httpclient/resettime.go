package httpclient

import (
	"net/http"
	"strings"
	"time"
)

// maxReset is the longest time until a reset that can be meant.
const maxReset = 366 * 24 * time.Hour

// upstreamTime is what the clock of the upstream shows, as its Date says, and
// now where it says nothing: times that it names are times of that clock, which
// may be wrong.
func upstreamTime(h http.Header, now time.Time) time.Time {
	date, err := http.ParseTime(onlyValue(h, "Date"))
	if err != nil {
		return now
	}
	// What a cache answers carries the date of the first answer.
	if age := parseCount(onlyValue(h, "Age")); age > 0 && time.Duration(age) < maxReset/time.Second {
		date = date.Add(time.Duration(age) * time.Second)
	}
	return date
}

// parseReset reads when a budget is renewed: a number of seconds, a Unix time in
// seconds or in a thousandth, millionth or billionth of one, an HTTP date or a
// time of RFC 3339. It returns the time until then, and 0 where that has passed,
// lies too far off, or cannot be read. clock is the time at the upstream.
//
// A number is a Unix time where it is near that of the clock; a number of
// seconds like that would be decades.
func parseReset(text string, clock time.Time) time.Duration {
	var wait time.Duration
	if n, ok := parseNumber(text); ok {
		wait = untilNumber(n, clock)
	} else if at, ok := parseTime(text); ok {
		wait = at.Sub(clock)
	}
	if wait < 0 || wait > maxReset {
		return 0
	}
	return wait
}

func untilNumber(n float64, clock time.Time) time.Duration {
	if n <= maxReset.Seconds() {
		return time.Duration(n * float64(time.Second))
	}
	present := float64(clock.UnixNano()) / float64(time.Second)
	for _, unit := range []float64{1, 1e3, 1e6, 1e9} {
		if at := n / unit; at > present/2 && at < present*2 {
			wait := at - present
			if wait > maxReset.Seconds() {
				return 0
			}
			return time.Duration(wait * float64(time.Second))
		}
	}
	return 0
}

func parseTime(text string) (time.Time, bool) {
	if text == "" || len(text) > 64 {
		return time.Time{}, false
	}
	if at, err := http.ParseTime(text); err == nil {
		return at, true
	}
	at, err := time.Parse(time.RFC3339, strings.Replace(text, " ", "T", 1))
	return at, err == nil
}
