package dashboard

import (
	"strings"
	"testing"
	"time"
)

func TestTimesAreSaidFromNow(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "now", 900 * time.Millisecond: "now", time.Second: "1 s ago", 89 * time.Second: "89 s ago", 90 * time.Second: "1 min ago",
		119*time.Minute + 59*time.Second: "119 min ago", 2 * time.Hour: "2 h ago", 36 * time.Hour: "1 d ago", 400 * 24 * time.Hour: "400 d ago",
		-time.Millisecond: "in 1 s", -10 * time.Second: "in 10 s", -5 * time.Minute: "in 5 min", -48 * time.Hour: "in 2 d",
	} {
		if got := ago(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

func TestRelativeTimesCarryTheWholeTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 4, 4, 5, 678e6, time.FixedZone("CET", 3600))
	for _, value := range []any{at, &at} {
		got, err := relative(value, at.Add(time.Minute))
		want := `<time datetime="2026-01-02T03:04:05.678Z" title="Fri 2 Jan 2026 03:04:05 UTC" data-ago>60 s ago</time>`
		if err != nil || string(got) != want {
			t.Errorf("%T: %s, %v", value, got, err)
		}
	}
	for _, none := range []any{time.Time{}, (*time.Time)(nil)} {
		if got, err := relative(none, at); err != nil || strings.Contains(string(got), "<time") {
			t.Errorf("%#v: %s, %v", none, got, err)
		}
	}
	if _, err := relative("yesterday", at); err == nil {
		t.Error("a word was taken for a time")
	}
}

func TestWhatIsPastIsDue(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for d, want := range map[time.Duration]string{0: ">due now<", -time.Hour: ">due now<", 10 * time.Second: ">in 10 s<"} {
		at := now.Add(d)
		if got, err := due(&at, now); err != nil || !strings.Contains(string(got), want) || !strings.Contains(string(got), "data-due") {
			t.Errorf("%s: %s, %v", d, got, err)
		}
	}
	if got, err := due((*time.Time)(nil), now); err != nil || strings.Contains(string(got), "<time") {
		t.Errorf("never: %s, %v", got, err)
	}
}

func TestAmountsAreLegible(t *testing.T) {
	t.Parallel()
	number := func(n any) string {
		text, err := number(n)
		if err != nil {
			t.Error(err)
		}
		return strings.ReplaceAll(text, "\u202f", " ")
	}
	for _, tc := range []struct{ got, want string }{
		{byteCount(0), "0 B"},
		{byteCount(1023), "1023 B"},
		{byteCount(1024), "1.0 KiB"},
		{byteCount(10 << 20), "10 MiB"},
		{byteCount(1<<63 - 1), "8.0 EiB"},
		{number(0), "0"},
		{number(-1234), "−1 234"},
		{number(999), "999"},
		{number(int64(1234567)), "1 234 567"},
		{milliseconds(999), "999 ms"},
		{milliseconds(1500), "1.5 s"},
		{milliseconds(90_000), "1.5 min"},
		{seconds(1), "1 s"},
		{seconds(0.5), "0.5 s"},
		{seconds(90), "90 s"},
		{seconds(60), "1 min"},
		{seconds(3600), "1 h"},
		{seconds(86_400), "1 d"},
		{plain(1, "source", "sources"), "1 source"},
		{plain(0, "source", "sources"), "0 sources"},
	} {
		if tc.got != tc.want {
			t.Errorf("%q, want %q", tc.got, tc.want)
		}
	}
	if _, err := plural("x", "source", "sources"); err == nil {
		t.Error("a word was taken for a number")
	}
}
