package poller

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func mustLocation(tb testing.TB, name string) *time.Location {
	tb.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return loc
}

func mustSchedule(tb testing.TB, spec string, loc *time.Location, seed string) Schedule {
	tb.Helper()
	s, err := ParseSchedule(spec, loc, seed)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// runsBetween lists the runs in (from, to).
func runsBetween(s Schedule, from, to time.Time) []time.Time {
	var runs []time.Time
	for at := s.Next(from); !at.IsZero() && at.Before(to); at = s.Next(at) {
		runs = append(runs, at)
	}
	return runs
}

func TestParseScheduleRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ spec, want string }{
		{"", "it is empty"},
		{"   ", "it is empty"},
		{"TZ=Europe/Berlin * * * * *", "use timezone"},
		{"TZ=Europe/Berlin", "use timezone"},
		{" CRON_TZ=UTC 0 3 * * *", "use timezone"},
		{"0 0 30 2 *", "never fire"},
		{"0 0 31 4,6,9,11 *", "never fire"},
		{", * * * *", "no value"},
		{"* * * * * ,", "no value"},
		{"* * * *", "expected 5 to 6 fields"},
		{"* * * * * * *", "expected 5 to 6 fields"},
		{"61 * * * *", "above maximum"},
		{"*/0 * * * *", "positive number"},
		{"5-1 * * * *", "beyond end of range"},
		{"a * * * *", "parse int"},
		{"@sometimes", "unrecognized descriptor"},
		{"@every", "takes a duration"},
		{"@every soon", "takes a duration"},
		{"@every 99ms", "at least 100ms"},
		{"@every -5s", "at least 100ms"},
		{"@every 4000d", "at most 3650d"},
		{"@every 99999d", "invalid number of days"},
		{"@every 1dx", "takes a duration"},
		{"@every d", "invalid number of days"},
	}
	for _, tt := range tests {
		_, err := ParseSchedule(tt.spec, time.UTC, "s")
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ParseSchedule(%q): error %v, want one with %q", tt.spec, err, tt.want)
		}
	}
}

func TestCronFields(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) // A Thursday.
	tests := []struct{ spec, want string }{
		{"*/5 * * * *", "2026-01-01T00:05:00Z"},
		{"30 */5 * * * *", "2026-01-01T00:00:30Z"},
		{"0 9 * * MON-FRI", "2026-01-01T09:00:00Z"},
		{"0 9 * * sat", "2026-01-03T09:00:00Z"},
		{"@hourly", "2026-01-01T01:00:00Z"},
		{"@daily", "2026-01-02T00:00:00Z"},
		{"@weekly", "2026-01-04T00:00:00Z"},
		{"@monthly", "2026-02-01T00:00:00Z"},
		{"@yearly", "2027-01-01T00:00:00Z"},
		{" 0 0 29 2 * ", "2028-02-29T00:00:00Z"},
	}
	for _, tt := range tests {
		got := mustSchedule(t, tt.spec, time.UTC, "").Next(from)
		if got.Format(time.RFC3339Nano) != tt.want {
			t.Errorf("%q: next %v, want %v", tt.spec, got, tt.want)
		}
	}
}

// Between 2096 and 2104 there is no leap day.
func TestCronLeapDayOf2104(t *testing.T) {
	t.Parallel()
	s := mustSchedule(t, "0 12 29 2 *", mustLocation(t, "Europe/Berlin"), "")
	got := s.Next(time.Date(2096, 3, 1, 0, 0, 0, 0, time.UTC))
	if want := time.Date(2104, 2, 29, 11, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Fatalf("next leap day is %v, want %v", got, want)
	}
}

func TestCronDaylightSaving(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, zone, spec string
		from, to         string
		want             []string
	}{
		{
			"skipped run is made at the end of the gap", "Europe/Berlin", "30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"},
		},
		{
			"all skipped runs are one", "Europe/Berlin", "*/10 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00"},
		},
		{
			"the run at the end of the gap is the same", "Europe/Berlin", "0 2,3 * * *", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00"},
		},
		{
			"repeated run is made the first time", "Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"},
		},
		{
			"not from the middle of repeated time", "Europe/Berlin", "30 2 * * *", "2026-10-25T01:10:00Z", "2026-10-26T12:00:00Z",
			[]string{"2026-10-26T02:30:00+01:00"},
		},
		{
			"right after repeated time", "Europe/Berlin", "0 3 * * *", "2026-10-25T01:59:59Z", "2026-10-25T12:00:00Z",
			[]string{"2026-10-25T03:00:00+01:00"},
		},
		{
			"America", "America/New_York", "15 2 8 3 *", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z",
			[]string{"2026-03-08T03:00:00-04:00"},
		},
		{
			"America in autumn", "America/New_York", "0 30 1 * * SUN", "2026-10-31T12:00:00Z", "2026-11-02T00:00:00Z",
			[]string{"2026-11-01T01:30:00-04:00"},
		},
		{
			"half an hour is skipped", "Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00:00Z", "2026-10-05T00:00:00Z",
			[]string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"},
		},
		{
			"half an hour is repeated", "Australia/Lord_Howe", "45 1 * * *", "2026-04-04T00:00:00Z", "2026-04-06T00:00:00Z",
			[]string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"},
		},
		{
			"a midnight that does not exist", "America/Santiago", "@daily", "2026-09-05T12:00:00Z", "2026-09-07T12:00:00Z",
			[]string{"2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"},
		},
		{
			"a whole day is skipped", "Pacific/Apia", "0 6 30 12 *", "2011-12-01T00:00:00Z", "2012-01-10T00:00:00Z",
			[]string{"2011-12-31T00:00:00+14:00"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := mustSchedule(t, tt.spec, mustLocation(t, tt.zone), "")
			from, _ := time.Parse(time.RFC3339, tt.from)
			to, _ := time.Parse(time.RFC3339, tt.to)
			var got []string
			for _, at := range runsBetween(s, from.In(mustLocation(t, tt.zone)), to) {
				got = append(got, at.Format(time.RFC3339))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error("runs (-want +got):\n" + d)
			}
		})
	}
}

