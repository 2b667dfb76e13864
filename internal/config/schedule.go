package config

import (
	"fmt"
	"math/bits"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// scheduleCache keeps what a schedule gave: many sources share one.
type scheduleCache map[string]*parsedSchedule

type parsedSchedule struct {
	// text is the schedule as the parser of cron takes it.
	text string
	plan cron.Schedule
	// interval is what shortestInterval gave, zero before it was asked.
	interval time.Duration
	err      error
}

// reference is a time before a leap day, at which schedules are tried out.
func reference() time.Time { return time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC) }

func (c scheduleCache) parse(text string) *parsedSchedule {
	s, ok := c[text]
	if !ok {
		s = parseSchedule(text)
		c[text] = s
	}
	return s
}

func cronParser() cron.Parser {
	return cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
}

// parseSchedule reads a schedule. It checks each field itself first: cron's
// parser does not say which one is wrong, and lets some mistakes pass.
func parseSchedule(text string) *parsedSchedule {
	fail := func(format string, args ...any) *parsedSchedule {
		return &parsedSchedule{err: fmt.Errorf(format, args...)}
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return fail("the schedule is empty; write one such as \"*/5 * * * *\" or \"@every 5m\"")
	case strings.HasPrefix(text, "TZ="), strings.HasPrefix(text, "CRON_TZ="):
		return fail("the time zone does not stand in the schedule: use the key timezone")
	case strings.HasPrefix(text, "@every"):
		return parseEvery(strings.TrimSpace(strings.TrimPrefix(text, "@every")))
	case strings.HasPrefix(text, "@"):
		if _, err := cronParser().Parse(text); err != nil {
			return fail("%s is not known; want @hourly, @daily, @weekly, @monthly, @yearly or @every 5m", strconv.Quote(text))
		}
	default:
		if err := checkCronFields(strings.Fields(text)); err != nil {
			return &parsedSchedule{err: err}
		}
	}
	plan, err := cronParser().Parse(text)
	if err != nil {
		return fail("%s: %w", strconv.Quote(text), err)
	}
	if plan.Next(reference()).IsZero() {
		return fail("%s never comes: there is no such day in any year", strconv.Quote(text))
	}
	return &parsedSchedule{text: text, plan: plan}
}

// minEvery is the shortest @every: APIs on the same machine may well be asked
// several times a second.
const minEvery = 100 * time.Millisecond

// fixedDelay is a schedule of even distances; cron's own rounds to seconds.
type fixedDelay time.Duration

// Next implements cron.Schedule.
func (d fixedDelay) Next(t time.Time) time.Time { return t.Add(time.Duration(d)) }

// parseEvery reads what follows @every. Days are ours: cron's parser does not
// know them.
func parseEvery(text string) *parsedSchedule {
	every, err := parseDuration(text)
	switch {
	case err != nil:
		err = fmt.Errorf("@every: %w", err)
	case every < minEvery:
		err = fmt.Errorf("@every: it must be at least %s", minEvery)
	case every > 366*day:
		err = fmt.Errorf("@every: it must be at most 366d")
	}
	if err != nil {
		return &parsedSchedule{err: err}
	}
	return &parsedSchedule{text: "@every " + every.String(), plan: fixedDelay(every), interval: every}
}

// cronField is what a field of a schedule takes.
type cronField struct {
	name      string
	low, high int
	words     string
	everyUnit string
}

var cronFields = []cronField{
	{name: "second", low: 0, high: 59, everyUnit: "s"},
	{name: "minute", low: 0, high: 59, everyUnit: "m"},
	{name: "hour", low: 0, high: 23, everyUnit: "h"},
	{name: "day of month", low: 1, high: 31},
	{name: "month", low: 1, high: 12, words: "jan feb mar apr may jun jul aug sep oct nov dec"},
	{name: "day of week", low: 0, high: 6, words: "sun mon tue wed thu fri sat"},
}

func checkCronFields(fields []string) error {
	if len(fields) != 5 && len(fields) != 6 {
		return fmt.Errorf("a schedule has 5 fields (minute, hour, day of month, month, day of week), or 6 with seconds first; this one has %d", len(fields))
	}
	for i, text := range fields {
		if err := cronFields[i+6-len(fields)].check(text); err != nil {
			return err
		}
	}
	return nil
}

var cronRange = regexp.MustCompile(`^(?:[*?]|([0-9]+|[a-z]+)(?:-([0-9]+|[a-z]+))?)(?:/([0-9]+))?$`)

