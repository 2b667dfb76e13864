package poller

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	minEvery = 100 * time.Millisecond
	// maxEvery keeps the arithmetic on Unix nanoseconds far from overflow.
	maxEvery = 10 * 365 * 24 * time.Hour
)

// every fires each period, at a stable offset from the Unix epoch, so that
// neither a restart nor a reload moves its runs.
type every struct {
	period, offset time.Duration
}

var _ Schedule = every{}

func parseEvery(text, seed string) (Schedule, error) {
	period, err := parsePeriod(strings.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("@every takes a duration such as 30s, 5m or 1d: %w", err)
	}
	if period < minEvery || period > maxEvery {
		return nil, fmt.Errorf("@every takes a duration of at least %v and at most %dd", minEvery, maxEvery/(24*time.Hour))
	}
	return every{period: period, offset: stableOffset(seed, period)}, nil
}

// parsePeriod is time.ParseDuration with whole days in front.
func parsePeriod(text string) (time.Duration, error) {
	const day = 24 * time.Hour
	days, rest, found := strings.Cut(text, "d")
	if !found {
		return time.ParseDuration(text)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("invalid number of days %q", days)
	}
	if n > uint64(maxEvery/day) {
		return maxEvery + 1, nil
	}
	var within time.Duration
	if rest != "" {
		if within, err = time.ParseDuration(rest); err != nil {
			return 0, err
		}
	}
	return time.Duration(n)*day + within, nil
}

// Next returns the first multiple of the period, shifted by the offset, after t.
func (e every) Next(t time.Time) time.Time {
	since := t.UnixNano() - int64(e.offset)
	n := since / int64(e.period)
	if since < 0 && since%int64(e.period) != 0 {
		n-- // Division rounds towards zero, a time before the epoch needs the floor.
	}
	return time.Unix(0, (n+1)*int64(e.period)+int64(e.offset)).In(t.Location())
}

// stableOffset places a name in [0, within): always at the same point, and
// different names evenly. It is 0 where within is not positive.
func stableOffset(name string, within time.Duration) time.Duration {
	if within <= 0 {
		return 0
	}
	sum := sha256.Sum256([]byte(name))
	return time.Duration(binary.BigEndian.Uint64(sum[:8]) % uint64(within))
}