// With every hour allowed nothing is lost or moved: the runs are evenly apart
// in real time through both changes.
func TestCronFollowsRealTime(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	to := from.AddDate(1, 0, 0)
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"} {
		for _, spec := range []string{"*/30 * * * *", "*/30 0-23 * * *"} {
			runs := runsBetween(mustSchedule(t, spec, mustLocation(t, zone), ""), from, to)
			if want := 365*24*2 - 1; len(runs) != want {
				t.Errorf("%s %q: %d runs a year, want %d", zone, spec, len(runs), want)
			}
			for i, at := range runs[1:] {
				if gap := at.Sub(runs[i]); gap != 30*time.Minute {
					t.Fatalf("%s %q: %v between %v and %v", zone, spec, gap, runs[i], at)
				}
			}
		}
	}
}

// A daily run is made on every day of the year, once, in any zone and at any hour.
func TestCronDailyForAYear(t *testing.T) {
	t.Parallel()
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago"}
	rapid.Check(t, func(t *rapid.T) {
		loc, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		clock := time.Duration(rapid.IntRange(0, 24*60-1).Draw(t, "minute")) * time.Minute
		spec := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(clock).Format("4 15 * * *")
		s, err := ParseSchedule(spec, loc, "")
		if err != nil {
			t.Fatal(err)
		}
		year := rapid.IntRange(2020, 2035).Draw(t, "year")
		from := time.Date(year, 1, 1, 0, 0, 0, 0, loc).Add(-time.Second)
		days := map[string]int{}
		for _, at := range runsBetween(s, from, time.Date(year+1, 1, 1, 0, 0, 0, 0, loc)) {
			days[at.Format(time.DateOnly)]++
			if n := days[at.Format(time.DateOnly)]; n != 1 {
				t.Fatalf("%q ran %d times on %v", spec, n, at)
			}
		}
		if want := time.Date(year, 12, 31, 0, 0, 0, 0, loc).YearDay(); len(days) != want {
			t.Fatalf("%q ran on %d days of %d", spec, len(days), want)
		}
	})
}

// Next is strictly later, and nothing lies between a time and its next run.
func TestNextIsTheFirstRunAfter(t *testing.T) {
	t.Parallel()
	zones := []string{"Europe/Berlin", "Australia/Lord_Howe", "America/New_York"}
	specs := []string{"30 2 * * *", "*/7 * * * *", "*/20 1-3 * * *", "0 */2 * * *", "15 10 2 * * SUN", "@every 17s", "@hourly"}
	rapid.Check(t, func(t *rapid.T) {
		loc, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := ParseSchedule(rapid.SampledFrom(specs).Draw(t, "spec"), loc, "s")
		if err != nil {
			t.Fatal(err)
		}
		second := rapid.Int64Range(0, 365*24*3600).Draw(t, "second")
		nanos := rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")
		at := time.Unix(1767225600+second, nanos)
		next := s.Next(at)
		if !next.After(at) {
			t.Fatalf("next of %v is %v", at, next)
		}
		between := at.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(at))-1).Draw(t, "between")))
		if again := s.Next(between); !again.Equal(next) {
			t.Fatalf("next of %v is %v, but of %v it is %v", at, next, between, again)
		}
	})
}

