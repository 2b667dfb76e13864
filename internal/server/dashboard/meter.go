package dashboard

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/pollwire/pollwire/internal/server"
)

const (
	meterWidth  = 1000
	meterHeight = 12
	// nearlyAll is the share from which on a budget is nearly used up.
	nearlyAll = 0.8
)

// meterPart is a part of a whole, drawn in its tone; toneIdle is hatched.
type meterPart struct {
	Tone  string
	Share float64
}

// drawMeter draws parts of a whole beside each other. The label says in words
// what they are; it must be words of ours.
func drawMeter(label string, parts ...meterPart) template.HTML {
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg class="meter" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="%s">`,
		meterWidth, meterHeight, template.HTMLEscapeString(label))
	fmt.Fprintf(&svg, `<rect class="rest" width="%d" height="%d"/>`, meterWidth, meterHeight)
	at := 0.0
	for _, p := range parts {
		width := min(max(p.Share, 0), 1-at)
		if width > 0 {
			fmt.Fprintf(&svg, `<rect class="%s" x="%.1f" width="%.1f" height="%d"/>`, p.Tone, at*meterWidth, width*meterWidth, meterHeight)
		}
		at += width
	}
	svg.WriteString(`</svg>`)
	return template.HTML(svg.String()) //nolint:gosec // Numbers and words of ours, and the label is escaped.
}

// limitMeter shows how much of a limit's budget is used, left, and left to others.
func limitMeter(l *server.Limit) template.HTML {
	total := float64(max(l.Requests, 1))
	used, left := float64(l.Used)/total, float64(l.Left)/total
	return drawMeter(limitWords(l),
		meterPart{limitTone(l), used}, meterPart{"left", left}, meterPart{"reserve", float64(l.Reserve) / total})
}

// limitTone says how near a limit is to its end.
func limitTone(l *server.Limit) string {
	usable := float64(max(l.Requests-l.Reserve, 1))
	switch share := float64(l.Used) / usable; {
	case l.Left <= 0:
		return toneBad
	case share >= nearlyAll:
		return toneWarn
	default:
		return toneOK
	}
}

func limitWords(l *server.Limit) string {
	text := fmt.Sprintf("%d of %d requests used, %d left", l.Used, l.Requests, l.Left)
	if l.Reserve > 0 {
		text += fmt.Sprintf(", %d kept for others", l.Reserve)
	}
	return text
}

// successMeter shows how many attempts succeeded.
func successMeter(a *server.AttemptStats) template.HTML {
	total := max(a.Count, 1)
	failed := float64(a.Failed) / float64(total)
	return drawMeter(fmt.Sprintf("%d of %d attempts succeeded", a.Count-a.Failed, a.Count),
		meterPart{toneOK, 1 - failed}, meterPart{toneBad, failed})
}

// successRate is how many of a hundred attempts succeeded; never 100 where one
// failed.
func successRate(a *server.AttemptStats) string {
	switch {
	case a.Count == 0:
		return "–"
	case a.Failed == 0:
		return "100 %"
	}
	tenths := (a.Count - a.Failed) * 1000 / a.Count
	return fmt.Sprintf("%d.%d %%", tenths/10, tenths%10)
}

// percent is a share from 0 to 1 as a whole number of hundredths; never 100 of
// what is not the whole.
func percent(share float64) int { return int(min(max(share, 0), 1) * 100) }
