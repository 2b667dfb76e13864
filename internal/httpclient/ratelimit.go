package httpclient

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxRateLimitField is how long a field may be that is read at all.
	maxRateLimitField = 4 << 10
	// maxRateLimitCount is the most requests that can be meant.
	maxRateLimitCount = 1e9
)

// RateLimit is what an answer says of the budget that its request was taken from.
type RateLimit struct {
	// Limit is how many requests the budget has in a window, 0 where that is
	// not said.
	Limit int
	// Remaining is how many of them are left, -1 where that is not said.
	Remaining int
	// Reset is the time until there are more again, 0 where that is not said.
	// The caller caps it.
	Reset time.Duration
	// RetryAfter is the time until the next request may be made, at least one
	// second, 0 where that is not said. The caller caps it.
	RetryAfter time.Duration
	// Refused says that the request was one too many. Of a 403 the headers must
	// say so: most of them mean something else.
	Refused bool
}

// ParseRateLimit reads what an answer that came at now says of rate limits.
//
// It knows the RateLimit field of draft-ietf-httpapi-ratelimit-headers in its
// present and its former forms, the fields RateLimit-Limit, -Remaining and
// -Reset before it, those that begin with X-RateLimit- (GitHub and many) or
// X-Rate-Limit- (Twitter), and Retry-After, which is all that Slack and Stripe
// send. Where several budgets are named, the one with the least left counts.
// What is repeated with another value, contradicts itself or cannot be meant is
// taken as not said.
func ParseRateLimit(status int, h http.Header, now time.Time) RateLimit {
	clock := upstreamTime(h, now)
	r := RateLimit{Remaining: -1}
	for _, quota := range fieldQuotas(h) {
		r.tighten(quota)
	}
	for _, prefix := range []string{"Ratelimit-", "X-Ratelimit-", "X-Rate-Limit-"} {
		r.tighten(prefixedQuota(h, prefix, clock))
	}
	if status >= http.StatusBadRequest {
		r.RetryAfter = RetryAfter(h, now)
	}
	r.Refused = status == http.StatusTooManyRequests ||
		status == http.StatusForbidden && (r.RetryAfter > 0 || r.Remaining == 0)
	return r
}

// RetryAfter returns the wait that the Retry-After of an answer that came at now
// asks for, at least one second, and 0 where there is none. Of several the
// longest counts.
func RetryAfter(h http.Header, now time.Time) (wait time.Duration) {
	for _, value := range h["Retry-After"] {
		if w, ok := ParseRetryAfter(value, upstreamTime(h, now)); ok {
			wait = max(wait, w)
		}
	}
	return wait
}

// quota is what one field says. It is the zero value but for remaining, which is
// -1, where it says nothing.
type quota struct {
	limit, remaining int
	reset            time.Duration
}

// tighten takes over what q says where less is left of it.
func (r *RateLimit) tighten(q quota) {
	switch {
	case q.remaining < 0 && r.Remaining < 0:
		r.Limit, r.Reset = max(r.Limit, q.limit), max(r.Reset, q.reset)
	case q.remaining < 0:
	case r.Remaining < 0 || q.remaining < r.Remaining:
		r.Limit, r.Remaining, r.Reset = q.limit, q.remaining, q.reset
	case q.remaining == r.Remaining:
		r.Limit, r.Reset = max(r.Limit, q.limit), max(r.Reset, q.reset)
	}
}

// newQuota makes a quota of numbers, negative ones being unknown.
func newQuota(limit, remaining int, reset time.Duration) quota {
	q := quota{limit: max(0, limit), remaining: max(-1, remaining), reset: max(0, reset)}
	// A budget of none is how some say that there is no limit.
	if limit == 0 || limit > 0 && remaining > limit {
		return quota{remaining: -1}
	}
	return q
}

// prefixedQuota reads the fields that begin with a prefix.
func prefixedQuota(h http.Header, prefix string, clock time.Time) quota {
	limitField := onlyValue(h, prefix+"Limit")
	first, policies, _ := strings.Cut(limitField, ",")
	limit := parseCount(first)
	remaining := parseCount(onlyValue(h, prefix+"Remaining"))
	if remaining < 0 && limit > 0 {
		if used := parseCount(onlyValue(h, prefix+"Used")); used >= 0 {
			remaining = max(0, limit-used)
		}
	}
	reset := parseReset(onlyValue(h, prefix+"Reset"), clock)
	if reset == 0 {
		reset = parseReset(onlyValue(h, prefix+"Reset-After"), clock)
	}
	if reset == 0 && policies != "" {
		reset = policyWindow(policies)
	}
	return newQuota(limit, remaining, reset)
}

// onlyValue is the value of a field, empty where it has several that differ.
func onlyValue(h http.Header, name string) string {
	values := h[name]
	if len(values) == 0 || len(values[0]) > maxRateLimitField {
		return ""
	}
	for _, other := range values[1:] {
		if other != values[0] {
			return ""
		}
	}
	return strings.TrimSpace(values[0])
}

// parseCount reads a number of requests, and returns -1 where it is none.
func parseCount(text string) int {
	n, ok := parseNumber(strings.TrimSpace(text))
	if !ok || n > maxRateLimitCount {
		return -1
	}
	return int(n)
}

// parseNumber reads a number that is not negative, written in digits with or
// without a point.
func parseNumber(text string) (float64, bool) {
	if text == "" || len(text) > 32 || strings.Trim(text, "0123456789.") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil && !math.IsInf(n, 0)
}
