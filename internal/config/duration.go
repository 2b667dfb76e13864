package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// Duration is a length of time, written as Go's time.ParseDuration takes it,
// plus d for 24 hours: 90s, 36h, 30d, 1d12h. It is never negative.
type Duration time.Duration

var (
	errDurationUnit = errors.New("a duration needs a unit, such as 500ms, 30s, 5m, 12h or 30d")
	errDuration     = errors.New("this is no duration; write one such as 500ms, 30s, 5m, 12h or 30d")
	errDurationSign = errors.New("a duration cannot be negative")
	errDurationLong = errors.New("this duration is too long; the longest is 106751d")
)

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := parseDuration(string(text))
	if err == nil {
		*d = Duration(parsed)
	}
	return err
}

func parseDuration(text string) (time.Duration, error) {
	if strings.HasPrefix(text, "-") {
		return 0, errDurationSign
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil && n != 0 {
		return 0, errDurationUnit
	}
	days, rest, found := strings.Cut(text, "d")
	if !found {
		return parseGoDuration(text)
	}
	n, err := strconv.ParseUint(days, 10, 31)
	switch {
	case err != nil:
		return 0, errDuration
	case n > uint64(math.MaxInt64/day):
		return 0, errDurationLong
	case rest == "":
		return time.Duration(n) * day, nil
	}
	part, err := parseGoDuration(rest)
	if err != nil {
		return 0, err
	}
	if sum := time.Duration(n)*day + part; sum >= 0 {
		return sum, nil
	}
	return 0, errDurationLong
}

// parseGoDuration hides the text that time.ParseDuration puts in its errors:
// it may have come from a secret.
func parseGoDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || strings.HasPrefix(text, "+") {
		return 0, errDuration
	}
	return d, nil
}

// String writes the duration without empty units: 5m, 1h30m, 30d.
func (d Duration) String() string {
	t := time.Duration(d)
	if t >= 2*day && t%day == 0 {
		return strconv.FormatInt(int64(t/day), 10) + "d"
	}
	s := t.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText writes the duration as String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// pattern is what the schema says of a duration.
func (Duration) pattern() string {
	return `^(0|(\d+d)?((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*)$`
}
