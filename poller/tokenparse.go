package poller

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

const (
	// maxLifetime is the longest that a token is taken for; beyond it a number
	// is a mistake.
	maxLifetime = 10 * 365 * 24 * time.Hour
	// firstUnixTime is from where a number is a time, not a lifetime: 2001.
	firstUnixTime = 1e9
	// firstUnixMilli is from where such a time is in milliseconds.
	firstUnixMilli = 1e11
)

// parsedToken is the answer of a token's server: a token, or an error code (RFC
// 6749, section 5.2), or wrong says in words why it is neither.
type parsedToken struct {
	tokenAnswer
	code, description string
	wrong             string
}

// parseToken reads an answer of RFC 6749, sections 5.1 and 5.2. Servers that
// give no token_type mean bearer, and some give errors with the status 200.
func parseToken(body []byte) parsedToken {
	var p parsedToken
	if !gjson.ValidBytes(body) || !gjson.ParseBytes(body).IsObject() {
		p.wrong = "it is no JSON object"
		return p
	}
	fields := gjson.GetManyBytes(body, "access_token", "token_type", "expires_in", "refresh_token", "error", "error_description")
	access, kind := fields[0], fields[1]
	if code := fields[4]; access.String() == "" && code.Type == gjson.String && code.Str != "" {
		p.code, p.description = code.Str, fields[5].String()
		return p
	}
	switch {
	case access.Type != gjson.String:
		p.wrong = "it holds no access_token"
	case kind.Exists() && kind.Type != gjson.Null && !strings.EqualFold(kind.String(), "bearer"):
		p.wrong = "its token_type is " + strconv.Quote(shorten(kind.String())) + ", and only bearer is understood"
	default:
		p.wrong = usableToken(access.Str)
	}
	if p.wrong != "" {
		return p
	}
	p.access = access.Str
	if refresh := fields[3]; refresh.Type == gjson.String {
		p.refresh = refresh.Str
	}
	p.lifetime = secondsOf(fields[2])
	return p
}

// secondsOf reads a lifetime in seconds, which is a number or a string of one. What
// is none, or not positive, says nothing of the lifetime.
func secondsOf(r gjson.Result) time.Duration {
	n, ok := numberOf(r)
	switch {
	case !ok || n <= 0:
		return 0
	case n >= maxLifetime.Seconds():
		return maxLifetime
	}
	return time.Duration(n * float64(time.Second))
}

func numberOf(r gjson.Result) (float64, bool) {
	if r.Type != gjson.Number && r.Type != gjson.String {
		return 0, false
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(r.String()), 64)
	if r.Type == gjson.Number {
		n, err = r.Num, nil
	}
	return n, err == nil && !math.IsNaN(n)
}

// lifetimeOf reads when a token ends, in any of the forms that APIs of their own
// have: a lifetime in seconds, a Unix time in seconds or milliseconds, or a time
// of RFC 3339. What has passed says nothing.
func lifetimeOf(r gjson.Result, now time.Time) time.Duration {
	n, ok := numberOf(r)
	switch {
	case ok && n >= firstUnixMilli:
		n = n/1000 - float64(now.Unix())
	case ok && n >= firstUnixTime:
		n -= float64(now.Unix())
	case !ok:
		end, err := time.Parse(time.RFC3339, r.String())
		if err != nil {
			return 0
		}
		n = end.Sub(now).Seconds()
	}
	return secondsOf(gjson.Result{Type: gjson.Number, Num: n})
}
