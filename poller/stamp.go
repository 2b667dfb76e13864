package poller

import (
	"net/http"
	"strings"
	"time"
)

// stamp is a time as a server writes it, with the way to write another one in
// the same form and precision.
type stamp struct {
	at     time.Time
	layout string
	// unit is what the last digit counts.
	unit time.Duration
}

// stampLayouts are the forms of times that APIs give, without fractions of a
// second. What has no time zone counts as UTC.
var stampLayouts = []struct {
	layout string
	unit   time.Duration
}{
	{"2006-01-02T15:04:05Z07:00", time.Second},
	{"2006-01-02T15:04:05-0700", time.Second},
	{"2006-01-02T15:04:05-07", time.Second},
	{"2006-01-02T15:04:05", time.Second},
	{"2006-01-02 15:04:05Z07:00", time.Second},
	{"2006-01-02 15:04:05 Z07:00", time.Second},
	{"2006-01-02 15:04:05-0700", time.Second},
	{"2006-01-02 15:04:05 -0700", time.Second},
	{"2006-01-02 15:04:05-07", time.Second},
	{"2006-01-02 15:04:05 UTC", time.Second},
	{"2006-01-02 15:04:05", time.Second},
	{"2006/01/02 15:04:05", time.Second},
	{"20060102T150405Z07:00", time.Second},
	{"2006-01-02T15:04Z07:00", time.Minute},
	{"2006-01-02T15:04", time.Minute},
	{"2006-01-02 15:04", time.Minute},
	{"2006-01-02", 24 * time.Hour},
	{"2006/01/02", 24 * time.Hour},
	{http.TimeFormat, time.Second},
	{time.RFC1123Z, time.Second},
	{time.RubyDate, time.Second},
}

// maxStamp is the longest text that is taken for a time.
const maxStamp = 64

// parseStamp reads a time in one of the forms that are known.
func parseStamp(text string) (stamp, bool) {
	if len(text) < len("2006-01-02") || len(text) > maxStamp {
		return stamp{}, false
	}
	for _, form := range stampLayouts {
		at, err := time.Parse(form.layout, text)
		if err != nil {
			continue
		}
		s := stamp{at: at, layout: form.layout, unit: form.unit}
		if !strings.HasSuffix(text, "Z") {
			// Only Z is written as Z: +00:00 stays what it is.
			s.layout = strings.Replace(s.layout, "Z07:00", "-07:00", 1)
		}
		s.fraction(text)
		return s, true
	}
	return stamp{}, false
}

// fraction gives the layout the fraction of a second that the text has: Parse
// reads one wherever there is one, but Format writes only what is asked for.
func (s *stamp) fraction(text string) {
	i := strings.LastIndexAny(text, ".,")
	if i < 0 || s.unit != time.Second || text[i] == ',' && len(text) > i+1 && text[i+1] == ' ' {
		return
	}
	digits := 0
	for _, c := range text[i+1:] {
		if c < '0' || c > '9' {
			break
		}
		digits++
	}
	if digits = min(digits, 9); digits == 0 { // what is below a nanosecond is rounded down
		return
	}
	second := strings.LastIndex(s.layout, "05") + len("05")
	s.layout = s.layout[:second] + text[i:i+1] + strings.Repeat("0", digits) + s.layout[second:]
	for range digits {
		s.unit /= 10
	}
}

// format writes another time as this one was written, rounded down.
func (s stamp) format(at time.Time) string { return at.In(s.at.Location()).Format(s.layout) }
