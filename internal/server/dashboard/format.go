package dashboard

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
)

// relative shows a time.Time or *time.Time as the time from now, with the whole
// of it at hand; a dash where there is none. The script keeps it up to date.
func relative(t any, now time.Time) (template.HTML, error) {
	var at time.Time
	switch t := t.(type) {
	case time.Time:
		at = t
	case *time.Time:
		if t != nil {
			at = *t
		}
	default:
		return "", fmt.Errorf("%T is no time", t)
	}
	if at.IsZero() {
		return `<span class="none">–</span>`, nil
	}
	at = at.UTC()
	// Nothing in it is of others: digits, and words of ours.
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s" data-ago>%s</time>`, //nolint:gosec // as said above
		at.Format("2006-01-02T15:04:05.000Z07:00"), at.Format("Mon 2 Jan 2006 15:04:05 UTC"), ago(now.Sub(at)))), nil
}

// dueNow is said of what should have come by now. The script says it too.
const dueNow = "due now"

// due shows when something comes next: what is past is due now.
func due(at *time.Time, now time.Time) (template.HTML, error) {
	text, err := relative(at, now)
	if err != nil || at == nil {
		return text, err
	}
	said := string(text)
	if !at.After(now) {
		said = said[:strings.Index(said, ">")+1] + dueNow + "</time>"
	}
	return template.HTML(strings.Replace(said, " data-ago", " data-ago data-due", 1)), nil //nolint:gosec // relative made it
}

// ago says how long ago something was, or in what time it will be. The script
// says it in the same words.
func ago(d time.Duration) string {
	future := d < 0
	if future {
		d = -d
	}
	var text string
	switch {
	case d < time.Second && !future:
		return "now"
	case d < 90*time.Second:
		text = fmt.Sprintf("%d s", max(1, int(d.Seconds())))
	case d < 2*time.Hour:
		text = fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 36*time.Hour:
		text = fmt.Sprintf("%d h", int(d.Hours()))
	default:
		text = fmt.Sprintf("%d d", int(d.Hours()/24))
	}
	if future {
		return "in " + text
	}
	return text + " ago"
}

// byteCount shows a number of bytes.
func byteCount(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, units := float64(n)/unit, "KMGTPE"
	for value >= unit && len(units) > 1 {
		value, units = value/unit, units[1:]
	}
	if value < 10 {
		return fmt.Sprintf("%.1f %ciB", value, units[0])
	}
	return fmt.Sprintf("%.0f %ciB", value, units[0])
}

// number shows a whole number, its thousands apart.
func number(n any) (string, error) {
	var digits string
	switch n := n.(type) {
	case int:
		digits = strconv.Itoa(n)
	case int64:
		digits = strconv.FormatInt(n, 10)
	default:
		return "", fmt.Errorf("%T is no whole number", n)
	}
	sign := ""
	if digits[0] == '-' {
		sign, digits = "−", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:] // a narrow space that breaks no line
	}
	return sign + digits, nil
}

// milliseconds shows how long something took.
func milliseconds(ms int64) string {
	switch {
	case ms < 1000:
		return fmt.Sprintf("%d ms", ms)
	case ms < 60_000:
		return fmt.Sprintf("%.1f s", float64(ms)/1000)
	default:
		return fmt.Sprintf("%.1f min", float64(ms)/60_000)
	}
}

// seconds shows a span such as that of a limit: 1 h, 90 s.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d >= 24*time.Hour && d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d d", d/(24*time.Hour))
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	default:
		return strconv.FormatFloat(s, 'f', -1, 64) + " s"
	}
}

// plural is a number with its word: 1 source, 2 sources.
func plural(n any, one, many string) (string, error) {
	text, err := number(n)
	if err != nil {
		return "", err
	}
	if text == "1" {
		return text + " " + one, nil
	}
	return text + " " + many, nil
}