func TestEvery(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 1, 0, 0, 0, 123456789, time.UTC)
	for _, spec := range []string{"@every 100ms", "@every 1.5s", "@every 30s", "@every 7m", "@every 1d12h", "@every 2d"} {
		s := mustSchedule(t, spec, nil, "go-releases")
		period := s.(every).period
		first := s.Next(from)
		if wait := first.Sub(from); wait <= 0 || wait > period {
			t.Errorf("%s: first run after %v", spec, wait)
		}
		for at, i := first, 0; i < 100; i++ {
			next := s.Next(at)
			if gap := next.Sub(at); gap != period {
				t.Fatalf("%s: %v between runs", spec, gap)
			}
			at = next
		}
		// Neither the time of the start nor anything else but the seed moves it.
		if again := mustSchedule(t, spec, nil, "go-releases").Next(first.Add(-1)); !again.Equal(first) {
			t.Errorf("%s: another start moves the run from %v to %v", spec, first, again)
		}
	}
	before := mustSchedule(t, "@every 10s", nil, "x").Next(time.Unix(-3, 0))
	if wait := before.Sub(time.Unix(-3, 0)); wait <= 0 || wait > 10*time.Second {
		t.Errorf("before the epoch: first run after %v", wait)
	}
}

func TestStableOffsetSpreadsNames(t *testing.T) {
	t.Parallel()
	var tenths [10]int
	for i := range 10_000 {
		name := "source-" + string(rune('a'+i%26)) + strings.Repeat("x", i%7) + time.Duration(i).String()
		tenths[stableOffset(name, time.Minute)/(6*time.Second)]++
	}
	for i, n := range tenths {
		if n < 800 || n > 1200 {
			t.Errorf("tenth %d of the period has %d of 10,000 names", i, n)
		}
	}
	if stableOffset("a", 0) != 0 {
		t.Error("an offset within nothing is not 0")
	}
}

func TestInterval(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 1, 0, 1, 0, 0, time.UTC)
	tests := []struct {
		spec string
		want time.Duration
	}{
		{"*/5 * * * *", 5 * time.Minute},
		{"@every 250ms", 250 * time.Millisecond},
		{"@daily", 24 * time.Hour},
		{"0,10 9 * * *", 10 * time.Minute},
		{"0 0 29 2 *", 4 * 365 * 24 * time.Hour},
	}
	for _, tt := range tests {
		if got := Interval(mustSchedule(t, tt.spec, time.UTC, ""), from); got.Truncate(5*24*time.Hour) != tt.want.Truncate(5*24*time.Hour) || got < tt.want {
			t.Errorf("interval of %q is %v, want %v", tt.spec, got, tt.want)
		}
	}
	if got := Interval(once(from.Add(time.Hour)), from); got != 0 {
		t.Errorf("interval of a single run is %v", got)
	}
}

// once is a schedule with a single run.
type once time.Time

func (o once) Next(t time.Time) time.Time {
	if at := time.Time(o); at.After(t) {
		return at
	}
	return time.Time{}
}

func TestSameSchedule(t *testing.T) {
	t.Parallel()
	berlin := func() *time.Location { return mustLocation(t, "Europe/Berlin") }
	cron := mustSchedule(t, "0 3 * * *", berlin(), "a")
	tests := []struct {
		name string
		a, b Schedule
		want bool
	}{
		{"read again", cron, mustSchedule(t, "0 3 * * *", berlin(), "b"), true},
		{"written otherwise", cron, mustSchedule(t, "0 0 3 * * *", berlin(), "b"), true},
		{"another hour", cron, mustSchedule(t, "0 4 * * *", berlin(), "a"), false},
		{"another zone", cron, mustSchedule(t, "0 3 * * *", time.UTC, "a"), false},
		{"another kind", cron, mustSchedule(t, "@every 1d", time.UTC, "a"), false},
		{"every", mustSchedule(t, "@every 1d", nil, "a"), mustSchedule(t, "@every 24h", nil, "a"), true},
		{"every of another name", mustSchedule(t, "@every 1d", nil, "a"), mustSchedule(t, "@every 1d", nil, "b"), false},
		{"not comparable", list{}, list{}, false},
		{"none", nil, nil, false},
	}
	for _, tt := range tests {
		if got := sameSchedule(tt.a, tt.b); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

type list []time.Time

func (list) Next(time.Time) time.Time { return time.Time{} }

func FuzzParseSchedule(f *testing.F) {
	for i, spec := range []string{"*/5 * * * *", "0 30 2 * * MON-FRI", "@hourly", "@every 1d2h", "TZ=UTC 0 0 * * *", "0 0 30 2 *", "1-5/2,7 * ? * *"} {
		f.Add(spec, uint8(i))
	}
	zones := []*time.Location{time.UTC, mustLocation(f, "Europe/Berlin"), mustLocation(f, "Australia/Lord_Howe"), mustLocation(f, "America/Santiago")}
	from := time.Date(2026, 3, 29, 0, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, spec string, zone uint8) {
		loc := zones[int(zone)%len(zones)]
		s, err := ParseSchedule(spec, loc, "seed")
		if err != nil {
			return
		}
		at := from
		for range 30 {
			next := s.Next(at)
			if next.IsZero() || !next.After(at) {
				t.Fatalf("%q in %v: next of %v is %v", spec, loc, at, next)
			}
			at = next.Add(time.Hour)
		}
	})
}
