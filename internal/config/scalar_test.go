package config

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "90s": 90 * time.Second, "36h": 36 * time.Hour, "30d": 30 * day, "1d12h": 36 * time.Hour,
		"1.5h": 90 * time.Minute, "500ms": 500 * time.Millisecond, "106751d": 106751 * day,
		"": -1, "10": -1, "-5s": -1, "+5s": -1, "5 s": -1, "1w": -1, "1.5d": -1, "d": -1, "-1d": -1, "1d-12h": -1, "1d1d": -1,
		"106752d": -1, "106751d24h": -1, "9999999999999999999d": -1, "five": -1, "1e3s": -1, "NaN": -1, "1D": -1,
	} {
		var d Duration
		err := d.UnmarshalText([]byte(text))
		if want < 0 && err == nil || want >= 0 && (err != nil || time.Duration(d) != want) {
			t.Errorf("%q gives %d and %v, want %d", text, d, err, want)
		}
	}
}

func TestDurationIsWrittenShort(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", time.Minute: "1m", time.Hour: "1h", 90 * time.Minute: "1h30m", 36 * time.Hour: "36h", day: "24h",
		30 * day: "30d", 10*time.Minute + time.Second: "10m1s", 20 * time.Second: "20s", time.Hour + time.Second: "1h0m1s",
	} {
		if got := Duration(d).String(); got != want {
			t.Errorf("%v is written %s, want %s", d, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := Duration(rapid.Int64Min(0).Draw(t, "duration"))
		var again Duration
		if err := again.UnmarshalText([]byte(d.String())); err != nil || again != d {
			t.Fatalf("%s is read as %s: %v", d, again, err)
		}
	})
}

func TestSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Size{
		"0B": 0, "512B": 512, "10MiB": 10 << 20, "10 MiB": 10 << 20, "1KiB": 1024, "2GiB": 2 << 30, "500kB": 500000, "500KB": 500000,
		"10MB": 10000000, "1GB": 1000000000,
		"": -1, "10": -1, "MiB": -1, "-1B": -1, "+1B": -1, "1.5MiB": -1, "10mb": -1, "10M": -1, "1TiB": -1, "9223372036854775807KiB": -1, "10  MiB": -1,
	} {
		var s Size
		err := s.UnmarshalText([]byte(text))
		if want < 0 && err == nil || want >= 0 && (err != nil || s != want) {
			t.Errorf("%q gives %d and %v, want %d", text, s, err, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := Size(rapid.Int64Min(0).Draw(t, "size"))
		var again Size
		if err := again.UnmarshalText([]byte(s.String())); err != nil || again != s {
			t.Fatalf("%s is read as %s: %v", s, again, err)
		}
	})
}

func TestMaxRemoved(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]MaxRemoved{
		"50%": {Percent: 50, IsPercent: true}, "0%": {IsPercent: true}, "100%": {Percent: 100, IsPercent: true},
		"12.5%": {Percent: 12.5, IsPercent: true}, "0": {}, "10": {Count: 10},
	} {
		var m MaxRemoved
		if err := m.UnmarshalText([]byte(text)); err != nil || m != want || m.String() != text {
			t.Errorf("%q gives %+v (%s) and %v, want %+v", text, m, m, err, want)
		}
	}
	for _, text := range []string{"", "%", "-1", "-1%", "101%", "NaN%", "1.5", "half", "Inf%", "99999999999"} {
		var m MaxRemoved
		if err := m.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %s", text, m)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"schedule", "rate_limit", "url", "events", "GET", "on_missed"}
	for word, want := range map[string]string{
		"shedule": "schedule", "shceduel": "schedule", "Schedule": "schedule", "rateLimit": "rate_limit", "rate-limit": "rate_limit",
		"ulr": "url", "uri": "url", "event": "events", "get": "GET", "onmissed": "on_missed", "x": "", "": "", "something": "",
		"schedule ": "schedule",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("%q is taken for %q, want %q", word, got, want)
		}
	}
}
