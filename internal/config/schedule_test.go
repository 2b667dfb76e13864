package config

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestParseSchedule(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		shortest time.Duration
		runs     float64
	}{
		"* * * * *":             {time.Minute, 1440},
		"*/5 * * * *":           {5 * time.Minute, 288},
		"*/7 * * * *":           {4 * time.Minute, 216},
		"* * * * * *":           {time.Second, 86400},
		"*/10 * * * * *":        {10 * time.Second, 8640},
		"30 4 1,15 * 5":         {day, 1},
		"0 9-17 * * mon-fri":    {time.Hour, 9},
		"0 9-17/4 * JAN-mar 1":  {4 * time.Hour, 3},
		"0 0 29 2 *":            {366 * day, 1},
		"5/20 * ? * *":          {20 * time.Minute, 72},
		"@hourly":               {time.Hour, 24},
		"@daily":                {day, 1},
		"@midnight":             {day, 1},
		"@weekly":               {7 * day, 1},
		"@monthly":              {28 * day, 1},
		"@yearly":               {365 * day, 1},
		"@every 30s":            {30 * time.Second, 2880},
		"@every 1d":             {day, 1},
		"@every 36h":            {36 * time.Hour, 2.0 / 3},
		"  */5   *  * * *  ":    {5 * time.Minute, 288},
		"0,0,0 * * * *":         {time.Hour, 24},
		"0 0-59/30 * * * *":     {30 * time.Minute, 48},
		"59 59 23 31 12 *":      {365 * day, 1},
		"0 0 0 1 1 sun":         {day, 1},
		"@every 366d":           {366 * day, 1.0 / 366},
		"0 22-23,0-1 * * *":     {time.Hour, 4},
		"15,45 8,20 * * 0,6":    {30 * time.Minute, 4},
		"1-10/3 0 * * *":        {3 * time.Minute, 4},
		"0 12 * * SUN":          {7 * day, 1},
		"*/1 */1 */1 */1 */1":   {time.Minute, 1440},
		"0-0 0-0 1-1 1-1 *":     {365 * day, 1},
		"@every 1h30m":          {90 * time.Minute, 16},
		"@annually":             {365 * day, 1},
		"0 */2 * 2 *":           {2 * time.Hour, 12},
		"*/30 * * * * mon-sun ": {0, 0},
	} {
		got := parseSchedule(text)
		if want.runs == 0 {
			if got.err == nil {
				t.Errorf("%q is taken", text)
			}
			continue
		}
		if got.err != nil {
			t.Errorf("%q: %v", text, got.err)
			continue
		}
		if shortest := got.shortestInterval(); shortest != want.shortest {
			t.Errorf("%q: the shortest time between runs is %s, want %s", text, shortest, want.shortest)
		}
		if runs := runsADay(got.plan, reference(), 1); math.Abs(runs-want.runs) > 1e-9 {
			t.Errorf("%q: %v runs a day, want %v", text, runs, want.runs)
		}
	}
}

func TestParseScheduleRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                      "the schedule is empty",
		"   ":                   "the schedule is empty",
		"hourly":                "this one has 1",
		"* * * * * * *":         "this one has 7",
		"TZ=UTC":                "use the key timezone",
		"CRON_TZ=UTC @h":        "use the key timezone",
		"@reboot":               "@reboot\" is not known",
		"@Hourly":               "@Hourly\" is not known",
		"@every":                "@every: this is no duration",
		"@every 5":              "@every: a duration needs a unit",
		"@every 99ms":           "@every: it must be at least 100ms",
		"@every -5m":            "@every: a duration cannot be negative",
		"@every 400d":           "@every: it must be at most 366d",
		"* 24 * * *":            "the field hour is wrong",
		"* * 0 * *":             "the field day of month is wrong",
		"* * 32 * *":            "the field day of month is wrong",
		"* * * 13 *":            "the field month is wrong",
		"* * * janu *":          "the field month is wrong",
		"* * * * mon-7":         "the field day of week is wrong",
		"60 * * * * *":          "the field second is wrong",
		"*-5 * * * *":           "the field minute is wrong",
		"1- * * * *":            "the field minute is wrong",
		", * * * *":             "the field minute is wrong",
		"1,2, * * * *":          "the field minute is wrong",
		"*/0 * * * *":           "a step is from 1 to 59",
		"0 */48 * * *":          "for every 48h write \"@every 48h\"",
		"*/90 * * * * *":        "for every 90s write \"@every 90s\"",
		"0 0 */40 * *":          "a step is from 1 to 31",
		"0 0 31 2,4,6 *":        "never comes",
		"1/2/3 * * * *":         "the field minute is wrong",
		"* * * * L":             "the field day of week is wrong",
		"0 0 1W * *":            "the field day of month is wrong",
		"99999999999 * * * *":   "the field minute is wrong",
		"*/99999999999 * * * *": "the field minute is wrong",
	} {
		got := parseSchedule(text)
		if got.err == nil || !strings.Contains(got.err.Error(), want) {
			t.Errorf("%q: got %v, want ... %s ...", text, got.err, want)
		}
	}
}

// FuzzSchedule holds the check of single fields to cron's own parser: what the
// one takes, the other takes, and it comes again.
func FuzzSchedule(f *testing.F) {
	for _, text := range []string{"*/5 * * * *", "0 9-17 * * mon-fri", "@every 1d12h", "@weekly", "TZ=", "0 0 30 2 *", "1,2-3/4 ? * JAN sun"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 200 {
			return
		}
		got := parseSchedule(text)
		if got.err != nil {
			if strings.Contains(got.err.Error(), "parse int") {
				t.Errorf("%q: cron's own message came through: %v", text, got.err)
			}
			return
		}
		if again := parseSchedule(got.text); again.err != nil || again.text != got.text {
			t.Errorf("%q becomes %q, which becomes %q (%v)", text, got.text, again.text, again.err)
		}
		if _, err := cronParser().Parse(got.text); err != nil {
			t.Errorf("%q becomes %q, which cron does not take: %v", text, got.text, err)
		}
		if shortest := got.shortestInterval(); shortest < time.Second {
			t.Errorf("%q comes every %s", text, shortest)
		}
		if runs := runsADay(got.plan, reference(), 1); runs <= 0 || runs > 86400 {
			t.Errorf("%q runs %v times a day", text, runs)
		}
	})
}
