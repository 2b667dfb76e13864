package httpclient

import (
	"testing"
	"time"
)

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		header string
		want   time.Duration
		ok     bool
	}{
		{"", 0, false},
		{"  ", 0, false},
		{"0", time.Second, true},
		{"1", time.Second, true},
		{"120", 2 * time.Minute, true},
		{" 120 ", 2 * time.Minute, true},
		{"-1", 0, false},
		{"+5", 0, false},
		{"2.0", 2 * time.Second, true},
		{"1.5", 2 * time.Second, true},
		{"0.001", time.Second, true},
		{"9223372036.9", 9223372036 * time.Second, true},
		{".5", 0, false},
		{"5.", 0, false},
		{"1.2.3", 0, false},
		{"1.-5", 0, false},
		{"5s", 0, false},
		{"soon", 0, false},
		{"9223372036", 9223372036 * time.Second, true},
		{"9223372037", 9223372036 * time.Second, true},
		{"99999999999999999999", 9223372036 * time.Second, true},
		{"99999999999999999999 days", 0, false},
		{"Sun, 01 Mar 2026 12:01:30 GMT", 90 * time.Second, true},
		{"Sunday, 01-Mar-26 12:01:30 GMT", 90 * time.Second, true},
		{"Sun Mar  1 12:01:30 2026", 90 * time.Second, true},
		{"Sun, 01 Mar 2026 12:00:00 GMT", time.Second, true},
		{"Sun, 01 Mar 2020 12:00:00 GMT", time.Second, true},
		{"Fri, 31 Dec 9999 23:59:59 GMT", 1<<63 - 1, true},
		{"Sun, 32 Mar 2026 12:00:00 GMT", 0, false},
	}
	for _, tt := range tests {
		got, ok := ParseRetryAfter(tt.header, now)
		if got != tt.want || ok != tt.ok {
			t.Errorf("ParseRetryAfter(%q) = %v, %t, want %v, %t", tt.header, got, ok, tt.want, tt.ok)
		}
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, s := range []string{"", "0", "120", "2.0", "-1", "99999999999", "Sun, 01 Mar 2026 12:01:30 GMT", "Sun Mar  1 12:01:30 2026"} {
		f.Add(s, int64(1772366400))
	}
	f.Fuzz(func(t *testing.T, header string, unix int64) {
		got, ok := ParseRetryAfter(header, time.Unix(unix%1e12, 0))
		if ok && got < time.Second {
			t.Errorf("ParseRetryAfter(%q) = %v, less than a second", header, got)
		}
		if !ok && got != 0 {
			t.Errorf("ParseRetryAfter(%q) = %v though not ok", header, got)
		}
	})
}