func (f cronField) check(text string) error {
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		m := cronRange.FindStringSubmatch(part)
		if m == nil {
			return f.wrong(text, "")
		}
		low, high := f.low, f.high
		var ok bool
		if m[1] != "" {
			if low, ok = f.number(m[1]); !ok {
				return f.wrong(text, "")
			}
		}
		if m[2] != "" {
			if high, ok = f.number(m[2]); !ok {
				return f.wrong(text, "")
			}
		}
		if low > high {
			return f.wrong(text, "; the range begins after its end")
		}
		if m[3] == "" {
			continue
		}
		step, err := strconv.Atoi(m[3])
		if err != nil || step == 0 || step > f.high {
			return f.wrong(text, f.stepHint(step))
		}
	}
	return nil
}

func (f cronField) stepHint(step int) string {
	if f.everyUnit == "" || step == 0 {
		return fmt.Sprintf("; a step is from 1 to %d", f.high)
	}
	return fmt.Sprintf("; a step beyond %d never comes round: for every %d%s write \"@every %d%s\"", f.high, step, f.everyUnit, step, f.everyUnit)
}

// number reads a number or a word of the field.
func (f cronField) number(text string) (int, bool) {
	for i, word := range strings.Fields(f.words) {
		if word == text {
			return f.low + i, true
		}
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= f.low && n <= f.high
}

func (f cronField) wrong(text, hint string) error {
	if hint == "" {
		hint = fmt.Sprintf("; want %d to %d, *, a list, a range, or a step such as */%d", f.low, f.high, max(2, f.low))
		if f.words != "" {
			words := strings.Fields(f.words)
			hint = fmt.Sprintf("; want %d to %d, %s to %s, *, a list, a range, or a step such as */2", f.low, f.high, words[0], words[len(words)-1])
		}
		if f.name == "day of week" {
			hint += " (Sunday is 0)"
		}
	}
	return fmt.Errorf("the field %s is wrong: %s%s", f.name, strconv.Quote(text), hint)
}

// shortestInterval is the shortest time between runs, as far as 200 of them show it.
func (s *parsedSchedule) shortestInterval() time.Duration {
	if s.interval > 0 {
		return s.interval
	}
	at := s.plan.Next(reference())
	s.interval = 366 * day
	for range 200 {
		next := s.plan.Next(at)
		if next.IsZero() {
			break
		}
		s.interval = min(s.interval, next.Sub(at))
		at = next
	}
	return s.interval
}

// runsADay counts the runs of the busiest span of days, and gives them per day.
// It looks at the days of a year and never at the single runs: all days on which
// a cron schedule runs are alike.
func runsADay(plan cron.Schedule, from time.Time, span int) float64 {
	if every, ok := plan.(fixedDelay); ok {
		return day.Seconds() / time.Duration(every).Seconds()
	}
	spec, ok := plan.(*cron.SpecSchedule)
	if !ok {
		return 0
	}
	const star = 1 << 63
	perDay := 1
	for _, field := range []uint64{spec.Second, spec.Minute, spec.Hour} {
		perDay *= bits.OnesCount64(field &^ star)
	}
	start := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, time.UTC)
	runs := make([]int, 366+span)
	for i := range runs {
		midnight := start.AddDate(0, 0, i)
		if next := spec.Next(midnight.Add(-time.Second)); !next.IsZero() && next.Before(midnight.Add(day)) {
			runs[i] = perDay
		}
	}
	busiest, sum := 0, 0
	for i, n := range runs {
		sum += n
		if i >= span {
			sum -= runs[i-span]
		}
		busiest = max(busiest, sum)
	}
	return float64(busiest) / float64(span)
}

func (v *validator) schedule(at place, s *Source) {
	v.timezone(at, s)
	p, ok := v.written(at, "schedule")
	if !ok {
		return
	}
	parsed := v.schedules.parse(s.Schedule)
	switch {
	case parsed.err != nil && hasReference(p.node.Value):
		v.add(p, "%s is no schedule; write one such as \"*/5 * * * *\" or \"@every 5m\"", p.quote(s.Schedule))
		return
	case parsed.err != nil:
		v.add(p, "%s", parsed.err)
		return
	}
	s.Schedule = parsed.text
	p, ok = v.written(at, "jitter")
	if !ok || s.Jitter == 0 {
		return
	}
	if shortest := Duration(parsed.shortestInterval()); s.Jitter >= shortest {
		v.add(p, "a jitter of %s is not shorter than the %s between runs of %s", s.Jitter, shortest, s.Name)
	}
}

func (v *validator) timezone(at place, s *Source) {
	p, ok := v.written(at, "timezone")
	if !ok || s.Timezone == "" {
		return
	}
	location, known := v.locations[s.Timezone]
	if !known {
		// An unknown zone gives nil, and is as unknown the next time.
		location, _ = time.LoadLocation(s.Timezone)
		v.locations[s.Timezone] = location
	}
	if location == nil {
		v.add(p, "%s is no time zone: write one such as Europe/Berlin, America/New_York or UTC", p.quote(s.Timezone))
	}
	s.location = location
}
