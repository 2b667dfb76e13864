package httpclient

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fields makes a header of lines such as "Name: value".
func fields(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

func TestParseRateLimit(t *testing.T) {
	t.Parallel()
	now := time.Unix(1772366400, 0) // Sun, 01 Mar 2026 12:00:00 GMT
	nothing := RateLimit{Remaining: -1}
	tests := []struct {
		name   string
		status int
		header []string
		want   RateLimit
	}{
		{"nothing", 200, nil, nothing},
		{"nothing but a refusal", 429, nil, RateLimit{Remaining: -1, Refused: true}},
		{"forbidden for another reason", 403, []string{"X-RateLimit-Limit: 60", "X-RateLimit-Remaining: 12"}, RateLimit{Limit: 60, Remaining: 12}},

		{"draft 10", 200, []string{`RateLimit: "default";r=50;t=30`}, RateLimit{Remaining: 50, Reset: 30 * time.Second}},
		{
			"draft 10 with a policy", 200,
			[]string{`RateLimit-Policy: "default";q=100;w=60`, `RateLimit: "default";r=0`},
			RateLimit{Limit: 100, Reset: time.Minute},
		},
		{
			"the tightest of several policies", 200,
			[]string{`RateLimit-Policy: "burst";q=100;w=60,"daily";q=1000;w=86400`, `RateLimit: "burst";r=90;t=3, "daily";r=7;t=3600`},
			RateLimit{Limit: 1000, Remaining: 7, Reset: time.Hour},
		},
		{"in several lines", 200, []string{`RateLimit: "a";r=5;t=10`, `RateLimit: "b";r=3;t=20`}, RateLimit{Remaining: 3, Reset: 20 * time.Second}},
		{"a partition key", 200, []string{`RateLimit: "user";r=4;t=9;pk=:cGs6MTIz:`}, RateLimit{Remaining: 4, Reset: 9 * time.Second}},
		{"a token for a name", 200, []string{`RateLimit: default;r=4;t=9`}, RateLimit{Remaining: 4, Reset: 9 * time.Second}},
		{"no time until the reset", 200, []string{`RateLimit: "default";r=4`}, RateLimit{Remaining: 4}},
		{"draft 07", 200, []string{"RateLimit: limit=100, remaining=50, reset=50"}, RateLimit{Limit: 100, Remaining: 50, Reset: 50 * time.Second}},
		{"not structured", 200, []string{`RateLimit: "default;r=50`}, nothing},
		{"structured nonsense", 200, []string{`RateLimit: ("a" "b");r=1, "c";r="5", "d";r=-1, "e";r=1.5`}, nothing},
		{"structured contradiction", 200, []string{`RateLimit-Policy: "d";q=10;w=60`, `RateLimit: "d";r=11;t=5`}, nothing},

		{"draft 06", 200, []string{"RateLimit-Limit: 100", "RateLimit-Remaining: 20", "RateLimit-Reset: 15"}, RateLimit{Limit: 100, Remaining: 20, Reset: 15 * time.Second}},
		{"with quota policies", 200, []string{"RateLimit-Limit: 10, 10;w=1, 50;w=60", "RateLimit-Remaining: 0"}, RateLimit{Limit: 10, Reset: time.Minute}},

		{
			"github", 200,
			[]string{"X-RateLimit-Limit: 5000", "X-RateLimit-Remaining: 4987", "X-RateLimit-Reset: 1772370000", "X-RateLimit-Used: 13", "X-RateLimit-Resource: core"},
			RateLimit{Limit: 5000, Remaining: 4987, Reset: time.Hour},
		},
		{"github, only what is used", 200, []string{"X-RateLimit-Limit: 60", "X-RateLimit-Used: 61"}, RateLimit{Limit: 60}},
		{
			"github, the limit is used up", 403,
			[]string{"X-RateLimit-Limit: 60", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1772366460"},
			RateLimit{Limit: 60, Reset: time.Minute, Refused: true},
		},
		{
			"github, a secondary limit", 403,
			[]string{"X-RateLimit-Limit: 5000", "X-RateLimit-Remaining: 4000", "X-RateLimit-Reset: 1772366460", "Retry-After: 60"},
			RateLimit{Limit: 5000, Remaining: 4000, Reset: time.Minute, RetryAfter: time.Minute, Refused: true},
		},
		{
			"twitter", 429,
			[]string{"x-rate-limit-limit: 900", "x-rate-limit-remaining: 0", "x-rate-limit-reset: 1772367300"},
			RateLimit{Limit: 900, Reset: 15 * time.Minute, Refused: true},
		},
		{"slack", 429, []string{"Retry-After: 30"}, RateLimit{Remaining: -1, RetryAfter: 30 * time.Second, Refused: true}},
		{"stripe", 429, []string{"Stripe-Rate-Limited-Reason: global-rate"}, RateLimit{Remaining: -1, Refused: true}},
		{"discord", 200, []string{"X-RateLimit-Limit: 5", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset-After: 1.25"}, RateLimit{Limit: 5, Reset: 1250 * time.Millisecond}},

		{"unavailable", 503, []string{"Retry-After: Sun, 01 Mar 2026 12:02:00 GMT"}, RateLimit{Remaining: -1, RetryAfter: 2 * time.Minute}},
		{"retry at once", 429, []string{"Retry-After: 0"}, RateLimit{Remaining: -1, RetryAfter: time.Second, Refused: true}},
		{"of two waits the longer", 429, []string{"Retry-After: 5", "Retry-After: 90"}, RateLimit{Remaining: -1, RetryAfter: 90 * time.Second, Refused: true}},
		{"a success is no reason to wait", 200, []string{"Retry-After: 30"}, nothing},

		{
			"a clock that is a year behind", 200,
			[]string{"Date: Sat, 01 Mar 2025 12:00:00 GMT", "X-RateLimit-Limit: 60", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1740830520"},
			RateLimit{Limit: 60, Reset: 2 * time.Minute},
		},
		{
			"a clock that is ahead", 429,
			[]string{"Date: Sun, 01 Mar 2026 14:00:00 GMT", "Retry-After: Sun, 01 Mar 2026 14:00:10 GMT"},
			RateLimit{Remaining: -1, RetryAfter: 10 * time.Second, Refused: true},
		},
		{
			"from a cache", 200,
			[]string{"Date: Sun, 01 Mar 2026 11:50:00 GMT", "Age: 600", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1772366430"},
			RateLimit{Reset: 30 * time.Second},
		},

		{"said twice alike", 200, []string{"X-RateLimit-Remaining: 3", "X-RateLimit-Remaining: 3"}, RateLimit{Remaining: 3}},
		{"said twice in different ways", 200, []string{"X-RateLimit-Remaining: 3", "X-RateLimit-Remaining: 300"}, nothing},
		{"more than there are", 200, []string{"X-RateLimit-Limit: 10", "X-RateLimit-Remaining: 11"}, nothing},
		{"no limit at all", 200, []string{"X-RateLimit-Limit: 0", "X-RateLimit-Remaining: 0"}, nothing},
		{"unlimited", 200, []string{"X-RateLimit-Limit: -1", "X-RateLimit-Remaining: -1"}, nothing},
		{"not a number", 200, []string{"X-RateLimit-Remaining: NaN", "X-RateLimit-Reset: Inf", "X-RateLimit-Limit: 0x10"}, nothing},
		{"absurd numbers", 200, []string{"X-RateLimit-Remaining: 99999999999999999999", "X-RateLimit-Reset: 99999999999999999999999999"}, nothing},
		{"over-long", 200, []string{"X-RateLimit-Remaining: " + strings.Repeat("0", 5000), "RateLimit: \"" + strings.Repeat("a", 5000) + "\";r=0"}, nothing},
		{
			"two families, the tighter one", 200,
			[]string{"RateLimit-Remaining: 40", "RateLimit-Reset: 9", "X-RateLimit-Remaining: 4", "X-RateLimit-Reset: 99"},
			RateLimit{Remaining: 4, Reset: 99 * time.Second},
		},
		{
			"two families that agree, the longer wait", 200,
			[]string{"RateLimit-Remaining: 4", "RateLimit-Reset: 9", "X-RateLimit-Limit: 10", "X-RateLimit-Remaining: 4", "X-RateLimit-Reset: 99"},
			RateLimit{Limit: 10, Remaining: 4, Reset: 99 * time.Second},
		},
	}
	for _, tt := range tests {
		if d := cmp.Diff(tt.want, ParseRateLimit(tt.status, fields(tt.header...), now)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

func TestParseReset(t *testing.T) {
	t.Parallel()
	clock := time.Unix(1772366400, 0)
	for text, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-5": 0, "+5": 0, "1e3": 0, "1.2.3": 0, ".": 0,
		"0": 0, "1": time.Second, "0.5": 500 * time.Millisecond, "3600": time.Hour, "31622400": maxReset, "31622401": 0,
		"1772366400": 0, "1772366300": 0, "1772366460": time.Minute, "1772366460.5": 60500 * time.Millisecond,
		"1772366460000": time.Minute, "1772366460000000": time.Minute, "1772366460000000000": time.Minute,
		"1872366460": 0, "99999999999": 0,
		"Sun, 01 Mar 2026 12:01:30 GMT": 90 * time.Second, "Sun, 01 Mar 2020 12:01:30 GMT": 0,
		"2026-03-01T12:01:30Z": 90 * time.Second, "2026-03-01T13:01:30.5+01:00": 90500 * time.Millisecond,
		"2026-03-01 12:01:30Z": 90 * time.Second, "2036-03-01T12:01:30Z": 0, "2026-13-01T12:01:30Z": 0,
	} {
		// Of a time in billionths a double keeps a quarter of a millionth.
		if got := parseReset(text, clock).Round(time.Microsecond); got != want {
			t.Errorf("parseReset(%q) = %v, want %v", text, got, want)
		}
	}
	if got := parseReset("946684860", time.Unix(946684800, 0)); got != time.Minute {
		t.Errorf("a minute after the year 2000 began: %v", got)
	}
	if got := parseReset("60", time.Unix(30, 0)); got != time.Minute {
		t.Errorf("60 s at a clock that was never set: %v", got)
	}
}

// What comes of any header are numbers that can be meant.
func FuzzParseRateLimit(f *testing.F) {
	for _, seed := range [][4]string{
		{`"default";r=50;t=30`, `"default";q=100;w=60`, "", ""},
		{"limit=100, remaining=50, reset=50", "", "", ""},
		{`"a";r=1;pk=:AA==:, b;r=2`, `("x");q=1`, "10", "1772366460"},
		{"", "", "0", "1772366460123"},
		{"", "", "5", "Sun, 01 Mar 2026 12:01:30 GMT"},
		{"", "", "1.5", "2026-03-01T12:01:30Z"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], int64(1772366400), 429)
	}
	f.Fuzz(func(t *testing.T, field, policy, remaining, reset string, unix int64, status int) {
		now := time.Unix(unix%1e11, 0)
		h := http.Header{
			"Ratelimit": {field}, "Ratelimit-Policy": {policy}, "Ratelimit-Limit": {policy}, "Ratelimit-Reset": {reset},
			"X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset": {reset}, "X-Ratelimit-Limit": {field},
			"X-Rate-Limit-Remaining": {remaining, field}, "Retry-After": {reset, remaining}, "Date": {policy}, "Age": {remaining},
		}
		r := ParseRateLimit(status, h, now)
		switch {
		case r.Limit < 0 || r.Limit > maxRateLimitCount, r.Remaining < -1 || r.Remaining > maxRateLimitCount,
			r.Reset < 0 || r.Reset > maxReset, r.RetryAfter != 0 && r.RetryAfter < time.Second:
			t.Errorf("%+v of %v", r, h)
		case r.Refused && status != 429 && status != 403:
			t.Errorf("status %d counts as refused", status)
		}
	})
}
