package httpclient

import (
	"testing"
	"time"
)

func TestPollInterval(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		lines []string
		want  time.Duration
	}{
		{nil, 0},
		{[]string{"X-Poll-Interval: 60"}, time.Minute},
		{[]string{"x-poll-interval: 1.5"}, 1500 * time.Millisecond},
		{[]string{"X-Poll-Interval: 60", "X-Poll-Interval: 60"}, time.Minute},
		{[]string{"X-Poll-Interval: 60", "X-Poll-Interval: 90"}, 0},
		{[]string{"X-Poll-Interval: 0"}, 0},
		{[]string{"X-Poll-Interval: -60"}, 0},
		{[]string{"X-Poll-Interval: 60s"}, 0},
		{[]string{"X-Poll-Interval: 99999999999999999999"}, maxReset},
	} {
		if got := PollInterval(fields(test.lines...)); got != test.want {
			t.Errorf("PollInterval of %q = %v, want %v", test.lines, got, test.want)
		}
	}
}

// What comes of any header is a time that a pause can be.
func FuzzPollInterval(f *testing.F) {
	for _, seed := range []string{"", "60", "0", "-1", "1.5", "1.2.3", "99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if got := PollInterval(fields("X-Poll-Interval: " + value)); got < 0 || got > maxReset {
			t.Errorf("PollInterval of %q = %v", value, got)
		}
	})
}
